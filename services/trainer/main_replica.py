"""`python -m services.trainer.main_replica`: a worker as a container. It leases a name and runs the agent and the Celery worker.

Replicas share a volume. Each takes the first name of prefix-1, prefix-2, ... whose lock file nobody holds, and holds it for as long as it
lives; the kernel lets go of it when the container ends, however it ends. Run directories lie in folders named like the workers, so whoever
gets a name goes on with what its last holder left.
"""

import fcntl
import itertools
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import IO, Final

from services.trainer.settings import grace_seconds, worker_name
from shared.settings import Settings

log = logging.getLogger("services.trainer.main_replica")
LOOK_SECONDS: Final = 0.2
BEYOND_GRACE_SECONDS: Final = 15.0
"""More than the agent needs behind the grace, to end what did not save itself and to tell of it; less than compose.yaml adds."""


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    prefix = worker_name({"GROUNDUP_WORKER_NAME": "trainer", **os.environ})
    name, lock = lease_name(Settings.read(os.environ).data_dir / "names", prefix)
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopping.set())
    log.info("this container is worker '%s'", name)
    with lock:
        return Replica(name, os.environ).run(stopping)


def lease_name(folder: Path, prefix: str) -> tuple[str, IO[str]]:
    """The first name that is free, and its lock; the name is free again when the lock is closed."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        lock = (folder / f"{prefix}-{number}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        return f"{prefix}-{number}", lock
    raise AssertionError("there are more numbers than containers")


class Replica:
    """The agent's end is the container's end. The Celery worker only carries hints: it is started again, and training does not notice."""

    def __init__(self, name: str, environ: Mapping[str, str]) -> None:
        self.environment = {**environ, "GROUNDUP_WORKER_NAME": name, "GROUNDUP_WORKER_HOST": name}
        queue = ["--queues", f"worker.{name}", "--hostname", f"{name}@%h", "--pool", "threads", "--concurrency", "2"]
        quiet = ["--without-gossip", "--without-mingle", "--loglevel", "warning"]
        self.hints_command = [sys.executable, "-m", "celery", "--quiet", "--app", "services.trainer.worker", "worker", *queue, *quiet]
        self.pause_seconds = 2.0
        self.last_seconds = grace_seconds(environ) + BEYOND_GRACE_SECONDS
        self.agent_command = [sys.executable, "-m", "services.trainer.main_agent"]

    def run(self, stopping: Event) -> int:
        """Until `stopping` or the end of the agent; returns the exit code."""
        agent, hints = self._start(self.agent_command), self._start(self.hints_command)
        while not stopping.wait(LOOK_SECONDS) and agent.poll() is None:
            if hints.poll() is not None:
                log.warning("the Celery worker ended with exit code %s; starting it again", hints.returncode)
                stopping.wait(self.pause_seconds)
                hints = self._start(self.hints_command)
        for process in (agent, hints):
            process.terminate()
        kill_at = time.monotonic() + self.last_seconds
        for process in (agent, hints):
            _wait(process, kill_at - time.monotonic())
        if stopping.is_set():
            return 0
        log.error("the agent ended by itself with exit code %s", agent.returncode)
        return 1

    def _start(self, command: list[str]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(command, env=self.environment)


def _wait(process: "subprocess.Popen[bytes]", seconds: float) -> None:
    try:
        process.wait(max(0.0, seconds))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
