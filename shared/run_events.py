"""Events that the api tells about a run: its states, attempts, checkpoints and commands."""

from typing import Any, Literal

from pydantic import Field

from shared.alerts import AlertsSpec
from shared.event import Event
from shared.failures import Failure


class RunCreated(Event):
    """`alerts`: what the run is watched for, as its spec says; without it the defaults hold."""

    type: Literal["RunCreated"] = "RunCreated"
    name: str
    by: str
    alerts: AlertsSpec | None = None


class RunStateChanged(Event):
    type: Literal["RunStateChanged"] = "RunStateChanged"
    run_id: str
    old: str
    new: str
    by: str
    reason: str = ""


class RunDeleted(Event):
    """On the run's own topic, as its last event, and on `cluster`."""

    type: Literal["RunDeleted"] = "RunDeleted"
    run_id: str
    by: str


class AttemptPlaced(Event):
    type: Literal["AttemptPlaced"] = "AttemptPlaced"
    attempt: int
    worker: str
    slots: list[str]


class AttemptClaimed(Event):
    type: Literal["AttemptClaimed"] = "AttemptClaimed"
    attempt: int
    worker: str
    resume_step: int = Field(description="the newest committed checkpoint's step; 0 where there is none")


class AttemptEnded(Event):
    type: Literal["AttemptEnded"] = "AttemptEnded"
    attempt: int
    outcome: str
    reason: str = ""
    failure: Failure | None = None


class AttemptPreempted(Event):
    """It is asked to save itself and to give its slots to a run of higher priority."""

    type: Literal["AttemptPreempted"] = "AttemptPreempted"
    attempt: int
    reason: str


class RunForked(Event):
    """On the new run's topic: it goes on from another run's checkpoint."""

    type: Literal["RunForked"] = "RunForked"
    parent_id: str
    checkpoint_id: str
    step: int
    by: str


class RunRolledBack(Event):
    """It goes on from `step`; what came behind it in the attempts up to this one is no longer part of the run."""

    type: Literal["RunRolledBack"] = "RunRolledBack"
    command_id: str
    checkpoint_id: str
    old_step: int
    step: int
    by: str


class CheckpointCommitted(Event):
    type: Literal["CheckpointCommitted"] = "CheckpointCommitted"
    checkpoint_id: str
    step: int
    bytes: int


class CheckpointDamaged(Event):
    """Somebody read bytes that are not what was committed; it is not offered while storage has not found every byte right."""

    type: Literal["CheckpointDamaged"] = "CheckpointDamaged"
    checkpoint_id: str
    step: int
    reason: str


class CheckpointDeleted(Event):
    type: Literal["CheckpointDeleted"] = "CheckpointDeleted"
    checkpoint_id: str
    step: int
    bytes: int
    by: str = Field(description="who asked, or `retention`")
    reason: str


class CommandRequested(Event):
    type: Literal["CommandRequested"] = "CommandRequested"
    command_id: str
    command: str
    by: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class CommandAccepted(Event):
    """A worker has been told."""

    type: Literal["CommandAccepted"] = "CommandAccepted"
    command_id: str
    command: str


class CommandRejected(Event):
    """Nothing has changed. Only of commands that had been requested: what is refused at once is an answer and no event."""

    type: Literal["CommandRejected"] = "CommandRejected"
    command_id: str
    command: str
    reason: str
