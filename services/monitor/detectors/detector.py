"""What all detectors have in common: they read a step, and a latch says whether that is news."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal

from shared.alerts import Severity


@dataclass(frozen=True)
class Step:
    """A StepCompleted or EvaluationCompleted. `at`: seconds since the epoch, by the trainer's clock; `tokens`: seen by the run so far."""

    step: int
    tokens: int
    at: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Reading:
    """What a detector makes of a step. `bad` counts towards firing, `fine` towards clearing; between the two nothing counts."""

    metric: str
    value: float
    threshold: float
    bad: bool
    fine: bool
    window: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """`kind`: whether it begins or has passed. `severity`: of this one, where it is not the detector's own."""

    kind: Literal["fired", "cleared"]
    detector: str
    key: str
    severity: Severity
    step: int
    reading: Reading
    message: str
    remedy: str


@dataclass
class Latch:
    """Fires once after `patience` bad readings in a row, clears after `clear_after` fine ones, and is deaf for `cooldown` readings then."""

    patience: int = 1
    clear_after: int = 20
    cooldown: int = 20
    firing: bool = False
    bad: int = 0
    fine: int = 0
    deaf: int = 0

    def update(self, reading: Reading) -> Literal["fired", "cleared"] | None:
        if self.deaf:
            self.deaf -= 1
            return None
        self.bad = self.bad + 1 if reading.bad else 0
        self.fine = self.fine + 1 if reading.fine else 0
        if not self.firing and self.bad >= self.patience:
            self.firing, self.fine = True, 0
            return "fired"
        if self.firing and self.fine >= self.clear_after:
            self.firing, self.bad, self.deaf = False, 0, self.cooldown
            return "cleared"
        return None

    def reset(self) -> bool:
        """As at first. Whether it was firing."""
        was, self.firing, self.bad, self.fine, self.deaf = self.firing, False, 0, 0, 0
        return was


class Detector(ABC):
    """`key` tells several of one name apart. `remembered`: the attributes that change, of which `memory` is made."""

    name: ClassVar[str]
    severity: ClassVar[Severity] = "warning"
    remedy: ClassVar[str] = ""
    remembered: ClassVar[tuple[str, ...]] = ()

    def __init__(self, latch: Latch, key: str = "") -> None:
        self.latch, self.key = latch, key or self.name

    @abstractmethod
    def read(self, step: Step) -> Reading | None:
        """None where the step says nothing about it: a metric is missing, or there is too little to compare with yet."""

    @abstractmethod
    def tell(self, reading: Reading) -> str:
        """The finding in plain words."""

    def see(self, step: Step) -> Finding | None:
        reading = self.read(step)
        return None if reading is None else self.judge(reading, step.step)

    def judge(self, reading: Reading, step: int) -> Finding | None:
        kind = self.latch.update(reading)
        if kind is None:
            return None
        message = self.tell(reading) if kind == "fired" else self.tell_cleared(reading)
        return Finding(kind, self.name, self.key, self.severity, step, reading, message, self.remedy)

    def tell_cleared(self, reading: Reading) -> str:
        """That it has passed."""
        return f"{reading.metric} is {number(reading.value)} again"

    def begin_attempt(self) -> None:  # noqa: B027  (most have nothing to do)
        """Other processes go on, maybe elsewhere and at another speed, maybe from an earlier step."""

    def undo(self, step: int, message: str) -> Finding | None:
        """The run has gone back to `step`: what came behind it is no part of the run any more, nor is what was found there. The same fault
        is news when it comes again.
        """
        self.go_back()
        if not self.latch.reset():
            return None
        reading = Reading(self.name, 0.0, 0.0, bad=False, fine=True)
        return Finding("cleared", self.name, self.key, self.severity, step, reading, message, self.remedy)

    def go_back(self) -> None:  # noqa: B027
        """Forget the newest values."""

    def memory(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in self.remembered}
        plain = {name: list(value) if isinstance(value, deque) else value for name, value in values.items()}
        return {**plain, "latch": asdict(self.latch)}

    def recall(self, memory: Mapping[str, Any]) -> None:
        """`memory` of an older version may lack something; that begins anew then. Settings are those of now."""
        for name in self.remembered:
            if name in memory:
                now, then = getattr(self, name), memory[name]
                setattr(self, name, deque(then, now.maxlen) if isinstance(now, deque) else then)
        for name in ("firing", "bad", "fine", "deaf"):
            setattr(self.latch, name, memory.get("latch", {}).get(name, getattr(self.latch, name)))


def number(value: float) -> str:
    return f"{value:.4g}" if abs(value) < 1e6 else f"{value:,.0f}"
