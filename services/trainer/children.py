"""The training processes of one attempt: how they are started, watched and ended.

torchrun is our child, in a session of its own; it starts every rank in yet another session. So ending them means three things: torchrun's
process group, every rank's process group, and last whatever on this host carries the attempt's mark in its environment.
"""

import contextlib
import logging
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

from services.trainer.launchers import UNKNOWN, Launcher, is_alive, remember
from services.trainer.room import INTERRUPTED
from services.trainer.rundir import RunDirectory

log = logging.getLogger(__name__)
MARK: Final = "GROUNDUP_ATTEMPT"
KILL_SECONDS: Final = 10.0
_EMBEDDED: Final = "GROUNDUP_EMBEDDED_DATA_DIR"  # by which `./run down` finds what it has to end
_PASSED_ON: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "CRASH_AT", _EMBEDDED)
_FAILED: Final = re.compile(rb"failed \(exitcode: (-?\d+)\) local_rank: (\d+) ")
_CLOSING: Final = re.compile(rb"Sending process \d+ closing signal")
_ASKED: Final = re.compile(rb"Received \S+ death signal")
_ROOT: Final = Path(__file__).resolve().parents[2]


def torchrun(python: str, root: Path, processes: int, attempt_id: str) -> list[str]:
    """The command of a real child. The rendezvous is on loopback at a port the system chooses, so attempts on one host never collide."""
    rendezvous = ["--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0", f"--rdzv-id={attempt_id}", "--local-addr=127.0.0.1"]
    layout = ["--nnodes=1", f"--nproc-per-node={processes}", "--max-restarts=0"]
    return [python, "-m", "torch.distributed.run", *layout, *rendezvous, "-m", "services.trainer.main_child", str(root)]


def child_environment(environ: Mapping[str, str], attempt_id: str, gpus: Sequence[str], threads: int) -> dict[str, str]:
    """Little, and no secrets: the child knows no network but its process group."""
    kept = {name: environ[name] for name in _PASSED_ON if name in environ}
    own = {"PYTHONPATH": str(_ROOT), "CUDA_VISIBLE_DEVICES": ",".join(gpus), "OMP_NUM_THREADS": str(threads), MARK: attempt_id}
    return {**kept, **own}


