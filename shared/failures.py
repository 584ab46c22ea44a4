"""What a run can die of: recognised by the worker, shown on the run, each with what a person can do about it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict


class FailureKind(StrEnum):
    OUT_OF_DEVICE_MEMORY = "out_of_device_memory"
    OUT_OF_MEMORY = "out_of_memory"
    COLLECTIVE_TIMEOUT = "collective_timeout"
    DISK_FULL = "disk_full"
    DATA_ERROR = "data_error"
    NOT_FINITE = "not_finite"
    TOO_MANY_SKIPPED = "too_many_skipped"
    KILLED_BY_SYSTEM = "killed_by_system"
    HANG = "hang"
    CHECKPOINT_UNFIT = "checkpoint_unfit"
    WORKER_LOST = "worker_lost"
    CRASH = "crash"


REMEDIES: Final[Mapping[FailureKind, str]] = {
    FailureKind.OUT_OF_DEVICE_MEMORY: "use a smaller train.micro_batch_size (accumulation keeps the batch), a shorter "
    "model.sequence_length or a smaller model",
    FailureKind.OUT_OF_MEMORY: "use a smaller train.micro_batch_size, fewer compute.processes_per_node or a host with more memory",
    FailureKind.COLLECTIVE_TIMEOUT: "one process no longer answered the others: look in the logs of all ranks for the first that fell "
    "silent, and at the network between them",
    FailureKind.DISK_FULL: "free some room on the worker's disk, or keep fewer checkpoints (train.checkpoint)",
    FailureKind.DATA_ERROR: "the tokens do not fit the spec: look at the dataset's preview, or push the text as a new version",
    FailureKind.NOT_FINITE: "go back to an earlier checkpoint with a lower train.optimizer.lr or a longer warm-up, or in fp32",
    FailureKind.TOO_MANY_SKIPPED: "look at the text around the steps that were left out, go back to an earlier checkpoint with a lower "
    "train.optimizer.lr, or change the limits in train.skip",
    FailureKind.KILLED_BY_SYSTEM: "the system most likely ran out of memory: use a smaller train.micro_batch_size or fewer processes, "
    "and look at the host's kernel log",
    FailureKind.HANG: "the stacks of all ranks are in the log: look at what each was waiting for",
    FailureKind.CHECKPOINT_UNFIT: "go on from a checkpoint of a run of the same shape",
    FailureKind.WORKER_LOST: "look whether the worker's host and its network are well",
    FailureKind.CRASH: "the last lines of the log say what happened",
}


class Failure(BaseModel):
    """`message`: what was seen, with its numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    kind: FailureKind
    message: str
    remedy: str

    @classmethod
    def of(cls, kind: FailureKind, message: str) -> "Failure":
        return cls(kind=kind, message=message, remedy=REMEDIES[kind])
