"""The worker's side of a run's life: what agent and api say to each other on `/internal/workers` and `/internal/attempts`.

Requests carry the join secret (`Authorization: Bearer`). Ids are opaque.
"""

from typing import Any, Literal

from pydantic import Field

from shared.commands import CommandType, JournalEntry
from shared.failures import Failure
from shared.internal import FileRef, Label, Message, Resolved
from shared.spec import Name, RunSpec


class SlotReport(Message):
    """`id`: a GPU's UUID, or `<host>/cpu<index>`."""

    id: Label
    device: Literal["cpu", "cuda"]
    name: Label


class Progress(Message):
    step: int = 0
    tokens: int = 0
    loss: float | None = None
    tokens_per_second: float | None = None


class AttemptReport(Message):
    """`held`: it stands still after `progress.step`, saved, and keeps its slots until it is told to go on."""

    attempt_id: str
    fence: int
    progress: Progress
    held: bool = False


class AppliedCommand(Message):
    """After `step`, on so many `ranks`. `rejected`: why it was not, in words; then nothing has changed. `fence`: of the attempt that did
    it; once a later one is claimed its word no longer counts.
    """

    command_id: str
    step: int
    ranks: int
    rejected: str = ""
    fence: int | None = None


class Heartbeat(Message):
    """`instance` is new with every start of the agent: attempts of an earlier instance that are not reported are gone.
    `applied` is repeated until a heartbeat that carried it was answered. `halted`: why this worker takes nothing until a person reopens it
    there (a local emergency stop), or the host is about to go (an interruption notice); it then offers no slots.
    """

    protocol: int
    instance: Label
    host: Label
    slots: list[SlotReport]
    attempts: list[AttemptReport]
    applied: list[AppliedCommand] = Field(default_factory=list)
    halted: str = ""


class CommandOrder(Message):
    """`arguments`: of set_hyperparameters `shared.commands.Hyperparameters.told()`; of pause `{"hold": bool}`; of sample
    `{"prompts": [...]}`, none for the run's own; of rollback `{"checkpoint_id", "step"}`; else empty.
    """

    command_id: str
    attempt_id: str
    type: CommandType
    arguments: dict[str, Any] = Field(default_factory=dict)


class Preemption(Message):
    """This attempt is to save itself and give back its slots within the worker's grace. `reason`: for whom, in words."""

    attempt_id: str
    reason: str


class EmergencyOrder(Message):
    """Kill every training process, now, and claim nothing while it stands. Also published on Redis (`names.EMERGENCY_CHANNEL`), as JSON."""

    id: str
    reason: str
    by: str


class HeartbeatReply(Message):
    """`assignments`: attempts to be claimed. `cancelled`: reported attempts that are no longer this worker's; end them at once."""

    assignments: list[str]
    commands: list[CommandOrder]
    cancelled: list[str]
    preempted: list[Preemption] = Field(default_factory=list)
    emergency: EmergencyOrder | None = None


class ClaimRequest(Message):
    worker: Label
    instance: Label


class CheckpointRef(Message):
    """`tokens`: that the run had seen by then, which no later batch size tells."""

    id: str
    run_id: str
    step: int
    tokens: int = 0
    files: list[FileRef]


class Claim(Message):
    """Everything an attempt needs. `checkpoints`: newest first, to resume from the first whose hashes verify; empty means from scratch; the
    last may be another run's, from which this one was forked. `spec`: as submitted. `journal`: what was changed while it ran, by step;
    entries behind the checkpoint's step are applied again at theirs, earlier ones are in the checkpoint.
    """

    run_id: str
    attempt_id: str
    attempt: int
    fence: int
    spec: RunSpec
    resolved: Resolved
    prepared_id: str
    slots: list[SlotReport]
    checkpoints: list[CheckpointRef]
    journal: list[JournalEntry] = Field(default_factory=list)


class StateReport(Message):
    """`failed` with `retry` asks for a new attempt; without, the run itself is at fault and ends. `counts`: whether a failure
    counts against the run; an outage or the end of a worker does not. `paused`: saved, its slots are free. `preempted`: saved, and back to
    the queue. `rolled_back`: ended to go on from the checkpoint that the open `rollback` names. `halted`: killed by an emergency stop.
    `applied`: all that this attempt has applied, so that the end of a run never overtakes what is known of its commands.
    """

    worker: str
    fence: int
    state: Literal["running", "succeeded", "failed", "stopped", "killed", "paused", "preempted", "rolled_back", "halted"]
    reason: str = ""
    failure: Failure | None = None
    retry: bool = True
    counts: bool = True
    progress: Progress = Progress()
    summary: dict[str, float] = Field(default_factory=dict)
    applied: list[AppliedCommand] = Field(default_factory=list)


class CheckpointCommit(Message):
    """The one message that makes a checkpoint visible; refused with a stale fence."""

    fence: int
    checkpoint_id: Label
    step: int
    tokens: int
    metrics: dict[str, float]
    files: list[FileRef]


class CheckpointMetrics(Message):
    """What was measured of a run's committed checkpoint of this step after it was saved."""

    fence: int
    step: int
    metrics: dict[str, float]


class CheckpointDamage(Message):
    """A restore found a checkpoint's bytes wrong; it is a suspect until storage has read every byte."""

    worker: str
    fence: int
    checkpoint_id: Label
    reason: str


class WorkerName(Message):
    name: Name
