"""The HTTP service as a process, as it is started in production."""

import os
import sys
from pathlib import Path

import httpx

from services.storage.settings import StorageSettings
from serving.database import Database
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET, headers
from tests.servers import S3Endpoint, free_port, process, wait_until
from tests.storage.conftest import MIGRATIONS

ROOT = Path(__file__).parents[2]


def test_gunicorn_serves_it_from_the_environment(tmp_path: Path, s3_endpoint: S3Endpoint, storage_settings: StorageSettings) -> None:
    database = Database(f"sqlite:///{tmp_path / 'storage.db'}")
    database.migrate(MIGRATIONS)
    database.close()
    secret = tmp_path / "secret"
    secret.write_text(f"{s3_endpoint.secret_key}\n")
    address = f"127.0.0.1:{free_port()}"
    environ = {
        **os.environ,
        "GROUNDUP_DATA_DIR": str(tmp_path),
        "GROUNDUP_REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "GROUNDUP_GATEWAY_SECRET": GATEWAY_SECRET,
        "GROUNDUP_JOIN_SECRET": JOIN_SECRET,
        "S3_ENDPOINT_URL": s3_endpoint.url,
        "S3_BUCKET": storage_settings.bucket,
        "AWS_ACCESS_KEY_ID": s3_endpoint.access_key,
        "AWS_SECRET_ACCESS_KEY_FILE": str(secret),
    }
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--bind",
        address,
        "--worker-class",
        "gthread",
        "--threads",
        "4",
        "services.storage.wsgi:app",
    ]
    with process(command, cwd=ROOT, env=environ), httpx.Client(base_url=f"http://{address}", trust_env=False) as client:
        wait_until(lambda: client.get("/readyz").status_code == 200, "readyz", 60)
        answer = client.get("/api/v1/datasets", headers=headers("viewer") | {"Host": "localhost"})
        assert (answer.status_code, answer.json()) == (200, {"items": [], "next_cursor": None})
    assert (s3_endpoint.folder / storage_settings.bucket).is_dir()
