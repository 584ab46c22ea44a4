"""Objects: checked reads, presigned addresses, and an endpoint that is away."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from services.storage.objects import DamagedObject, MissingObject, ObjectStore
from services.storage.settings import StorageSettings
from shared.errors import EnvironmentFault
from tests.servers import S3Endpoint, free_port, s3_server, wait_until
from tests.storage.pushing import put, read, sha256

DATA = bytes(range(256)) * 10_000


@pytest.fixture
def objects(storage_settings: StorageSettings) -> Iterator[ObjectStore]:
    store = ObjectStore(storage_settings)
    yield store
    store.close()


def test_the_bucket_is_created_where_it_is_missing(objects: ObjectStore, s3_endpoint: S3Endpoint) -> None:
    assert not (s3_endpoint.folder / objects.settings.bucket).exists()
    for _ in range(2):
        objects.ensure_bucket()
    assert (s3_endpoint.folder / objects.settings.bucket).is_dir()
    second = ObjectStore(objects.settings)
    second.ensure_bucket()
    second.close()


def test_what_is_read_is_what_was_written(objects: ObjectStore) -> None:
    objects.put("shards/x", DATA, sha256(DATA))
    assert objects.read_verified("shards/x", sha256(DATA), len(DATA)) == DATA
    assert objects.read_range("shards/x", 250, 260) == DATA[250:260]
    assert objects.size("shards/x") == len(DATA)
    with pytest.raises(MissingObject, match="shards/y"):
        objects.verify("shards/y", sha256(DATA), len(DATA))


@pytest.mark.parametrize("position", [0, 1_000_000, len(DATA) - 1])
def test_any_flipped_byte_is_found(objects: ObjectStore, s3_endpoint: S3Endpoint, position: int) -> None:
    objects.put("shards/x", DATA, sha256(DATA))
    file = s3_endpoint.folder / objects.settings.bucket / "shards/x"
    damaged = bytearray(DATA)
    damaged[position] ^= 0x10
    file.write_bytes(damaged)
    with pytest.raises(DamagedObject) as caught:
        objects.read_verified("shards/x", sha256(DATA), len(DATA))
    assert all(word in caught.value.detail for word in ("shards/x", sha256(DATA), sha256(bytes(damaged)), str(len(DATA))))
    objects.put("shards/x", DATA, sha256(DATA))
    assert objects.read_verified("shards/x", sha256(DATA), len(DATA)) == DATA


@pytest.mark.parametrize("found", [DATA[:-1], DATA + b"x", b""])
def test_a_wrong_length_is_found(objects: ObjectStore, found: bytes) -> None:
    put(objects.put_url("shards/x"), found)
    with pytest.raises(DamagedObject, match=f"expected {len(DATA)} bytes"):
        objects.verify("shards/x", sha256(DATA), len(DATA))


def test_addresses_are_signed_for_the_host_they_name(objects: ObjectStore) -> None:
    public = objects.settings.endpoint_url.replace("127.0.0.1", "localhost")
    url = objects.put_url("parts/a", public)
    assert url.startswith(f"{public}/{objects.settings.bucket}/parts/a?")
    put(url, b"text")
    assert read(objects.get_url("parts/a")) == read(objects.get_url("parts/a", public)) == b"text"
    assert httpx.get(objects.get_url("parts/a", public).replace("localhost", "127.0.0.1"), trust_env=False).status_code == 403


def test_the_public_address_may_be_another_one(storage_settings: StorageSettings) -> None:
    store = ObjectStore(replace(storage_settings, public_url="https://objects.example"))
    assert store.get_url("parts/a", store.settings.public_url).startswith(f"https://objects.example/{store.settings.bucket}/parts/a?")
    store.close()


def test_an_endpoint_that_is_away_is_told_and_comes_back(storage_settings: StorageSettings, tmp_path: Path) -> None:
    port = free_port()
    store = ObjectStore(replace(storage_settings, endpoint_url=f"http://127.0.0.1:{port}", access_key_id="test"))
    with pytest.raises(EnvironmentFault, match=str(port)):
        store.size("x")
    with s3_server(tmp_path, port):
        store.put("shards/x", DATA, sha256(DATA))
        wait_until(lambda: store.size("shards/x") == len(DATA), "the object")
    store.close()
