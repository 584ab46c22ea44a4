"""What is not restored, and why. Whatever is refused leaves the data folder as it was."""

import contextlib
import dataclasses
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from infra import archive
from infra.archive import BackupError, Head, Writer, read_head, unpack
from infra.backup import back_up
from infra.embedded import MARK
from infra.layout import Layout
from infra.restore import must_fit, restore
from tests.infra.data import new_data
from tests.servers import wait_until


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    data = new_data(tmp_path / "data")
    data.add_checkpoint("run_1", "ckpt_1", step=10)
    return back_up(data.layout, {}, tmp_path / "backup.tar").path


@pytest.fixture
def empty(tmp_path: Path) -> Layout:
    return Layout.read({"GROUNDUP_DATA_DIR": str(tmp_path / "empty")})


def flip(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


def place_of(path: Path, member: str) -> int:
    with tarfile.open(path) as tar:
        return tar.getmember(member).offset_data


@pytest.mark.parametrize("member", ["api.db", "secrets/join", "s3/groundup/checkpoints/run_1/ckpt_1/ckpt_1.safetensors", archive.LIST])
def test_a_flipped_bit_is_found_and_nothing_is_restored(backup: Path, empty: Layout, member: str) -> None:
    flip(backup, place_of(backup, member) + 3)
    with pytest.raises(BackupError, match="damaged"):
        unpack(backup, None)
    with pytest.raises(BackupError, match="damaged"):
        restore(empty, {}, backup)
    assert list(empty.data_dir.iterdir()) == []


@pytest.mark.parametrize("where", [0, 100, archive.LIST, "api.db", "admin-token"])
def test_a_file_that_was_cut_off_is_refused(backup: Path, empty: Layout, where: int | str) -> None:
    os.truncate(backup, where if isinstance(where, int) else place_of(backup, where) + 1)
    with pytest.raises(BackupError):
        restore(empty, {}, backup)
    assert not empty.data_dir.exists() or list(empty.data_dir.iterdir()) == []


def test_one_cut_between_two_files_is_refused(backup: Path, empty: Layout) -> None:
    os.truncate(backup, place_of(backup, "api.db") - 512)
    with pytest.raises(BackupError, match="cut off"):
        restore(empty, {}, backup)


def test_a_folder_with_anything_in_it_is_refused(backup: Path, empty: Layout) -> None:
    empty.data_dir.mkdir()
    (empty.data_dir / "mine").touch()
    with pytest.raises(BackupError, match="not empty"):
        restore(empty, {}, backup)
    assert [path.name for path in empty.data_dir.iterdir()] == ["mine"]


def test_a_running_platform_is_refused(backup: Path, empty: Layout) -> None:
    """Also where its folder has been deleted under it."""
    environ = {**os.environ, MARK: str(empty.data_dir)}
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env=environ) as process:
        try:
            wait_until(lambda: MARK.encode() in Path(f"/proc/{process.pid}/environ").read_bytes(), "the process starts")
            with pytest.raises(BackupError, match=r"runs on .*`./run down` first"):
                restore(empty, {}, backup)
        finally:
            process.kill()
    restore(empty, {}, backup)


def rewritten(path: Path, change: Callable[[Head], Head]) -> Path:
    head = change(read_head(path))
    other = path.with_name("rewritten.tar")
    with other.open("wb") as out, Writer(out, head):
        pass
    return other


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda head: dataclasses.replace(head, format=2, groundup="9.1"), "format 2.*reads 1.*version 9.1, install that one"),
        (
            lambda head: dataclasses.replace(head, groundup="9.1", revisions={**head.revisions, "api": "0999"}),
            "newer version .9.1.*revision 0999, which this version",
        ),
        (lambda head: dataclasses.replace(head, bucket="texts"), "set S3_BUCKET=texts"),
    ],
    ids=["format", "tables", "bucket"],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(
    backup: Path, empty: Layout, change: Callable[[Head], Head], why: str
) -> None:
    with pytest.raises(BackupError, match=why):
        restore(empty, {}, rewritten(backup, change))
    assert not empty.data_dir.exists()


def test_older_tables_are_taken_and_migrated_by_the_next_start(backup: Path, empty: Layout) -> None:
    older = rewritten(backup, lambda head: dataclasses.replace(head, revisions={**head.revisions, "api": "0001"}))
    must_fit(read_head(older), empty, {})


@pytest.mark.parametrize(
    "name",
    ["../outside", "s3/groundup/../../outside", "/etc/outside", "secrets/../outside", "run/supervisord.conf", "s3/g//outside"],
)
def test_names_that_no_backup_has_are_refused(backup: Path, empty: Layout, name: str) -> None:
    with tarfile.open(backup, "a") as tar:
        member = tarfile.TarInfo(name)
        member.size = 3
        tar.addfile(member, io.BytesIO(b"abc"))
    with pytest.raises(BackupError, match="which no backup has"):
        restore(empty, {}, backup)
    assert not list(empty.data_dir.parent.rglob("outside"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(backup: Path, empty: Layout, kind: bytes) -> None:
    with tarfile.open(backup, "a") as tar:
        member = tarfile.TarInfo("admin-token")
        member.type, member.linkname = kind, "/etc/passwd"
        tar.addfile(member)
    with pytest.raises(BackupError, match="which no backup has"):
        restore(empty, {}, backup)


@pytest.mark.parametrize("text", [b"", b"no tar at all, but long enough to be one" * 100])
def test_something_else_is_refused(tmp_path: Path, empty: Layout, text: bytes) -> None:
    (tmp_path / "other.tar").write_bytes(text)
    with pytest.raises(BackupError, match="is not a backup"):
        restore(empty, {}, tmp_path / "other.tar")
    with pytest.raises(BackupError, match="cannot be read"):
        restore(empty, {}, tmp_path / "absent.tar")


def test_a_head_that_is_none_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        data = json.dumps({"format": 1, "something": "else"}).encode()
        member = tarfile.TarInfo(archive.HEAD)
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
    with pytest.raises(BackupError, match="damaged"):
        read_head(tmp_path / "b.tar")


def test_the_commands_say_in_one_line_what_is_wrong(backup: Path, empty: Layout) -> None:
    flip(backup, place_of(backup, "admin-token"))
    environ = {**os.environ, "GROUNDUP_DATA_DIR": str(empty.data_dir)}
    for words in (["--check", str(backup)], [str(backup)]):
        done = subprocess.run([sys.executable, "-m", "infra.restore", *words], env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("not restored: ")
        assert "admin-token has other bytes than were written" in done.stderr
        assert "a token" not in done.stderr + done.stdout
    with contextlib.suppress(FileNotFoundError):
        assert list(empty.data_dir.iterdir()) == []
