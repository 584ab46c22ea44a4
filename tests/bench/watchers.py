"""The monitor's two processes for a bench, in front of a database of its own, without the rest of the platform."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from tests.conftest import GATEWAY_SECRET, JOIN_SECRET, headers
from tests.monitor.producing import migrated
from tests.monitor.sockets import Monitor
from tests.servers import free_port, process, wait_until


@dataclass(frozen=True)
class Watchers:
    monitor: Monitor
    ingester: psutil.Process | None

    def reader(self) -> httpx.Client:
        return httpx.Client(base_url=self.monitor.url, headers=headers("viewer"), trust_env=False, timeout=300)

    def taken(self) -> int:
        """Events in the history."""
        return int(self.monitor.figure("groundup_events_ingested_total"))


@contextlib.contextmanager
def watching(folder: Path, redis_url: str, database_url: str, *, ingest: bool = True) -> Iterator[Watchers]:
    """The tables are made where they are not there."""
    migrated(database_url).close()
    own = {"GROUNDUP_DATA_DIR": str(folder), "GROUNDUP_REDIS_URL": redis_url, "GROUNDUP_MONITOR_DATABASE_URL": database_url}
    environ = {**os.environ, **own, "GROUNDUP_GATEWAY_SECRET": GATEWAY_SECRET, "GROUNDUP_JOIN_SECRET": JOIN_SECRET}
    monitor = Monitor(free_port())
    gunicorn = [
        "gunicorn",
        "-k",
        "services.monitor.socket_worker.SocketWorker",
        "-w",
        "1",
        "-b",
        f"127.0.0.1:{monitor.port}",
        "--no-control-socket",
    ]
    with contextlib.ExitStack() as stack:
        stack.enter_context(process([sys.executable, "-m", *gunicorn, "services.monitor.wsgi:app"], env=environ))
        wait_until(lambda: httpx.get(f"{monitor.url}/readyz", trust_env=False).status_code == 200, "the monitor", 60)
        ingester = None
        if ingest:
            started = stack.enter_context(process([sys.executable, "-m", "services.monitor.main_ingester"], env=environ))
            ingester = psutil.Process(started.pid)
        yield Watchers(monitor, ingester)
