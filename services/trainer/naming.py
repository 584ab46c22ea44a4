"""Which of the named failures an exception of the training is."""

import torch
import torch.distributed as dist

from services.trainer.diagnosis import kind_of
from services.trainer.room import is_full
from shared.errors import UserError
from shared.failures import Failure, FailureKind


def named(error: Exception) -> Failure:
    """By its type; torch tells some kinds apart by their words only."""
    told = f"{type(error).__name__}: {error}"
    if isinstance(error, torch.OutOfMemoryError):
        return Failure.of(FailureKind.OUT_OF_DEVICE_MEMORY, told)
    if isinstance(error, MemoryError):
        return Failure.of(FailureKind.OUT_OF_MEMORY, told)
    if isinstance(error, OSError) and is_full(error):
        return Failure.of(FailureKind.DISK_FULL, told)
    if isinstance(error, dist.DistBackendError | dist.DistNetworkError):
        return Failure.of(FailureKind.COLLECTIVE_TIMEOUT, told)
    if isinstance(error, UserError):
        return Failure.of(FailureKind.DATA_ERROR, told)
    return Failure.of(kind_of(told) or FailureKind.CRASH, told)
