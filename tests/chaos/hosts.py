"""The platform of the runs' part: two workers whose children are real processes, the monitor with its ingester, and a Redis that dies.

Its lease is 3 s where the product's is 60 s, its heartbeat 0.25 s where that is 15 s.
"""

import contextlib
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx
import psutil
import redis
from sqlalchemy import select

from services.api.models import Attempt, Command, OutboxRow
from services.monitor import main_ingester
from services.trainer import courier, main_agent, recovery, spool, training
from services.trainer.children import MARK
from services.trainer.spool import read_spool
from serving.database import Database, database_url
from shared import bus
from tests.chaos import fake_training, processes
from tests.chaos.platform import Platform
from tests.conftest import headers
from tests.e2e.stack import ROOT
from tests.servers import S3Endpoint, free_port, redis_server, s3_server, wait_until

LEASE, HEARTBEAT = 3.0, 0.25
AGENTS: Final = ("agent-1", "agent-2")
SHAPE: Final = {"n_layer": 1, "n_head": 2, "n_embd": 16, "sequence_length": 16}


def ingest(environ: Mapping[str, str], log: Path) -> None:
    processes._become(environ, log)
    main_ingester.main()


def hint(environ: Mapping[str, str], log: Path, worker: str) -> None:
    """The worker's Celery."""
    processes._become(environ, log)
    what = ["--queues", f"worker.{worker}", "--pool", "threads", "--concurrency", "2", "--without-gossip", "--without-mingle"]
    sys.argv = ["celery", "-A", "services.trainer.worker", "worker", "--loglevel", "INFO", *what]
    runpy.run_module("celery", run_name="__main__")


def be_agent(environ: Mapping[str, str], log: Path) -> None:
    """Its child is a process of its own, as in the product; without torch it is fake_training."""
    processes._become(environ, log)
    training.TICK_SECONDS, courier.LOOK_SECONDS, recovery.LOOK_SECONDS = 0.05, 0.05, 0.1  # type: ignore[misc]
    spool.SEGMENT_BYTES = fake_training.SEGMENT_BYTES  # type: ignore[misc]
    if environ["CHAOS_TORCH"] != "1":
        main_agent.torchrun = fake_training.command  # type: ignore[assignment,attr-defined]
    main_agent.main()


class Watching:
    """The monitor as it is in production, gevent and all, with the face of a forked process."""

    def __init__(self, environ: Mapping[str, str], log: Path, port: int) -> None:
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "-k",
            "services.monitor.socket_worker.SocketWorker",
            "-w",
            "1",
            "-b",
            f"127.0.0.1:{port}",
            "--no-control-socket",
        ]
        with log.open("ab") as file:
            told = {"stdout": file, "stderr": file, "start_new_session": True}
            self.process = subprocess.Popen([*command, "services.monitor.wsgi:app"], env=dict(environ), **told)  # type: ignore[call-overload]
        self.pid: int = self.process.pid

    def kill(self) -> None:
        self.process.kill()

    def join(self) -> None:
        self.process.wait()


