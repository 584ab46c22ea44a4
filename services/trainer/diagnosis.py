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
            r"Watchdog caught collective operation timeout|Timed out waiting \d+ms for (recv|send) operation|ncclRemoteError|"
            r"NCCL (communicator was aborted|timeout)|Connection closed by peer|Socket Timeout|DistStoreError|DistNetworkError"
        ),
    ),
    (_K.DATA_ERROR, re.compile(r"index out of range in self|device-side assert triggered|its shards hold \d+ tokens")),
)
"""What the log's end looks like, most telling first."""
_READ_BYTES: Final = 64 << 10


def told_by(directory: RunDirectory, ranks: int) -> Failure | None:
    """What the processes say themselves. Where one ran out of memory and others then waited for it in vain, that one counts."""
    found = [failure for rank in range(ranks) if (failure := _read(directory.failure(rank)))]
    return next((failure for failure in found if failure.kind != _K.COLLECTIVE_TIMEOUT), found[0] if found else None)


def diagnose(directory: RunDirectory, ranks: int, code: int, rank: int | None, death: str) -> Failure:
    """`code`, `rank`: of the process that failed first, negative for a signal; `death`: how that was, in words."""
    if code == -signal.SIGKILL:
        return Failure.of(_K.KILLED_BY_SYSTEM, f"{death}, and not by Groundup{_out_of_memory_kills()}")
    if code == NO_ROOM:
        return Failure.of(_K.DISK_FULL, death)
    if failure := told_by(directory, ranks):
        return failure
    logs = [directory.log(rank)] if rank is not None else [directory.log(each) for each in range(ranks)]
    text = "\n".join(_end_of(path) for path in logs)
    kind = next((kind for kind, sign in SIGNS if sign.search(text)), _K.CRASH)
    return Failure.of(kind, death)


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


def _out_of_memory_kills() -> str:
    """What the kernel counts in our control group, where it tells."""
    try:
        counts = dict(line.split() for line in Path("/sys/fs/cgroup/memory.events").read_text().splitlines())
    except (OSError, ValueError):
        return ""
    kills = int(counts.get("oom_kill", 0))
    return f"; the kernel has killed {kills} process(es) here for want of memory so far" if kills else ""
