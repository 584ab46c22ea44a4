"""One worker's world as real processes: Redis, rclone's S3, api, storage, scheduler and agent, on SQLite and ports of its own."""

import contextlib
import json
import multiprocessing.forkserver
import os
import signal
from collections.abc import Iterator
from itertools import islice
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
from sqlalchemy import select

from services.api.models import Attempt, Run
from services.storage.content import PartReader
from services.storage.models import PreparedTokens
from services.storage.objects import ObjectStore
from services.storage.preparing import prepare_chunk
from services.storage.settings import StorageSettings
from services.storage.stores import Stores
from serving.database import Database
from shared.api_client import ApiClient
from shared.internal import PrepareRequest, ResolveRequest
from shared.settings import Settings
from shared.storage_client import StorageClient
from tests.chaos import processes
from tests.chaos.known import VERDICTS
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET, headers
from tests.e2e.stack import ROOT
from tests.servers import S3Endpoint, free_port, redis_server, s3_server, wait_until
from tests.storage.pushing import upload_body
from tests.trainer.runs import TEXT

SERVICES: Final = ("api", "storage")
SHORT: Final = {
    "GROUNDUP_LEASE_SECONDS": "600",
    "GROUNDUP_HEARTBEAT_SECONDS": "0.1",
    "GROUNDUP_CHECKPOINT_GRACE_SECONDS": "0.2",
    "GROUNDUP_CHECKPOINT_SHORT_GRACE_SECONDS": "0.2",
    "GROUNDUP_CHECKPOINT_ORPHAN_SECONDS": "3",
    "GROUNDUP_SCRUB_SECONDS": "0",
    "GROUNDUP_GRACE_SECONDS": "10",
}
"""Times scaled so that what takes hours can be watched. Silence ends no lease: here agents die and come back."""


