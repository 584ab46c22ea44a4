"""The Celery worker as a process: it dies in the middle of a preparation, and the sweep of the next one finishes the work."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from services.storage.queue import create_queue, sender
from shared.settings import Settings
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET
from tests.servers import S3Endpoint, free_port, process, wait_until
from tests.storage.conftest import Storage
from tests.storage.pushing import push, read, read_tokens, resolve, split_documents

ROOT = Path(__file__).parents[2]
TEXTS = {f"{n}.txt": f"document {n}: " + "the quick brown fox, füße\n" * 3000 for n in range(12)}
StartWorker = Callable[[], AbstractContextManager[subprocess.Popen[bytes]]]


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite, for which several processes are the harder case."""
    return f"sqlite:///{tmp_path / 'test.db'}"


@pytest.fixture
def start_worker(storage: Storage, settings: Settings, s3_endpoint: S3Endpoint, tmp_path: Path) -> StartWorker:
    """Storage's own Celery worker with small chunks and an impatient sweep."""
    environ = {
        **os.environ,
        "GROUNDUP_DATA_DIR": str(tmp_path),
        "GROUNDUP_REDIS_URL": settings.redis_url,
        "GROUNDUP_GATEWAY_SECRET": GATEWAY_SECRET,
        "GROUNDUP_JOIN_SECRET": JOIN_SECRET,
        "GROUNDUP_STORAGE_DATABASE_URL": storage.stores.database.url,
        "GROUNDUP_STORAGE_CHUNK_BYTES": "16384",
        "GROUNDUP_STORAGE_STALL_SECONDS": "2",
        "GROUNDUP_STORAGE_SWEEP_SECONDS": "0.5",
        "S3_ENDPOINT_URL": s3_endpoint.url,
        "S3_BUCKET": storage.stores.objects.settings.bucket,
        "AWS_ACCESS_KEY_ID": s3_endpoint.access_key,
        "AWS_SECRET_ACCESS_KEY": s3_endpoint.secret_key,
    }
    flags = ["worker", "-Q", "storage", "-B", "--pool=threads", "--concurrency=1", "--without-gossip", "--without-mingle"]
    command = [sys.executable, "-m", "celery", "-A", "services.storage.worker", *flags]

    @contextmanager
    def start() -> Iterator[subprocess.Popen[bytes]]:
        with process(command, cwd=ROOT, env=environ, start_new_session=True) as child:
            try:
                yield child
            finally:
                child.terminate()
                child.wait(10)
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)  # Celery's beat outlives a worker that is killed

    return start


@pytest.fixture
def queued(storage: Storage, settings: Settings) -> Iterator[Storage]:
    """Storage whose tasks go to Redis."""
    celery = create_queue(settings.redis_url)
    storage.client.application.extensions["stores"] = replace(storage.stores, enqueue=sender(celery))
    yield storage
    celery.close()


def test_a_killed_worker_is_made_up_for(queued: Storage, start_worker: StartWorker) -> None:
    push(queued, texts=TEXTS)
    resolved = resolve(queued, "novels", "byte")
    request = {"dataset_id": resolved["dataset"]["id"], "tokenizer_id": resolved["tokenizer"]["id"]}

    def progress() -> float:
        return float(str(queued.internal("POST", "/internal/prepared", request)[1]["progress"]))

    assert progress() == 0
    with start_worker() as first:
        wait_until(lambda: progress() > 0.05, "some progress", 60)
        first.kill()
        first.wait()
    left = progress()
    assert left < 1, "it was faster than the kill: give it more text"
    with start_worker():
        wait_until(lambda: progress() == 1, "the next worker to finish", 60)
    prepared = queued.internal("POST", "/internal/prepared", request)[1]
    _status, shards = queued.internal("GET", f"/internal/prepared/{prepared['id']}")
    tokenizer = Tokenizer.from_str(read(shards["tokenizer"]["url"]).decode())  # type: ignore[index]
    documents = split_documents(read_tokens(shards), int(str(shards["end_of_text"])))
    assert [tokenizer.decode(document) for document in documents] == list(TEXTS.values())


def test_no_broker_does_not_fail_the_request(storage: Storage) -> None:
    """The row stays, and a sweep will send it."""
    celery = create_queue(f"redis://127.0.0.1:{free_port()}/0")
    storage.client.application.extensions["stores"] = replace(storage.stores, enqueue=sender(celery))
    push(storage, texts={"a.txt": "text"})
    resolved = resolve(storage, "novels", "byte")
    request = {"dataset_id": resolved["dataset"]["id"], "tokenizer_id": resolved["tokenizer"]["id"]}
    status, row = storage.internal("POST", "/internal/prepared", request)
    assert (status, row["state"]) == (200, "pending")
    celery.close()
