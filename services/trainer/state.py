"""The readable part of a checkpoint: where a run is, and how it came there."""

from dataclasses import dataclass, field

from pydantic import Field

from services.trainer.rundir import Metrics, Order
from shared.commands import JournalEntry
from shared.internal import Message
from shared.spec import RunSpec


class DataPosition(Message):
    """The next sample: the `index`-th of its epoch. Both count from 0."""

    epoch: int
    index: int


class SchedulePosition(Message):
    """`step`: the last one the learning rate was computed for."""

    step: int


class ScalerState(Message):
    """Of fp16: by what losses are multiplied, and for how many steps that has gone well."""

    scale: float
    growth_tracker: int


class Conditions(Message):
    """What the last bits of sums depend on, beside the world size. processor: the GPU's name, or what the CPU's kernels are chosen by."""

    device: str
    processor: str
    threads: int
    torch: str

    def __str__(self) -> str:
        return f"{self.device} ({self.processor}), {self.threads} threads a process, torch {self.torch}"


class State(Message):
    """`state.json`. metrics: the newest value of each when it was saved; an evaluation is an earlier step's. skipped_steps: those that were
    left out, skipped_in_row: the last ones of them without one between; losses: the newest, by which a spike is told (skipping.py).

    Format 1 had no data position, scaler, world size, skipped steps, journal and conditions.
    """

    step: int
    tokens: int
    metrics: Metrics
    spec: RunSpec
    vocab_size: int
    world_size: int = 1
    conditions: Conditions | None = None
    data: DataPosition | None = None
    schedule: SchedulePosition | None = None
    scaler: ScalerState | None = None
    skipped_steps: int = 0
    skipped_in_row: int = 0
    losses: list[float] = Field(default_factory=list)
    journal: list[JournalEntry] = Field(default_factory=list)

    @property
    def measured(self) -> dict[str, float]:
        """What is of this very step. It is evaluated after it is saved; that comes to the checkpoint later, by courier.py."""
        return {name: value for name, value in self.metrics.items() if name.startswith("train/")}


@dataclass
class History:
    """What a run has behind it, kept up to date by the loop. step: the last one taken. known: the newest value of each metric."""

    step: int = 0
    known: dict[str, float] = field(default_factory=dict)
    skipped_steps: int = 0
    skipped_in_row: int = 0
    losses: list[float] = field(default_factory=list)
    journal: list[JournalEntry] = field(default_factory=list)

    @classmethod
    def of(cls, state: State) -> "History":
        skipped = (state.skipped_steps, state.skipped_in_row, list(state.losses))
        return cls(state.step, dict(state.metrics), *skipped, list(state.journal))

    def find(self, command_id: str) -> JournalEntry | None:
        return next((entry for entry in self.journal if entry.command_id == command_id), None)

    def enter(self, order: Order) -> None:
        """An order that is applied now."""
        self.journal.append(JournalEntry(step=self.step, command_id=order.command_id, type=order.type, arguments=order.arguments))
