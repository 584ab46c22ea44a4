import hashlib
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import httpx
import pytest

from services.trainer import transfers
from services.trainer.transfers import Damaged, Halted, TransferFailed, Transfers
from shared.internal import CheckpointUpload, FileRef
from tests.servers import S3Endpoint, free_port
from tests.trainer.platform import FakeStorage


@pytest.fixture
def storage(s3_endpoint: S3Endpoint) -> Iterator[FakeStorage]:
    storage = FakeStorage(s3_endpoint)
    yield storage
    storage.s3.close()


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with transfers.store_client() as client:
        yield client


@pytest.fixture
def carrier(http: httpx.Client) -> Transfers:
    return Transfers(http, Event())


def test_fetch_brings_the_bytes(tmp_path: Path, storage: FakeStorage, carrier: Transfers) -> None:
    content = bytes(range(256)) * 10_000
    carrier.fetch(storage.place("big", content), tmp_path / "big")
    assert (tmp_path / "big").read_bytes() == content


@pytest.mark.parametrize("told", [b"right", b"much longer than that", b"sho"])
def test_wrong_bytes_leave_no_file(tmp_path: Path, storage: FakeStorage, carrier: Transfers, told: bytes) -> None:
    with pytest.raises(Damaged):
        carrier.fetch(storage.place("file", b"wrong", told=told), tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_an_object_that_is_gone_is_damage_and_a_refusal_is_not(tmp_path: Path, storage: FakeStorage, carrier: Transfers) -> None:
    place = storage.place("file", b"content")
    storage.s3.delete_object(Bucket="groundup", Key=place.url.split("/groundup/")[1].split("?")[0])
    with pytest.raises(Damaged, match="no such object"):
        carrier.fetch(place, tmp_path / "file")
    with pytest.raises(TransferFailed, match="the store answered 4"):
        carrier.fetch(place.model_copy(update={"url": place.url.split("?")[0]}), tmp_path / "file")


def test_a_store_that_does_not_answer_is_worth_another_try(tmp_path: Path, storage: FakeStorage, carrier: Transfers) -> None:
    place = storage.place("file", b"content").model_copy(update={"url": f"http://127.0.0.1:{free_port()}/file"})
    with pytest.raises(TransferFailed):
        carrier.fetch(place, tmp_path / "file")


def test_an_interrupt_ends_a_transfer(tmp_path: Path, storage: FakeStorage, http: httpx.Client) -> None:
    interrupt = Event()
    interrupt.set()
    with pytest.raises(Halted):
        Transfers(http, interrupt).fetch(storage.place("file", b"content"), tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_ends_an_upload(tmp_path: Path, storage: FakeStorage, http: httpx.Client) -> None:
    (tmp_path / "file").write_bytes(b"content")
    interrupt = Event()
    interrupt.set()
    with pytest.raises(Halted):
        Transfers(http, interrupt).put(tmp_path / "file", storage.place("file", b"content").url)


def test_the_cache_is_asked_first_and_heals(tmp_path: Path, storage: FakeStorage, carrier: Transfers) -> None:
    place = storage.place("file", b"content")
    kept = carrier.fetch_cached(place, tmp_path / "cache")
    offline = place.model_copy(update={"url": "http://127.0.0.1:1/"})
    assert carrier.fetch_cached(offline, tmp_path / "cache") == kept
    kept.write_bytes(b"rotten!")
    assert carrier.fetch_cached(place, tmp_path / "cache").read_bytes() == b"content"


def test_a_copy_that_goes_while_it_is_taken_is_downloaded(
    tmp_path: Path, storage: FakeStorage, carrier: Transfers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An agent that starts removes what the last one left, and a restore may look at just that."""
    place, near = storage.place("a", b"one"), tmp_path / "near"
    near.mkdir()
    (near / "a").write_bytes(b"one")
    really = transfers.link

    def too_late(source: Path, target: Path) -> None:
        source.unlink()
        really(source, target)

    monkeypatch.setattr(transfers, "link", too_late)
    carrier.fetch_folder([place], tmp_path / "target", [near])
    assert (tmp_path / "target" / "a").read_bytes() == b"one"
    assert not near.joinpath("a").exists()


def test_a_folder_takes_right_copies_and_downloads_the_rest(tmp_path: Path, storage: FakeStorage, carrier: Transfers) -> None:
    near, rotten = tmp_path / "near", tmp_path / "rotten"
    for folder, content in ((near, b"one"), (rotten, b"eno")):
        folder.mkdir()
        (folder / "a").write_bytes(content)
    a = storage.place("a", b"one").model_copy(update={"url": "http://127.0.0.1:1/"})
    carrier.fetch_folder([a, storage.place("b", b"two")], tmp_path / "target", [rotten, near])
    assert {path.name: path.read_bytes() for path in (tmp_path / "target").iterdir()} == {"a": b"one", "b": b"two"}


@pytest.mark.parametrize("name", ["../escape", "/etc/passwd", "a/b", "", ".hidden"])
def test_names_are_not_paths(tmp_path: Path, storage: FakeStorage, carrier: Transfers, name: str) -> None:
    place = storage.place("a", b"one").model_copy(update={"name": name})
    with pytest.raises(Damaged):
        carrier.fetch_folder([place], tmp_path / "target")


@pytest.mark.parametrize("content", [b"", b"some bytes" * 100_000])
def test_put_is_one_put(tmp_path: Path, storage: FakeStorage, carrier: Transfers, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    file = FileRef(name="file", bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    upload = CheckpointUpload(run_id="run_a", checkpoint_id=f"ckpt_{len(content)}", files=[file])
    for put in storage.start_checkpoint_upload(upload).puts:
        carrier.put(tmp_path / put.name, put.url)
    storage.complete_checkpoint_upload(upload)
    with pytest.raises(TransferFailed, match="the store answered 4"):
        carrier.put(tmp_path / "file", put.url.split("?")[0])
