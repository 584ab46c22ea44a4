"""Which of the named failures an exception of the training is."""

import re
from typing import Final

import torch
import torch.distributed as dist

from services.trainer.room import is_full
from shared.errors import UserError
from shared.failures import Failure, FailureKind

_LONELY: Final = re.compile(r"timed? ?out|closed by peer|Connection reset|ncclRemoteError|aborted", re.IGNORECASE)
_ALLOCATION: Final = re.compile(r"DefaultCPUAllocator|can't allocate memory|std::bad_alloc")


def named(error: Exception) -> Failure:
    """By its type; torch tells some kinds apart by their words only."""
    told = f"{type(error).__name__}: {error}"
    if isinstance(error, torch.OutOfMemoryError):
        return Failure.of(FailureKind.OUT_OF_DEVICE_MEMORY, told)
    if isinstance(error, MemoryError) or _ALLOCATION.search(told):
        return Failure.of(FailureKind.OUT_OF_MEMORY, told)
    if isinstance(error, OSError) and is_full(error):
        return Failure.of(FailureKind.DISK_FULL, told)
    if isinstance(error, dist.DistBackendError | dist.DistNetworkError) or (isinstance(error, RuntimeError) and _LONELY.search(told)):
        return Failure.of(FailureKind.COLLECTIVE_TIMEOUT, told)
    if isinstance(error, IndexError | UserError):
        return Failure.of(FailureKind.DATA_ERROR, told)
    return Failure.of(FailureKind.CRASH, told)
