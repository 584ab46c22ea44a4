from pathlib import Path

import pytest
from groundup import ApiProblem, Client, LocalProblem

from tests.client.conftest import Command
from tests.client.platform import Platform


@pytest.fixture
def folder(home: Path) -> Path:
    books = home / "books"
    books.mkdir()
    for name in "abc":
        (books / f"{name}.txt").write_text(name * 10)
    return books


def test_a_push_makes_a_version_of_the_files_in_order(client: Client, platform: Platform, folder: Path) -> None:
    client.datasets.part_bytes = 20
    told: list[tuple[int, int]] = []
    result = client.datasets.push("books", [str(folder)], on_progress=lambda sent, total: told.append((sent, total)))
    assert (result.version.reference, result.version.files, result.version.bytes) == ("books@1", 3, 30)
    assert [file["path"] for file in platform.upload["files"]] == ["a.txt", "b.txt", "c.txt"]
    stored = [platform.parts[part["sha256"]] for part in platform.upload["parts"]]
    assert b"".join(stored) == b"a" * 10 + b"b" * 10 + b"c" * 10
    assert told == [(0, 30), (20, 30), (30, 30)]


def test_a_push_that_broke_off_sends_only_what_is_missing(client: Client, platform: Platform, folder: Path) -> None:
    client.datasets.part_bytes = 10
    client.transport.retries = 0
    digests = [part["sha256"] for part in _plan(client, platform, folder)]
    platform.faults[f"/bucket/{digests[1]}"] = [500]
    with pytest.raises(ApiProblem):
        client.datasets.push("books", [str(folder)])
    platform.seen.clear()
    result = client.datasets.push("books", [str(folder)])
    assert (result.parts, result.sent_parts, result.sent_bytes) == (3, 2, 20)
    assert [one.path for one in platform.seen if one.method == "PUT"] == [f"/bucket/{digest}" for digest in digests[1:]]


def _plan(client: Client, platform: Platform, folder: Path) -> list[dict[str, str]]:
    """The parts of a push that ends before it sends any."""
    platform.faults["/api/v1/uploads/upl_1/complete"] = [500]
    with pytest.raises(ApiProblem):
        client.datasets.push("books", [str(folder)])
    platform.parts.clear()
    parts: list[dict[str, str]] = platform.upload["parts"]
    return parts


def test_presigned_urls_get_no_token_and_an_expired_one_is_renewed(client: Client, platform: Platform, folder: Path) -> None:
    [digest] = {part["sha256"] for part in _plan(client, platform, folder)}
    platform.seen.clear()
    platform.faults[f"/bucket/{digest}"] = [403]
    client.datasets.push("books", [str(folder)])
    puts = platform.sent("PUT", f"/bucket/{digest}")
    assert [put.authorization for put in puts] == [None, None]
    assert platform.sent("GET", "/api/v1/uploads/upl_1")


def test_the_same_content_is_the_same_version(groundup: Command, folder: Path) -> None:
    assert "books@1  3 files, 30B; 30B sent in 1 of 1 parts" in groundup("data", "push", "books", str(folder)).stdout
    assert "books@1  3 files, 30B; nothing had to be sent" in groundup("data", "push", "books", str(folder)).stdout


def test_bad_files_are_named_and_can_be_skipped(groundup: Command, platform: Platform, folder: Path) -> None:
    (folder / "bad.txt").write_bytes(b"caf\xe9")
    (folder / "empty.txt").write_bytes(b"")
    refused = groundup("data", "push", "books", str(folder))
    assert refused.exit_code == 1
    assert "bad.txt: not UTF-8 (byte 0xe9 at offset 3); " in refused.stderr
    assert "empty.txt: empty" in refused.stderr
    assert "--skip-bad" in refused.stderr
    assert not platform.sent("POST", "/api/v1/uploads")
    skipped = groundup("data", "push", "books", str(folder), "--skip-bad")
    assert skipped.exit_code == 0
    assert "2 files skipped" in skipped.stdout


def test_nothing_but_bad_files_is_a_problem_even_when_skipped(client: Client, home: Path) -> None:
    (home / "empty.txt").touch()
    with pytest.raises(LocalProblem, match="all 1 files are empty or not UTF-8"):
        client.datasets.push("books", ["empty.txt"], skip_bad=True)
