import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

import services.storage
from services.storage.app import create_app
from services.storage.content import PartReader
from services.storage.objects import ObjectStore
from services.storage.preparing import prepare_chunk
from services.storage.progress import PREPARE_CHUNK
from services.storage.settings import StorageSettings
from services.storage.stores import Stores
from services.storage.training import train_tokenizer
from shared.settings import Settings
from tests import tables
from tests.conftest import JOIN_SECRET, headers
from tests.servers import S3Endpoint

MIGRATIONS = Path(services.storage.__file__).parent / "migrations"


@dataclass
class Storage:
    """The service in this process, with its own bucket. Tasks wait in `sent` until `work` does them."""

    client: FlaskClient
    stores: Stores
    settings: StorageSettings
    folder: Path
    origin: str
    sent: list[tuple[object, ...]]

    def get(self, path: str, role: str = "editor") -> object:
        return self.client.get(path, headers=headers(role), base_url=self.origin).get_json()

    def post(self, path: str, body: object, role: str = "editor", **more: str) -> tuple[int, dict[str, object]]:
        response = self.client.post(path, json=body, headers=headers(role) | more, base_url=self.origin)
        return response.status_code, response.get_json()

    def internal(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
        response = self.client.open(path, method=method, json=body, headers={"Authorization": f"Bearer {JOIN_SECRET}"})
        return response.status_code, response.get_json(silent=True) or {}

    def work(self) -> None:
        """Do the tasks, and those that they send."""
        reader = PartReader(self.stores)
        while self.sent:
            name, *arguments = self.sent.pop(0)
            if name == PREPARE_CHUNK:
                prepare_chunk(self.stores, reader, self.settings, *arguments)  # type: ignore[arg-type]
            else:
                train_tokenizer(self.stores, reader, str(arguments[0]), 30)


@pytest.fixture
def storage_settings(s3_endpoint: S3Endpoint) -> StorageSettings:
    """A bucket of the test's own, which the service creates itself."""
    environ = {
        "S3_ENDPOINT_URL": s3_endpoint.url,
        "S3_BUCKET": f"test-{uuid.uuid4().hex[:12]}",
        "AWS_ACCESS_KEY_ID": s3_endpoint.access_key,
        "AWS_SECRET_ACCESS_KEY": s3_endpoint.secret_key,
    }
    return StorageSettings.read(environ)


@pytest.fixture
def storage(storage_settings: StorageSettings, settings: Settings, database_url: str, s3_endpoint: S3Endpoint) -> Iterator[Storage]:
    """Clients call it by the S3 endpoint's own origin, as the gateway's is one origin for both."""
    database, objects = tables.migrated(database_url, MIGRATIONS), ObjectStore(storage_settings)
    sent: list[tuple[object, ...]] = []
    stores = Stores(database, objects, lambda *task: sent.append(task))
    client = create_app(settings, stores).test_client()
    small_chunks = replace(storage_settings, chunk_bytes=16384)
    origin = s3_endpoint.url.replace("127.0.0.1", "localhost")
    yield Storage(client, stores, small_chunks, s3_endpoint.folder / storage_settings.bucket, origin, sent)
    objects.close()
    database.close()
