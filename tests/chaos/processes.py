"""The product's processes, forked from one that has everything imported, since a kill costs a start.

They are what they are under supervisord, but for three things: they look about them more often, the agent starts its child through the
same fork server, and the child trains as known.py says.
"""

import contextlib
import gc
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

import psutil
import torch._dynamo  # noqa: F401  (what is imported here, no process has to import; an optimiser's first step does)

from services.api import app as _api_app  # noqa: F401
from services.api import housekeeping, main_scheduler, scheduler
from services.storage import app as _storage_app  # noqa: F401
from services.storage import queue as _queue  # noqa: F401
from services.trainer import courier, main_agent, main_child, recovery, training
from services.trainer.children import MARK, Child
from services.trainer.rundir import RunDirectory
from tests.chaos.known import KnownAttempt

FORKS: Final = multiprocessing.get_context("forkserver")
PRELOADED: Final = ["tests.chaos.hosts", "gunicorn.app.wsgiapp", "gunicorn.workers.gthread", "celery.bin.celery"]
CHILD_ARMED, CHILD_ENDED = "arm-child", "armed-child-ended"
"""Files: the setting for the next child, and how the child that got it has ended."""

os.register_at_fork(before=gc.freeze)  # what was imported is shared, and stays so: no collection touches it


def start(target: Any, *arguments: Any) -> BaseProcess:
    FORKS.set_forkserver_preload(PRELOADED)
    process = FORKS.Process(target=target, args=arguments)
    process.start()
    return process


def serve(environ: Mapping[str, str], log: Path, service: str, port: int) -> None:
    """api or storage, under gunicorn."""
    _become(environ, log)
    layout = ["--workers", "1", "--worker-class", "gthread", "--threads", "8", "--no-control-socket", "--bind", f"127.0.0.1:{port}"]
    sys.argv = ["gunicorn", *layout, f"services.{service}.wsgi:app"]
    runpy.run_module("gunicorn", run_name="__main__")


def schedule(environ: Mapping[str, str], log: Path) -> None:
    _become(environ, log)
    scheduler.TICK_SECONDS, housekeeping.EXPIRE_EVERY, housekeeping.ORPHANS_EVERY = 0.05, 0.3, 2.0  # type: ignore[misc]
    main_scheduler.main()


def be_agent(environ: Mapping[str, str], log: Path) -> None:
    """Its fork server is ours: it must not start one of its own."""
    _become(environ, log)
    forkserver._forkserver.ensure_running = bool  # type: ignore[assignment,method-assign]
    training.start = fork_child  # type: ignore[assignment,attr-defined]
    training.TICK_SECONDS, courier.LOOK_SECONDS, recovery.LOOK_SECONDS = 0.02, 0.02, 0.05  # type: ignore[misc]
    main_agent.main()


def be_child(environ: Mapping[str, str], log: Path, root: str) -> None:
    _become(environ, log)
    threading.Thread(target=_leave_with, args=(psutil.Process(int(environ["CHAOS_AGENT"])),), daemon=True).start()
    sys.argv = ["main_child", root]
    main_child.Attempt = KnownAttempt  # type: ignore[assignment,misc]
    main_child.leave(main_child.main())


def _leave_with(agent: psutil.Process) -> None:
    """A host that dies takes both; that the next agent adopts what outlives its own is another test's."""
    with contextlib.suppress(psutil.NoSuchProcess):
        while agent.is_running() and agent.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGKILL)


def _become(environ: Mapping[str, str], log: Path) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(environ)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


class Forked:
    """A forked process with the face of a Popen. Where it was armed, its end is told in a file."""

    def __init__(self, process: BaseProcess, told: Path | None) -> None:
        self.process, self.told = process, told
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        return self.process.exitcode

    def poll(self) -> int | None:
        if self.told and self.returncode is not None:
            self.told.write_text(str(self.returncode))
            self.told = None
        return self.returncode

    def wait(self, timeout: float) -> int:
        self.process.join(timeout)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired("child", timeout)
        return code


def fork_child(_command: Sequence[str], directory: RunDirectory, environment: Mapping[str, str], processes: int) -> Child:
    """In place of children.start. One rank, which is its own launcher; it dies with its agent and is adopted by none."""
    log = directory.root / "logs" / "launcher.log"
    log.touch()
    folder = Path(os.environ["CHAOS_FOLDER"])
    armed = ""
    with contextlib.suppress(FileNotFoundError):
        armed = (folder / CHILD_ARMED).read_text()
        (folder / CHILD_ARMED).unlink()
    own = {
        **environment,
        "CHAOS_FOLDER": str(folder),
        "CHAOS_AGENT": str(os.getpid()),
        "OMP_NUM_THREADS": "1",
        **({"CRASH_AT": armed} if armed else {}),
    }
    started_at = time.time()
    process = start(be_child, own, log, str(directory.root))
    launcher = Forked(process, folder / CHILD_ENDED if armed else None)
    return Child(launcher, directory, environment[MARK], processes, started_at=started_at)  # type: ignore[arg-type]
