"""Every event of the platform, and its bytes.

An event is past tense and belongs to a topic: a run's id, `cluster` or `worker.<name>`. Producers number their events (`producer_seq`, from
1, without holes); Redis numbers them again per topic (`seq`) when they are published. Bytes are msgpack, which unlike JSON carries NaN.
"""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from shared.alert_events import AlertActionTaken, DetectorCleared, DetectorFired
from shared.cluster_events import (
    EmergencyEnded,
    EmergencyStopped,
    HostSampled,
    QueuePaused,
    QueueReopened,
    StorageLevelChanged,
    WorkerDraining,
    WorkerHalted,
    WorkerJoined,
    WorkerLost,
)
from shared.packing import pack as pack
from shared.packing import unpack as unpack
from shared.run_events import (
    AttemptClaimed,
    AttemptEnded,
    AttemptPlaced,
    AttemptPreempted,
    CheckpointCommitted,
    CheckpointDamaged,
    CheckpointDeleted,
    CommandAccepted,
    CommandRejected,
    CommandRequested,
    RunCreated,
    RunDeleted,
    RunForked,
    RunRolledBack,
    RunStateChanged,
)
from shared.training_events import (
    CheckpointFailed,
    CheckpointSaved,
    CommandApplied,
    EvaluationCompleted,
    EventsDropped,
    HangDetected,
    HyperparametersChanged,
    LogWritten,
    ProcessAdopted,
    ProcessDied,
    SampleGenerated,
    StepCompleted,
    StepSkipped,
    TrainingContinued,
    TrainingEnded,
    TrainingHeld,
    TrainingStarted,
)

AnyEvent = Annotated[
    RunCreated
    | RunStateChanged
    | RunDeleted
    | AttemptPlaced
    | AttemptClaimed
    | AttemptEnded
    | AttemptPreempted
    | RunForked
    | RunRolledBack
    | CheckpointCommitted
    | CheckpointDamaged
    | CheckpointDeleted
    | CommandRequested
    | CommandAccepted
    | CommandRejected
    | WorkerJoined
    | WorkerLost
    | WorkerDraining
    | QueuePaused
    | QueueReopened
    | WorkerHalted
    | EmergencyStopped
    | EmergencyEnded
    | StorageLevelChanged
    | TrainingStarted
    | StepCompleted
    | EvaluationCompleted
    | SampleGenerated
    | CheckpointSaved
    | CheckpointFailed
    | CommandApplied
    | HyperparametersChanged
    | TrainingHeld
    | TrainingContinued
    | TrainingEnded
    | ProcessDied
    | ProcessAdopted
    | HangDetected
    | LogWritten
    | StepSkipped
    | EventsDropped
    | HostSampled
    | DetectorFired
    | DetectorCleared
    | AlertActionTaken,
    Field(discriminator="type"),
]
EVENT: Final[TypeAdapter[AnyEvent]] = TypeAdapter(AnyEvent)


class Record(BaseModel):
    """An event as its producer hands it over.

    run_id: the topic. attempt, fence: of the attempt that speaks, None for the platform itself. at: seconds since the epoch, UTC.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    run_id: str
    attempt: int | None = Field(None, ge=0, lt=1 << 31)
    fence: int | None = Field(None, ge=0, lt=1 << 62)
    producer: str
    producer_seq: int = Field(ge=1, lt=1 << 62)
    at: float = Field(ge=0, lt=1e11, allow_inf_nan=False)
    event: AnyEvent

    def pack(self) -> bytes:
        return pack(self.model_dump())


class Envelope(Record):
    """An event as everyone reads it. `(epoch, seq)` is its place in its topic; a new epoch means Redis lost or may have lost events."""

    epoch: str
    seq: int = Field(ge=1)
