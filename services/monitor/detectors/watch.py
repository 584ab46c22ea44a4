"""All detectors of one run, and what of the run's life they have to know."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from services.monitor.detectors.curves import GradNorm, LossSpike, NotFinite, Plateau, Spike
from services.monitor.detectors.detector import Detector, Finding, Step
from services.monitor.detectors.limits import Budget, Disk
from services.monitor.detectors.speed import DataWait, Stall, Straggler, ThroughputDrop
from shared.alerts import AlertsSpec
from shared.events import AnyEvent, Record
from shared.names import RunState
from shared.run_events import AttemptPlaced, RunCreated, RunRolledBack, RunStateChanged
from shared.training_events import (
    EvaluationCompleted,
    HyperparametersChanged,
    StepCompleted,
    TrainingContinued,
    TrainingHeld,
    TrainingStarted,
)

_REMEMBERED: Final = ("name", "state", "attempt", "slots", "held", "step", "undone")
_CURVES: Final = (NotFinite, Spike)
"""Compare with the newest steps; where those are done once more, they would compare with the run's own future."""
_UNDONE: Final = (*_CURVES, Plateau, Stall, ThroughputDrop, Straggler, DataWait)
"""A rollback undoes what these found. It gives back no room on a disk, and no money."""
_BUDGETS: Final = ("tokens", "hours", "cost_usd")


def detectors_of(spec: AlertsSpec) -> list[Detector]:
    """Those that the spec has not switched off."""
    each: list[tuple[bool, Detector]] = [
        (spec.nan.enabled, NotFinite(spec.nan)),
        (spec.loss_spike.enabled, LossSpike(spec.loss_spike)),
        (spec.grad_norm.enabled, GradNorm(spec.grad_norm, spec.grad_norm.limit)),
        (spec.plateau.enabled, Plateau(spec.plateau)),
        (spec.stall.enabled, Stall(spec.stall)),
        (spec.throughput_drop.enabled, ThroughputDrop(spec.throughput_drop)),
        (spec.straggler.enabled, Straggler(spec.straggler)),
        (spec.data_wait.enabled, DataWait(spec.data_wait)),
        (spec.disk.enabled, Disk(spec.disk)),
    ]
    limits = [(kind, limit) for kind in _BUDGETS if (limit := getattr(spec.budget, kind)) is not None]
    each += [(spec.budget.enabled, Budget(spec.budget, kind, limit)) for kind, limit in limits]
    return [detector for enabled, detector in each if enabled]


class Watch:
    """Fed with every event of a run's topic in order; each answers with what was found. `look` is for the silence between them.

    step: the last one seen. undone: the attempt that a rollback ended; what it says afterwards is no part of the run.
    """

    def __init__(self, spec: AlertsSpec | None = None, name: str = "") -> None:
        self.spec, self.name = spec or AlertsSpec(), name
        self.state, self.attempt, self.slots = "", 0, 1
        self.held = False
        self.step, self.undone = 0, 0
        self.detectors = detectors_of(self.spec)

    def take(self, record: Record, now: float) -> list[Finding]:
        """`now`: when it was heard, by our clock."""
        event = record.event
        if isinstance(event, StepCompleted | EvaluationCompleted):
            return self._step(record, event, now)
        if isinstance(event, RunRolledBack):
            self.undone, self.step = self.attempt, event.step
            return self._undo(event.step, f"the run was rolled back to step {event.step}", _UNDONE)
        self._note(event)
        return []

    def look(self, now: float) -> list[Finding]:
        if self.state not in {"", RunState.RUNNING} or self.held:
            return []
        return [finding for detector in self._stalls() if (finding := detector.look(now))]

    def hear(self, now: float) -> None:
        """Silence before this moment was ours, not the run's."""
        for detector in self._stalls():
            detector.heard = now if detector.gaps else None

    def _step(self, record: Record, event: StepCompleted | EvaluationCompleted, now: float) -> list[Finding]:
        if record.attempt is not None and (record.attempt < self.attempt or record.attempt <= self.undone):
            return []  # a straggler of an attempt that another has taken over from, or that was undone
        found: list[Finding] = []
        if record.attempt is not None and record.attempt > self.attempt:
            self._begin(record.attempt)
            done = event.step if isinstance(event, EvaluationCompleted) else event.step - 1
            if done < self.step:  # it was not saved where it ended
                found += self._undo(done, f"attempt {record.attempt} goes on from step {done}", _CURVES)
        self.step = event.step
        step = Step(event.step, event.tokens, record.at, event.metrics)
        found += [finding for detector in self.detectors if (finding := detector.see(step))]
        for detector in self._stalls():
            detector.heard = now
        return found

    def _note(self, event: AnyEvent) -> None:
        match event:
            case RunCreated():
                self.name = event.name
                if event.alerts is not None:
                    self.spec, self.detectors = event.alerts, detectors_of(event.alerts)
            case RunStateChanged():
                self.state = event.new
                self._forget_time()
            case AttemptPlaced():
                self.slots = len(event.slots)
            case TrainingStarted():
                self.held = False
                self._forget_time()
            case TrainingHeld():
                self.held = True
            case TrainingContinued():
                self.held = False
                self._forget_time()
            case HyperparametersChanged():
                for detector in self.detectors:
                    if isinstance(detector, ThroughputDrop | DataWait):
                        detector.begin_attempt()  # another batch takes another time
            case _:
                pass

    def _begin(self, attempt: int) -> None:
        self.attempt, self.held = attempt, False
        for detector in self.detectors:
            detector.begin_attempt()
            if isinstance(detector, Budget):
                detector.slots = self.slots

    def _undo(self, step: int, message: str, which: tuple[type[Detector], ...]) -> list[Finding]:
        undone = (detector.undo(step, message) for detector in self.detectors if isinstance(detector, which))
        return [finding for finding in undone if finding]

    def _forget_time(self) -> None:
        """What passed since the last step was no training."""
        for detector in self.detectors:
            if isinstance(detector, Stall | Budget):
                detector.last_at = None
            if isinstance(detector, Stall):
                detector.heard = None

    def _stalls(self) -> Iterator[Stall]:
        return (detector for detector in self.detectors if isinstance(detector, Stall))

    def action_of(self, detector: str) -> str:
        return str(getattr(self.spec, detector).action)

    def memory(self) -> dict[str, Any]:
        own = {name: getattr(self, name) for name in _REMEMBERED}
        return {**own, "spec": self.spec.model_dump(), "detectors": {detector.key: detector.memory() for detector in self.detectors}}

    @classmethod
    def recalled(cls, memory: Mapping[str, Any]) -> "Watch":
        watch = cls(AlertsSpec.model_validate(memory["spec"]))
        for name in _REMEMBERED:
            setattr(watch, name, memory.get(name, getattr(watch, name)))  # an older version's lacks some
        for detector in watch.detectors:
            detector.recall(memory["detectors"].get(detector.key, {}))
            if isinstance(detector, Budget):
                detector.slots = watch.slots
        return watch
