"""Events about workers, the queue and the room for checkpoints, on the topic `cluster`; and the readings of each worker, on its own."""

from typing import Literal

from pydantic import Field

from shared.event import Event


class WorkerJoined(Event):
    type: Literal["WorkerJoined"] = "WorkerJoined"
    worker: str
    slots: int


class WorkerLost(Event):
    type: Literal["WorkerLost"] = "WorkerLost"
    worker: str
    reason: str


class WorkerDraining(Event):
    """A person wants nothing new placed on it (`draining`), or offers it again."""

    type: Literal["WorkerDraining"] = "WorkerDraining"
    worker: str
    draining: bool
    by: str


class QueuePaused(Event):
    type: Literal["QueuePaused"] = "QueuePaused"
    by: str
    reason: str = ""


class QueueReopened(Event):
    type: Literal["QueueReopened"] = "QueueReopened"
    by: str


class EmergencyStopped(Event):
    """Every attempt is being killed and the queue is closed. `worker`: empty, or the one whose host was stopped by hand."""

    type: Literal["EmergencyStopped"] = "EmergencyStopped"
    by: str
    reason: str
    worker: str = ""
    attempts: int = Field(description="how many were running")


class EmergencyEnded(Event):
    """A person has reopened the queue, or the worker."""

    type: Literal["EmergencyEnded"] = "EmergencyEnded"
    by: str
    worker: str = ""


class WorkerHalted(Event):
    """It takes nothing for now: its host was stopped by hand or is about to go."""

    type: Literal["WorkerHalted"] = "WorkerHalted"
    worker: str
    reason: str


class StorageLevelChanged(Event):
    type: Literal["StorageLevelChanged"] = "StorageLevelChanged"
    level: Literal["ok", "warning", "full"] = Field(description="of the room that the checkpoints have left")
    message: str


class HostSampled(Event):
    """What a worker's host did in a second, the whole part of the record's `at`; on the worker's topic. Names: docs/system-metrics.md.

    `gpus`: UUIDs by index. `dropped`: samples before this one that were given up during an outage.
    """

    type: Literal["HostSampled"] = "HostSampled"
    worker: str
    metrics: dict[str, float]
    gpus: list[str] = Field(default_factory=list)
    dropped: int = 0
