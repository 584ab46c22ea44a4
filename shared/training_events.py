"""Events of a training: from rank 0 through its spool, and from the agent about it."""

from typing import Any, Literal

from pydantic import Field

from shared.event import Event


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
    """After `step` and before the next, on all `ranks`; what could not be is told by `rejected`."""

    type: Literal["CommandApplied"] = "CommandApplied"
    command_id: str
    step: int
    ranks: int
    command: str = ""
    rejected: str = ""


class HyperparametersChanged(Event):
    """From the step behind `step` on. Paths are those of the spec (`train.optimizer.lr`)."""

    type: Literal["HyperparametersChanged"] = "HyperparametersChanged"
    command_id: str
    step: int
    old: dict[str, Any]
    new: dict[str, Any]
    replayed: bool = Field(False, description="applied again at its step by a later attempt, or by a replay")


class TrainingHeld(Event):
    """It stands still after `step`, saved, and keeps its slots."""

    type: Literal["TrainingHeld"] = "TrainingHeld"
    step: int


class TrainingContinued(Event):
    type: Literal["TrainingContinued"] = "TrainingContinued"
    step: int
    seconds: float = Field(description="how long it stood still")


class TrainingEnded(Event):
    type: Literal["TrainingEnded"] = "TrainingEnded"
    step: int
    outcome: Literal["succeeded", "stopped", "failed", "paused", "rolled_back"]
    reason: str = ""


class ProcessDied(Event):
    """Seen by the agent: the training processes are gone without having said goodbye."""

    type: Literal["ProcessDied"] = "ProcessDied"
    reason: str
    after_seconds: float = Field(description="from the last sign of life to the discovery")


class ProcessAdopted(Event):
    """Seen by the agent: it was started anew, and the training had gone on without it."""

    type: Literal["ProcessAdopted"] = "ProcessAdopted"
    step: int


class HangDetected(Event):
    """No step for longer than this run has ever taken: the stacks of all ranks are in the log, then its processes are ended."""

    type: Literal["HangDetected"] = "HangDetected"
    step: int
    silent_seconds: float


class LogWritten(Event):
    """`offset`: in the rank's log, behind the last line; none for lines of the agent's own."""

    type: Literal["LogWritten"] = "LogWritten"
    rank: int
    lines: list[str]
    offset: int | None = None


class StepSkipped(Event):
    """The step counts and its batch is used up, but parameters and optimiser state stayed as they were, on every rank.

    `overflow`: of fp16's scale, which is halved then; all other reasons are train.skip's.
    """

    type: Literal["StepSkipped"] = "StepSkipped"
    step: int
    reason: Literal["non_finite", "grad_norm", "loss_spike", "overflow"]
    loss: float
    grad_norm: float = Field(description="before clipping")
    consecutive: int = Field(description="so many in a row, this one included, without those of fp16's scale")


class EventsDropped(Event):
    """At this place of the stream events are missing: the worker's spool had no room for them, or was damaged. first_step, last_step: of
    the steps among them; none where they were of other kinds, or nobody knows.
    """

    type: Literal["EventsDropped"] = "EventsDropped"
    count: int
    first_step: int | None = None
    last_step: int | None = None
    reason: str
