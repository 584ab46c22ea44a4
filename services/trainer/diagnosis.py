"""What training processes died of, by name: from what they left in their run directory, their exit codes and their logs."""

import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from services.trainer.room import NO_ROOM
from services.trainer.rundir import RunDirectory
from shared.failures import Failure, FailureKind

_K = FailureKind
SIGNS: Final[Sequence[tuple[FailureKind, "re.Pattern[str]"]]] = (
    (_K.OUT_OF_DEVICE_MEMORY, re.compile(r"OutOfMemoryError: CUDA out of memory|CUDA error: out of memory|CUBLAS_STATUS_ALLOC_FAILED")),
    (
        _K.OUT_OF_MEMORY,
        re.compile(r"MemoryError|DefaultCPUAllocator: (can't allocate memory|not enough memory)|std::bad_alloc|Cannot allocate memory"),
    ),
    (_K.DISK_FULL, re.compile(r"\[Errno 28\]|No space left on device")),
    (
        _K.COLLECTIVE_TIMEOUT,
        re.compile(
            r"Watchdog caught collective operation timeout|Timed out waiting \d+ms for|ncclRemoteError|"
            r"NCCL (communicator was aborted|timeout)|"
            r"Connection (closed|reset) by peer|Application timeout caused pair closure|Socket Timeout|DistStoreError|DistNetworkError"
        ),
    ),
    (_K.DATA_ERROR, re.compile(r"index out of range in self|device-side assert triggered|its shards hold \d+ tokens")),
)
"""What the log's end looks like, most telling first."""
_READ_BYTES: Final = 64 << 10
MEMORY_EVENTS: Final = Path("/sys/fs/cgroup/memory.events")


def told_by(directory: RunDirectory, ranks: int) -> Failure | None:
    """What the processes say themselves. Where one ran out of memory and others then waited for it in vain, that one counts."""
    found = [failure for rank in range(ranks) if (failure := _read(directory.failure(rank)))]
    return next((failure for failure in found if failure.kind != _K.COLLECTIVE_TIMEOUT), found[0] if found else None)


def diagnose(directory: RunDirectory, ranks: int, code: int, rank: int | None, death: str, *, kills_before: int | None = None) -> Failure:
    """`code`, `rank`: of the process that failed first, negative for a signal; `death`: how that was, in words. `kills_before`: as
    `memory_kills` told when the processes were started.
    """
    if code == -signal.SIGKILL:
        return Failure.of(_K.KILLED_BY_SYSTEM, f"{death}, and not by Groundup{_since(kills_before)}")
    if code == NO_ROOM:
        return Failure.of(_K.DISK_FULL, death)
    told = told_by(directory, ranks)
    if told and told.kind != _K.COLLECTIVE_TIMEOUT:
        return told
    logs = [directory.log(rank)] if rank is not None else [directory.log(each) for each in range(ranks)]
    kind = kind_of("\n".join(_end_of(path) for path in logs))
    if told and (kind == _K.COLLECTIVE_TIMEOUT or (kind is None and code >= 0)):  # else it waited in vain for what is told here
        return told
    return Failure.of(kind or _K.CRASH, death)


def kind_of(text: str) -> FailureKind | None:
    """By words that are found in what a process said; None where there are none."""
    return next((kind for kind, sign in SIGNS if sign.search(text)), None)


def _read(path: Path) -> Failure | None:
    try:
        return Failure.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def _end_of(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _READ_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def memory_kills(events: Path = MEMORY_EVENTS) -> int | None:
    """How many processes of our control group the kernel has killed for want of memory so far; None where it does not tell."""
    try:
        counts = dict(line.split() for line in events.read_text().splitlines())
        return int(counts["oom_kill"])
    except (OSError, ValueError, KeyError):
        return None


def _since(before: int | None) -> str:
    now = memory_kills()
    if before is None or now is None:
        return ""
    if now > before:
        return f"; the kernel has killed {now - before} process(es) here for want of memory meanwhile"
    return "; the kernel has counted no want of memory here meanwhile, so look for who else sends signals"
