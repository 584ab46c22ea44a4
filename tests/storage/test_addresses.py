"""Where browsers reach objects, and whether the service notices that nobody does."""

from dataclasses import replace
from pathlib import Path

import pytest

from services.storage.app import create_app
from services.storage.objects import ObjectStore
from services.storage.settings import StorageSettings
from services.storage.stores import Stores
from shared.settings import Settings
from tests.conftest import headers
from tests.servers import free_port, s3_server
from tests.storage.conftest import Storage
from tests.storage.pushing import upload_body

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testsecret"}


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """None of this asks much of a database."""
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.mark.parametrize("given", [{}, {"S3_PUBLIC_URL": ""}])
@pytest.mark.parametrize(
    ("endpoint", "public"),
    [
        ("http://127.0.0.1:8085", ""),
        ("http://localhost:8085", ""),
        ("http://[::1]:8085", ""),
        ("http://s3:8085", ""),
        ("https://objects.example.org/", "https://objects.example.org"),
        ("http://10.0.0.7:9000", "http://10.0.0.7:9000"),
    ],
)
def test_an_endpoint_that_others_reach_is_their_address_too(endpoint: str, public: str, given: dict[str, str]) -> None:
    assert StorageSettings.read({**KEYS, **given, "S3_ENDPOINT_URL": endpoint}).public_url == public


def test_a_public_address_that_is_set_counts() -> None:
    environ = {**KEYS, "S3_ENDPOINT_URL": "https://objects.example.org", "S3_PUBLIC_URL": "https://cdn.example.org/"}
    assert StorageSettings.read(environ).public_url == "https://cdn.example.org"


@pytest.mark.parametrize(
    ("host", "forwarded", "origin"),
    [
        ("train.example.org:8443", "http", "https://train.example.org:8443"),
        ("Train.example.org:8443", "http", "https://Train.example.org:8443"),
        ("train.example.org:8080", "http", "http://train.example.org:8080"),
        ("localhost:8080", "http", "http://localhost:8080"),
        ("localhost:8080", "https", "https://localhost:8080"),
    ],
)
def test_urls_name_the_origin_that_was_called(storage: Storage, settings: Settings, host: str, forwarded: str, origin: str) -> None:
    """Where TLS ends in front of the gateway, the gateway itself is called by http and says so."""
    public = replace(settings, public_url="https://train.example.org:8443", allowed_hosts=settings.allowed_hosts | {"train.example.org"})
    client = create_app(public, storage.stores).test_client()
    body, _parts = upload_body("novels", {"a.txt": b"text"})
    answer = client.post("/api/v1/uploads", json=body, headers=headers("editor") | {"Host": host, "X-Forwarded-Proto": forwarded})
    assert answer.get_json()["missing"][0]["url"].startswith(f"{origin}/")


def test_readiness_sees_s3_go_and_come(storage: Storage, settings: Settings, storage_settings: StorageSettings, tmp_path: Path) -> None:
    port = free_port()
    objects = ObjectStore(replace(storage_settings, endpoint_url=f"http://127.0.0.1:{port}", access_key_id="test"))
    client = create_app(settings, Stores(storage.stores.database, objects, storage.stores.enqueue)).test_client()
    with s3_server(tmp_path, port):
        assert client.get("/readyz").status_code == 200
    assert client.get("/readyz").status_code == 503
    with s3_server(tmp_path, port):
        assert client.get("/readyz").status_code == 200
    objects.close()