class Hosts(Platform):
    """`more`: settings of its environment."""

    def __init__(self, folder: Path, redis_url: str, s3: S3Endpoint, *, torch: bool = False, more: Mapping[str, str] | None = None) -> None:
        super().__init__(folder, redis_url, s3)
        self.redis_url, self.redis = redis_url, contextlib.ExitStack()
        self.ports["monitor"] = free_port()
        self.environ |= {
            "GROUNDUP_LEASE_SECONDS": str(LEASE),
            "GROUNDUP_HEARTBEAT_SECONDS": str(HEARTBEAT),
            "GROUNDUP_MONITOR_URL": f"http://127.0.0.1:{self.ports['monitor']}",
            "GROUNDUP_SLOTS": "2",
            "CHAOS_TORCH": "1" if torch else "0",
            **(more or {}),
        }
        self.agent_ports = {name: str(free_port()) for name in AGENTS}
        self.monitor = httpx.Client(base_url=self.environ["GROUNDUP_MONITOR_URL"], headers=headers("editor"), trust_env=False, timeout=10)

    # --- processes

    def start(self, name: str, crash_at: str = "") -> None:
        log = self.logs / f"{name}.log"
        if name == "redis":
            (self.folder / "redis").mkdir(exist_ok=True)
            self.redis.enter_context(redis_server(self.folder / "redis", int(self.redis_url.rsplit(":", 1)[1].split("/")[0])))
        elif name in AGENTS:
            self.running[name] = processes.start(be_agent, self._of_agent(name), log)
        elif name.startswith("celery-"):
            agent = name.removeprefix("celery-")
            self.running[name] = processes.start(hint, self._of_agent(agent), log, agent)
        elif name == "ingester":
            self.running[name] = processes.start(ingest, self.environ, log)
        elif name == "monitor":
            self.running[name] = Watching(self.environ, log, self.ports[name])  # type: ignore[assignment]
            wait_until(lambda: self.monitor.get("/healthz").is_success, f"monitor does not start, see {log}")
        else:
            super().start(name, crash_at)

    def _of_agent(self, name: str) -> dict[str, str]:
        own = {"GROUNDUP_WORKER_NAME": name, "GROUNDUP_WORKER_HOST": name, "GROUNDUP_AGENT_PORT": self.agent_ports[name]}
        return {**self.environ, **own}

    def kill(self, name: str) -> None:
        if name != "redis":
            super().kill(name)
            return
        self.redis_process().kill()
        self.redis.close()

    def redis_process(self) -> psutil.Process:
        return next(process for process in psutil.Process().children() if "redis-server" in process.name())

    def cut_redis(self) -> int:
        """CLIENT KILL of every connection but our own; how many."""
        return sum(self.cut_redis_of(kind) for kind in ("normal", "pubsub"))

    def cut_redis_of(self, kind: str) -> int:
        with contextlib.closing(redis.Redis.from_url(self.redis_url)) as client:
            kill: Any = client.execute_command
            return int(kill("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"))

    def place(self, topic: str) -> tuple[str, int]:
        """Epoch and number of a topic's newest event."""
        with contextlib.closing(bus.connect(self.redis_url)) as client:
            page = bus.read_range(client, topic, 0, 1)
        return page.epoch, page.newest

    def committed(self, topic: str) -> bool:
        """Whether the history has all that Redis has of it."""
        with contextlib.closing(bus.connect(self.redis_url)) as client:
            page = bus.read_range(client, topic, 0, 1)
        return page.newest == page.committed

    def processes_of(self, attempt_id: str = "") -> list[psutil.Process]:
        """Living ones with the mark of this attempt, or of any of this platform's."""
        return [process for process in psutil.process_iter() if self._is_of(process, attempt_id)]

    def _is_of(self, process: psutil.Process, attempt_id: str) -> bool:
        try:
            ours = str(self.folder) in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE
            return ours and MARK in (environ := process.environ()) and (not attempt_id or environ[MARK] == attempt_id)
        except (psutil.Error, OSError):
            return False

    def signal_all(self, agent: str, attempt_id: str, number: int) -> None:
        """The host's: agent and training."""
        for process in [*self.processes_of(attempt_id), psutil.Process(self.running[agent].pid)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def signal(self, agent: str, number: int) -> None:
        psutil.Process(self.running[agent].pid).send_signal(number)

    # --- what a person does and sees

    def begin(self, steps: int, every: int = 20, *, ranks: int = 1) -> str:
        train = {"steps": steps, "batch_size": 2 * ranks, "schedule": {"warmup_steps": 1}, "checkpoint": {"every": every, "keep_last": 50}}
        train["evaluate"] = {"every": 100_000, "batches": 1}
        compute = {"processes_per_node": ranks, "device": "cpu"}
        spec = {"name": "chaos", "dataset": "sums", "tokenizer": "byte", "model": SHAPE, "train": train, "compute": compute}
        answer = self.person.post("/api/v1/runs", json=spec)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def command(self, run_id: str, kind: str, **fields: Any) -> Any:
        return self.person.post(f"/api/v1/runs/{run_id}/commands", json={"type": kind, **fields}).raise_for_status().json()

    def emergency(self, method: str) -> None:
        body = {"reason": "chaos"} if method == "POST" else None
        self.person.request(method, "/api/v1/emergency-stop", json=body, headers=headers("admin")).raise_for_status()

    def newest(self, run_id: str) -> Attempt:
        return self.attempts(run_id)[-1]

    def step(self, run_id: str) -> int:
        return int(self.person.get(f"/api/v1/runs/{run_id}").raise_for_status().json()["progress"]["step"])

    def step_times(self, run_id: str) -> list[float]:
        """When the newest attempt ended each step, from its spool, while that is there."""
        attempt = self.newest(run_id)
        spool = self.folder / "worker" / attempt.worker / "attempts" / attempt.id / "spool"
        records = read_spool(spool, 0)[0] if spool.exists() else []
        return [record.at for record in records if record.event.type == "StepCompleted"]

    def commands(self, run_id: str) -> list[Command]:
        with self.api_tables.reading() as session:
            return list(session.scalars(select(Command).where(Command.run_id == run_id).order_by(Command.created_at)))

    def outbox(self, topic: str) -> list[int]:
        """Numbers of the platform's own events of it."""
        with self.api_tables.reading() as session:
            return list(session.scalars(select(OutboxRow.seq).where(OutboxRow.topic == topic).order_by(OutboxRow.seq)))

    def event_times(self, run_id: str, kind: str) -> list[tuple[float, dict[str, Any]]]:
        with self.api_tables.reading() as session:
            rows = session.scalars(select(OutboxRow).where(OutboxRow.topic == run_id).order_by(OutboxRow.seq))
            return [(row.at, row.event) for row in rows if row.event["type"] == kind]

    def events(self, run_id: str, kind: str) -> list[dict[str, Any]]:
        """The training's own, from the monitor."""
        answer = self.monitor.get(f"/api/v1/runs/{run_id}/events", params={"type": kind, "limit": 100}).raise_for_status().json()
        return [item["event"] for item in answer["items"]]

    def close(self) -> None:
        for process in self.processes_of():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        super().close()
        for process in self.processes_of():
            process.kill()
        self.monitor.close()
        self.redis.close()


@contextlib.contextmanager
def hosts(folder: Path, *, torch: bool = False, more: Mapping[str, str] | None = None) -> Iterator[Hosts]:
    """Everything, with the dataset `sums` and both workers online."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "s3").mkdir(parents=True)
    with s3_server(folder / "s3") as s3:
        made = Hosts(folder, f"redis://127.0.0.1:{free_port()}/0", s3, torch=torch, more=more)
        try:
            made.api_tables.migrate(ROOT / "services" / "api" / "migrations")
            made.storage_tables.migrate(ROOT / "services" / "storage" / "migrations")
            tables = Database(database_url(made.environ, "monitor", folder))
            tables.migrate(ROOT / "services" / "monitor" / "migrations")
            tables.close()
            for name in ("redis", "api", "storage", "scheduler", "monitor", "ingester"):
                made.start(name)
            made.push_text()
            for name in AGENTS:
                made.start(name)
                made.start(f"celery-{name}")
            yield made
        finally:
            made.close()
