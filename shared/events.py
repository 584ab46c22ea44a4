"""Every event of the platform, and its bytes.

An event is past tense and belongs to a topic: a run's id, or `cluster`. Producers number their events (`producer_seq`, from 1, without
holes); Redis numbers them again per topic (`seq`) when they are published. Bytes are msgpack, which unlike JSON carries NaN.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from shared.cluster_events import QueuePaused, QueueReopened, StorageLevelChanged, WorkerDraining, WorkerJoined, WorkerLost
from shared.event import Event
from shared.packing import pack as pack
from shared.packing import unpack as unpack


class RunCreated(Event):
    type: Literal["RunCreated"] = "RunCreated"
    name: str
    by: str


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


class TrainingStarted(Event):
    """The child is set up and about to take its first step. Steps count from 1; `first_step` is the next to be taken."""

    type: Literal["TrainingStarted"] = "TrainingStarted"
    first_step: int
    steps: int
    world_size: int
    device: str
    precision: str
    parameters: int


class StepCompleted(Event):
    """`tokens`: seen by the run so far, over all devices."""

    type: Literal["StepCompleted"] = "StepCompleted"
    step: int
    tokens: int
    metrics: dict[str, float]


class EvaluationCompleted(Event):
    type: Literal["EvaluationCompleted"] = "EvaluationCompleted"
    step: int
    tokens: int
    metrics: dict[str, float]


class SampleGenerated(Event):
    type: Literal["SampleGenerated"] = "SampleGenerated"
    step: int
    prompt: str
    text: str


class CheckpointSaved(Event):
    """Written to the run directory; it becomes visible with `CheckpointCommitted`."""

    type: Literal["CheckpointSaved"] = "CheckpointSaved"
    step: int
    bytes: int
    seconds: float = Field(description="from the step's end until all of it was on the disk")
    stall_seconds: float = Field(0.0, description="how long training stood still for it")


class CheckpointFailed(Event):
    """It could not be written; nothing of it is left, and the run goes on. The next one that is due is tried as any other."""

    type: Literal["CheckpointFailed"] = "CheckpointFailed"
    step: int
    reason: str


class CommandApplied(Event):
    type: Literal["CommandApplied"] = "CommandApplied"
    command_id: str
    step: int
    ranks: int


class TrainingEnded(Event):
    type: Literal["TrainingEnded"] = "TrainingEnded"
    step: int
    outcome: Literal["succeeded", "stopped", "failed"]
    reason: str = ""


class ProcessDied(Event):
    """Seen by the agent: the training processes are gone without having said goodbye."""

    type: Literal["ProcessDied"] = "ProcessDied"
    reason: str
    after_seconds: float = Field(description="from the last sign of life to the discovery")


class LogWritten(Event):
    type: Literal["LogWritten"] = "LogWritten"
    rank: int
    lines: list[str]


AnyEvent = Annotated[
    RunCreated
    | RunStateChanged
    | RunDeleted
    | AttemptPlaced
    | AttemptClaimed
    | AttemptEnded
    | CheckpointCommitted
    | CheckpointDamaged
    | CheckpointDeleted
    | CommandRequested
    | WorkerJoined
    | WorkerLost
    | WorkerDraining
    | QueuePaused
    | QueueReopened
    | StorageLevelChanged
    | TrainingStarted
    | StepCompleted
    | EvaluationCompleted
    | SampleGenerated
    | CheckpointSaved
    | CheckpointFailed
    | CommandApplied
    | TrainingEnded
    | ProcessDied
    | LogWritten,
    Field(discriminator="type"),
]
EVENT: Final[TypeAdapter[AnyEvent]] = TypeAdapter(AnyEvent)


class Record(BaseModel):
    """An event as its producer hands it over.

    run_id: the topic. attempt, fence: of the attempt that speaks, None for the platform itself. at: seconds since the epoch, UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    run_id: str
    attempt: int | None = None
    fence: int | None = None
    producer: str
    producer_seq: int = Field(ge=1)
    at: float
    event: AnyEvent

    def pack(self) -> bytes:
        return pack(self.model_dump())


class Envelope(Record):
    """An event as everyone reads it. `(epoch, seq)` is its place in its topic; a new epoch means Redis lost or may have lost events."""

    epoch: str
    seq: int = Field(ge=1)
