"""What the child's spool says about how far it is, read straight from the file: it stays true while Redis is down."""

import logging
import math
from collections.abc import Mapping
from pathlib import Path

from services.trainer.spool import blocks, segments
from shared.conversation import AppliedCommand, CheckpointRef, Progress
from shared.events import AnyEvent
from shared.names import Metric
from shared.training_events import (
    CheckpointFailed,
    CommandApplied,
    EvaluationCompleted,
    StepCompleted,
    TrainingContinued,
    TrainingHeld,
    TrainingStarted,
)

log = logging.getLogger(__name__)


class SpoolWatch:
    def __init__(self, spool: Path) -> None:
        self.spool, self.offset = spool, 0
        self.started = False
        self.progress = Progress()
        self.applied: list[AppliedCommand] = []
        self.held = False
        self.signs = 0  # of life, counted
        self.touched = 0  # ns
        self.stepped = False

    def resume(self, checkpoint: CheckpointRef | None) -> None:
        """Nothing is lost that a checkpoint holds: begin where it is."""
        self.progress = Progress(step=checkpoint.step, tokens=checkpoint.tokens) if checkpoint else Progress()

    def read(self) -> bool:
        """Whether there is something that the api should hear of now. Raises ValueError where the spool is damaged."""
        if not (found := segments(self.spool)):
            return False
        known = (self.started, len(self.applied), self.held)
        touched = found[-1][1].stat().st_mtime_ns
        self.signs, self.touched = self.signs + (touched != self.touched), touched  # also where a full disk takes no event
        for records, end in blocks(self.spool, self.offset):
            for record in records:
                self._see(record.event)
            self.signs, self.offset = self.signs + len(records), end
        return (self.started, len(self.applied), self.held) != known

    def _see(self, event: AnyEvent) -> None:
        match event:
            case TrainingStarted():
                self.started = True
            case StepCompleted(step=step, tokens=tokens, metrics=metrics):
                known = finite({"loss": self.progress.loss, "tokens_per_second": self.progress.tokens_per_second})
                new = {"loss": metrics.get(Metric.TRAIN_LOSS, known.get("loss"))}
                new["tokens_per_second"] = metrics.get(Metric.TOKENS_PER_SECOND, known.get("tokens_per_second"))
                self.progress = Progress(step=step, tokens=tokens, **finite(new))
                self.stepped = True
            case CommandApplied(command_id=command_id, step=step, ranks=ranks, rejected=rejected):
                self.applied.append(AppliedCommand(command_id=command_id, step=step, ranks=ranks, rejected=rejected))
            case TrainingHeld() | TrainingContinued():
                self.held = isinstance(event, TrainingHeld)


class CheckpointWatch:
    """What the child says of its checkpoints after it has saved them. `measured`: evaluations by step. `failures`: checkpoints it could
    not write. `offered`: steps of which the api may know a checkpoint; `told`: evaluations it has.

    It reads the spool for itself: whoever has seen a checkpoint and then reads knows all evaluations of those before it.
    """

    def __init__(self, spool: Path) -> None:
        self.spool, self.offset, self.broken = spool, 0, False
        self.measured: dict[int, dict[str, float]] = {}
        self.failures = 0
        self.offered: set[int] = set()
        self.told: set[int] = set()

    def read(self) -> None:
        """A damaged spool is told by those who watch over the run; here it only says no more."""
        if self.broken:
            return
        try:
            for records, end in blocks(self.spool, self.offset):
                for record in records:
                    self._see(record.event)
                self.offset = end
        except ValueError as error:
            self.broken = True
            log.error("evaluations are not attached to checkpoints any more: %s", error)

    def _see(self, event: AnyEvent) -> None:
        match event:
            case EvaluationCompleted(step=step, metrics=metrics):
                if found := finite(metrics):
                    self.measured[step] = found
            case CheckpointFailed():
                self.failures += 1

    def offer(self, step: int) -> dict[str, float]:
        """What goes into the commit of a step's checkpoint. Only the first commit counts as having told it: repeated ones are ignored."""
        if step not in self.offered and step in self.measured:
            self.told.add(step)
        self.offered.add(step)
        return self.measured.get(step, {})

    def untold(self) -> list[int]:
        """Steps whose evaluation came after the commit, in order."""
        return sorted((self.measured.keys() & self.offered) - self.told)


def finite(values: Mapping[str, float | None]) -> dict[str, float]:
    """Without what JSON cannot carry: NaN, infinities, None."""
    return {name: value for name, value in values.items() if value is not None and math.isfinite(value)}
