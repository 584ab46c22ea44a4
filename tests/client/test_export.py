"""Exported checkpoints: unpacked only when whole and right, and never outside of their folder."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest
from groundup import Client, ClientError, LocalProblem, export

from tests.client.conftest import Command
from tests.client.platform import Platform

FILES = {"README.md": b"# novel", "model.safetensors": b"weights" * 300_000}


def tar(files: dict[str, bytes], *, folder: str = "novel-step-9/", sums: bool = True, link: str = "") -> bytes:
    told = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in FILES.items()).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in {**files, **({"SHA256SUMS": told} if sums else {})}.items():
            member = tarfile.TarInfo(f"{folder}{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        if link:
            member = tarfile.TarInfo(f"{folder}link")
            member.type, member.linkname = tarfile.SYMTYPE, link
            archive.addfile(member)
    return out.getvalue()


@pytest.fixture(autouse=True)
def checkpoint(platform: Platform) -> None:
    platform.checkpoints = [{"id": "ckp_1", "run_id": "run_1", "step": 9, "files": []}]
    platform.archive = tar(FILES)


def test_an_export_is_one_folder(groundup: Command, home: Path) -> None:
    done = groundup("checkpoint", "export", "default/production", "--to", "out")
    assert (done.exit_code, "every hash is right" in done.stdout) == (0, True)
    assert {path.name: path.read_bytes() for path in (home / "out" / "novel-step-9").iterdir() if path.name != "SHA256SUMS"} == FILES
    assert [path.name for path in (home / "out").iterdir()] == ["novel-step-9"]
    again = groundup("checkpoint", "export", "ckp_1", "--to", "out")
    assert (again.exit_code, "exists already" in again.stderr) == (1, True)


def test_a_dash_streams_the_tar(groundup: Command, platform: Platform) -> None:
    done = groundup("checkpoint", "export", "ckp_1", "-o", "-", "--all")
    assert (done.exit_code, done.stdout_bytes) == (0, platform.archive)
    assert groundup("checkpoint", "export", "ckp_1", "-o", "file.tar").exit_code == 2


def test_a_stream_that_breaks_off_leaves_nothing(groundup: Command, platform: Platform, home: Path) -> None:
    whole = len(platform.archive)
    platform.archive, platform.archive_bytes = platform.archive[:-20_000], whole
    for words in (("--to", "out"), ("-o", "-")):
        assert groundup("checkpoint", "export", "ckp_1", *words).exit_code == 1
    assert list((home / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("archive", "words"),
    [
        (tar({**FILES, "README.md": b"# other"}), "README.md arrived damaged"),
        (tar({"README.md": b"# novel"}), "SHA256SUMS names"),
        (tar(FILES, sums=False), "no SHA256SUMS"),
        (tar(FILES, folder="../"), "no file of an export"),
        (tar(FILES, folder="/tmp/"), "no file of an export"),
        (tar(FILES, folder=""), "no file of an export"),
        (tar(FILES, folder="a/b/"), "no file of an export"),
        (tar(FILES, link="/etc/passwd"), "no file of an export"),
        (tar(FILES)[:1000], "broke off"),
        (b"<!doctype html>" * 100, "broke off"),
        (b"", "broke off"),
    ],
)
def test_what_is_wrong_leaves_nothing(client: Client, platform: Platform, home: Path, archive: bytes, words: str) -> None:
    platform.archive = archive
    with pytest.raises(LocalProblem) as caught:
        client.checkpoints.export("ckp_1", home / "out")
    assert words in str(caught.value)
    assert list((home / "out").iterdir()) == []
    assert isinstance(caught.value, ClientError)


def test_the_archive_is_read_in_pieces_as_large_as_they_come(groundup: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each read copies what is left of a piece, so small reads of large pieces would take quadratic time."""
    asked: list[int] = []
    read = export._Reader.read

    def reading(self: export._Reader, count: int) -> bytes:
        asked.append(count)
        return read(self, count)

    monkeypatch.setattr(export._Reader, "read", reading)
    assert groundup("checkpoint", "export", "ckp_1", "--to", "out").exit_code == 0
    assert set(asked) == {1 << 20}