def start(command: Sequence[str], directory: RunDirectory, environment: Mapping[str, str], processes: int) -> "Child":
    """Start the launcher, and note it for an agent after us. Raises OSError."""
    log_file = directory.root / "logs" / "launcher.log"
    log_file.parent.mkdir(exist_ok=True)
    started_at = time.time()
    with log_file.open("ab") as output:
        launcher = subprocess.Popen(
            command,
            cwd=_ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        remember(directory.launcher, launcher.pid, started_at)
    except OSError:
        launcher.kill()
        launcher.wait()
        kill_marked(environment[MARK])  # nobody would know of them
        raise
    return Child(launcher, directory, environment[MARK], processes, started_at=started_at)


class Child:
    """started_at: seconds since the epoch."""

    def __init__(self, launcher: Launcher, directory: RunDirectory, attempt_id: str, processes: int, *, started_at: float) -> None:
        self.launcher, self.directory, self.attempt_id, self.processes = launcher, directory, attempt_id, processes
        self.ranks: dict[int, psutil.Process] = {}
        self.launcher_log = directory.root / "logs" / "launcher.log"
        self.started_at = started_at
        self.last_alive = time.monotonic()
        self.killed: set[int] = set()

    def running(self) -> bool:
        """Whether the launcher is there. Keeps track of the ranks on the way."""
        launched = self.launcher.poll() is None
        self._find_ranks()
        if launched and all(is_alive(rank) for rank in self.ranks.values()):
            self.last_alive = time.monotonic()
        return launched

    def _find_ranks(self) -> None:
        """A pid counts only if its process is ours, or was born between this child and the note of it: numbers are used again."""
        for rank in range(self.processes):
            file = self.directory.pid(rank)
            if rank in self.ranks or not file.exists() or not (text := file.read_text().strip()).isdigit():
                continue
            try:
                process = psutil.Process(int(text))
                if bears_mark(process, self.attempt_id) or self.started_at - 1 <= process.create_time() <= file.stat().st_mtime + 1:
                    self.ranks[rank] = process
            except psutil.NoSuchProcess:
                log.debug("rank %d of %s was gone before it was seen", rank, self.attempt_id)

    def failing(self) -> bool:
        """torchrun has seen a rank fail and is ending the others, for which it would give them 30 seconds."""
        all_well = len(self.ranks) == self.processes and all(is_alive(rank) for rank in self.ranks.values())
        return not all_well and bool(_CLOSING.search(self.launcher_log.read_bytes()))

    def terminate_ranks(self) -> None:
        """Ask for a checkpoint and an end. Before there are ranks, the launcher itself is asked."""
        asked = [rank for rank in self.ranks.values() if is_alive(rank)]
        with contextlib.suppress(psutil.NoSuchProcess):  # gone meanwhile
            asked = asked or [psutil.Process(self.launcher.pid)]
        for process in asked:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()

    def ask_for_stacks(self) -> None:
        """Every rank writes what each of its threads is doing into its log."""
        for process in self.ranks.values():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGUSR1)

    def kill_ranks(self) -> None:
        """Leaves the launcher, which then tells how the first one died."""
        self._find_ranks()
        for rank in self.ranks.values():
            self.killed.add(rank.pid)
            _signal_group(rank, signal.SIGKILL)

    def kill(self) -> None:
        """End everything, now. Afterwards nothing is left; what will not die within 10 s is logged."""
        self.kill_ranks()
        if self.launcher.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.launcher.pid, signal.SIGKILL)
        try:  # reaped here and by nobody else, so that its exit code stays known
            self.launcher.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            log.error("the launcher of %s does not die", self.attempt_id)
        self.killed.update(kill_marked(self.attempt_id))

    def end(self) -> tuple[int, int | None]:
        """The exit code of the rank that failed first, and which that was; else the launcher's. Negative: the signal it was killed by."""
        told = _FAILED.search(self.launcher_log.read_bytes())
        return (int(told[1]), int(told[2])) if told else (self.launcher.poll() or 0, None)

    def was_asked(self) -> bool:
        """Whether ranks or launcher were sent SIGTERM, by whomever: they have saved the run and ended, or had nothing to save yet."""
        code, _ = self.end()
        return code in {INTERRUPTED, -signal.SIGTERM} or bool(_ASKED.search(self.launcher_log.read_bytes()))

    def death(self) -> str:
        """How it ended, in plain words. For a launcher that has ended."""
        code, rank = self.end()
        who = "the launcher" if rank is None else f"rank {rank}"
        if code < 0:
            return f"{who} was killed by signal {-code} ({signal.strsignal(-code)})"
        if code == UNKNOWN and rank is None:
            return f"the processes ended while the agent was away; last lines of the log: {_last_lines(self.directory.log(0)) or '(none)'}"
        last = _last_lines(self.directory.log(rank or 0)) or _last_lines(self.launcher_log)
        return f"{who} ended with exit code {code}; last lines of the log: {last or '(none)'}"


def kill_marked(attempt_id: str) -> list[int]:
    """Kill every process of this host that carries the attempt's mark, until none is left. Their pids."""
    return _kill(lambda mark: mark == attempt_id, attempt_id)


def kill_all() -> list[int]:
    """Kill every process of this host that carries any attempt's mark. Their pids."""
    return _kill(lambda mark: mark is not None, "all attempts")


def _kill(is_meant: Callable[[str | None], bool], whose: str) -> list[int]:
    deadline, killed = time.monotonic() + KILL_SECONDS, set[int]()
    while left := [process for process in psutil.process_iter() if _is_marked(process, is_meant)]:
        killed.update(process.pid for process in left)
        if time.monotonic() > deadline:
            log.error("processes %s of %s do not die", [process.pid for process in left], whose)
            break
        for process in left:
            _signal_group(process, signal.SIGKILL)
        psutil.wait_procs(left, timeout=0.2)
    return sorted(killed)


def bears_mark(process: psutil.Process, attempt_id: str) -> bool:
    """False also where that cannot be read."""
    return _is_marked(process, lambda mark: mark == attempt_id)


def _is_marked(process: psutil.Process, is_meant: Callable[[str | None], bool]) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and is_meant(process.environ().get(MARK))
    except (psutil.Error, OSError):  # gone, or another user's
        return False


def _signal_group(process: psutil.Process, number: signal.Signals) -> None:
    """Signal a process and, if it leads one, its group. psutil refuses where the pid has gone to another process."""
    try:
        if process.is_running() and os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    except (psutil.NoSuchProcess, ProcessLookupError):
        log.debug("process %d is gone already", process.pid)


def _last_lines(path: Path, lines: int = 5, limit: int = 1000) -> str:
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 16_384))
        tail = file.read().decode(errors="replace").strip().splitlines()[-lines:]
    return " | ".join(line.strip() for line in tail if line.strip())[-limit:]
