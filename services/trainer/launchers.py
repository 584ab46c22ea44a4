"""The launcher of an attempt's processes: our child, or that of an agent before us. That one is known again by its pid together with the
attempt's mark in its environment, or its birth: pids are used again, and the time of birth moves where the clock is set.
"""

import json
import logging
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import psutil

from services.trainer.rundir import write_whole

log = logging.getLogger(__name__)
UNKNOWN: Final = 255
"""Exit code of a process whose parent we are not."""
_BIRTH_SECONDS: Final = 0.05


class Launcher(Protocol):
    pid: int
    returncode: int | None

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...


class AdoptedLauncher:
    """Started by an agent that is gone. `process`: None where it has ended too."""

    def __init__(self, pid: int, process: psutil.Process | None) -> None:
        self.pid, self.process = pid, process
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None and not (self.process and is_alive(self.process)):
            self.returncode = UNKNOWN
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        deadline = time.monotonic() + (timeout if timeout is not None else float("inf"))
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("launcher", timeout or 0)
            time.sleep(0.05)
        return code


def remember(path: Path, pid: int, started_at: float) -> None:
    """For the next agent. started_at: seconds since the epoch; ranks are younger."""
    born = psutil.Process(pid).create_time()
    write_whole(path, json.dumps({"pid": pid, "born": born, "started_at": started_at}))


def find(path: Path, bears_mark: Callable[[psutil.Process], bool]) -> tuple[AdoptedLauncher, float] | None:
    """The launcher that was remembered, dead or alive, and when it was started; None where none was."""
    try:
        known = json.loads(path.read_text())
        pid, born, started_at = int(known["pid"]), float(known["born"]), float(known["started_at"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.info("%s: no launcher is known: %s", path.parent, error)
        return None
    try:
        process = psutil.Process(pid)
        ours = bears_mark(process) or abs(process.create_time() - born) < _BIRTH_SECONDS
    except psutil.NoSuchProcess:
        return AdoptedLauncher(pid, None), started_at
    return AdoptedLauncher(pid, process if ours else None), started_at


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
