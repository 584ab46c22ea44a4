"""Events about workers, the queue and the room for checkpoints, on the topic `cluster`."""

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