class Platform:
    """`folder` holds all data; `verdicts` are what the children went on from, as far as they were read."""

    def __init__(self, folder: Path, redis_url: str, s3: S3Endpoint) -> None:
        self.folder, self.s3 = folder, s3
        self.ports = {name: free_port() for name in SERVICES}
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.environ = self._environment(redis_url)
        self.settings = Settings.read(self.environ)
        self.api_tables = Database(f"sqlite:///{folder / 'api.db'}")
        self.storage_tables = Database(f"sqlite:///{folder / 'storage.db'}")
        self.api = ApiClient(self.settings.api_url, JOIN_SECRET)
        self.storage = StorageClient(self.settings.storage_url, JOIN_SECRET)
        self.person = httpx.Client(base_url=self.settings.api_url, headers=headers("editor"), trust_env=False, timeout=30)
        self.running: dict[str, BaseProcess] = {}
        self.verdicts: list[dict[str, Any]] = []

    def _environment(self, redis_url: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GROUNDUP_", "S3_", "AWS_", "CRASH_AT"))}
        return {
            **inherited,
            **SHORT,
            "GROUNDUP_DATA_DIR": str(self.folder),
            "GROUNDUP_API_URL": f"http://127.0.0.1:{self.ports['api']}",
            "GROUNDUP_STORAGE_URL": f"http://127.0.0.1:{self.ports['storage']}",
            "GROUNDUP_REDIS_URL": redis_url,
            "GROUNDUP_GATEWAY_SECRET": GATEWAY_SECRET,
            "GROUNDUP_JOIN_SECRET": JOIN_SECRET,
            "GROUNDUP_WORKER_NAME": "chaos",
            "GROUNDUP_WORKER_HOST": "chaos",
            "GROUNDUP_AGENT_PORT": str(free_port()),
            "GROUNDUP_SLOTS": "1",
            "GROUNDUP_DEVICE": "cpu",
            "S3_ENDPOINT_URL": self.s3.url,
            "S3_PUBLIC_URL": self.s3.url,
            "AWS_ACCESS_KEY_ID": self.s3.access_key,
            "AWS_SECRET_ACCESS_KEY": self.s3.secret_key,
            "CHAOS_FOLDER": str(self.folder),
        }

    # --- processes

    def start(self, name: str, crash_at: str = "") -> None:
        """Start `api`, `storage`, `scheduler` or `agent`, armed or not; api and storage answer when this returns."""
        environ = {**self.environ, "CRASH_AT": crash_at}
        log = self.logs / f"{name}.log"
        if name in SERVICES:
            self.running[name] = processes.start(processes.serve, environ, log, name, self.ports[name])
            url = f"http://127.0.0.1:{self.ports[name]}/healthz"
            wait_until(lambda: httpx.get(url, trust_env=False).is_success, f"{name} does not start, see {log}")
        else:
            self.running[name] = processes.start(processes.schedule if name == "scheduler" else processes.be_agent, environ, log)

    def kill(self, name: str) -> None:
        """kill -9 of a process and of those it has made; an agent's children die with it, as they would with its successor's start."""
        process = self.running.pop(name)
        assert process.pid is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.join()
        if name == "agent":
            self.kill_children()

    def kill_children(self) -> None:
        strays = self.children()
        for child in strays:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(strays, timeout=10)

    def children(self) -> list[psutil.Process]:
        """Training processes: what the fork server has made and we have not asked for."""
        known = {process.pid for process in self.running.values()}
        server = psutil.Process(multiprocessing.forkserver._forkserver._forkserver_pid)  # type: ignore[attr-defined]
        return [child for child in server.children() if child.pid not in known and _lives(child)]

    def restart(self, name: str, crash_at: str = "") -> None:
        self.kill(name)
        self.start(name, crash_at)

    def worker_of(self, service: str) -> psutil.Process:
        """The process of api or storage that serves. An armed one may die at once, and then there is another one soon."""
        master = psutil.Process(self.running[service].pid)
        wait_until(lambda: bool(master.children()), f"{service} has no worker")
        return next(iter(master.children()), master)

    # --- what a person and the scheduler do

    def push_text(self) -> None:
        """The dataset `sums`, and its tokens; what storage's Celery worker would do is done here."""
        person = httpx.Client(base_url=self.settings.storage_url, headers=headers("editor"), trust_env=False)
        body, parts = upload_body("sums", {"sums.txt": (TEXT * 8).encode()})
        upload = person.post("/api/v1/uploads", json=body).raise_for_status().json()
        for part in upload["missing"]:
            httpx.put(part["url"], content=parts[part["sha256"]], trust_env=False).raise_for_status()
            person.post(f"/api/v1/uploads/{upload['id']}/parts/{part['sha256']}").raise_for_status()
        person.post(f"/api/v1/uploads/{upload['id']}/complete").raise_for_status()
        person.close()
        resolved = self.storage.resolve(ResolveRequest(dataset="sums", tokenizer="byte"))
        prepared = self.storage.prepare(PrepareRequest(dataset_id=resolved.dataset.id, tokenizer_id=resolved.tokenizer.id))
        settings = StorageSettings.read(self.environ)
        stores = Stores(self.storage_tables, ObjectStore(settings), lambda *_: None)
        prepare_chunk(stores, PartReader(stores), settings, prepared.id, 0)
        stores.objects.close()
        with self.storage_tables.reading() as session:
            assert session.get_one(PreparedTokens, prepared.id).state == "ready"

    def submit(self, **checkpoint: int) -> str:
        """A run that goes on until it is stopped; its id."""
        train = {
            "steps": 100_000,
            "batch_size": 2,
            "schedule": {"warmup_steps": 1},
            "evaluate": {"every": 7, "batches": 1},
            "checkpoint": {"every": 5, "keep_last": 2, "keep_best": 0, **checkpoint},
        }
        shape = {"n_layer": 1, "n_head": 2, "n_embd": 16, "sequence_length": 16}
        compute = {"processes_per_node": 1, "device": "cpu"}
        spec = {"name": "chaos", "dataset": "sums", "tokenizer": "byte", "model": shape, "train": train, "compute": compute}
        answer = self.person.post("/api/v1/runs", json=spec)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    # --- what the tables and the children say

    def run_state(self, run_id: str) -> str:
        with self.api_tables.reading() as session:
            return str(session.get_one(Run, run_id).state)

    def attempts(self, run_id: str) -> list[Attempt]:
        with self.api_tables.reading() as session:
            return list(session.scalars(select(Attempt).where(Attempt.run_id == run_id).order_by(Attempt.number)))

    def read_verdicts(self) -> list[dict[str, Any]]:
        with contextlib.suppress(FileNotFoundError), (self.folder / VERDICTS).open() as file:
            self.verdicts += [json.loads(line) for line in islice(file, len(self.verdicts), None)]
        return self.verdicts

    def close(self) -> None:
        for name in list(self.running):
            self.kill(name)
        for client in (self.api.http, self.storage.http, self.person):
            client.close()
        self.api_tables.close()
        self.storage_tables.close()


def _lives(process: psutil.Process) -> bool:
    """Not where it has gone since it was found."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


@contextlib.contextmanager
def platform(folder: Path) -> Iterator[Platform]:
    """Everything but an agent, with the dataset `sums` in it."""
    for name in ("redis", "s3"):
        (folder / name).mkdir(parents=True)
    with redis_server(folder / "redis") as redis_url, s3_server(folder / "s3") as s3:
        made = Platform(folder, redis_url, s3)
        try:
            made.api_tables.migrate(ROOT / "services" / "api" / "migrations")
            made.storage_tables.migrate(ROOT / "services" / "storage" / "migrations")
            for service in SERVICES:
                made.start(service)
            made.start("scheduler")
            made.push_text()
            yield made
        finally:
            made.close()
