"""Detectors of the curves themselves: loss and gradient norm."""

import math
from collections import deque
from typing import ClassVar, Final

from services.monitor.detectors.detector import Detector, Latch, Reading, Step, number
from services.monitor.detectors.robust import robust
from shared.alerts import GradNormAlert, LossSpikeAlert, NanAlert, PlateauAlert, Severity
from shared.names import Metric

FEWEST: Final = 16
"""Values that are compared with at least."""


class NotFinite(Detector):
    """In fp16 a scale that is too large makes a norm infinite beside a finite loss: such a step is left out by the trainer and no sign
    against the run, as long as the scale is not below 1 (services/trainer/scaling.py draws the same line).
    """

    name = "nan"
    severity: ClassVar[Severity] = "critical"
    remedy = "lower the learning rate or raise the warm-up, check the data around this step, or train in bf16 or fp32 instead of fp16"
    WATCHED: ClassVar = (Metric.TRAIN_LOSS, Metric.GRAD_NORM, Metric.VAL_LOSS)

    def __init__(self, settings: NanAlert) -> None:
        super().__init__(Latch(patience=settings.steps, clear_after=10, cooldown=0))

    def read(self, step: Step) -> Reading | None:
        excused = step.metrics.get(Metric.LOSS_SCALE, 0.0) >= 1 and math.isfinite(step.metrics.get(Metric.TRAIN_LOSS, math.nan))
        watched = (name for name in self.WATCHED if name in step.metrics and not (excused and name == Metric.GRAD_NORM))
        seen = {name: step.metrics[name] for name in watched}
        if not seen:
            return None
        name = next((name for name, value in seen.items() if not math.isfinite(value)), next(iter(seen)))
        bad = not math.isfinite(seen[name])
        return Reading(name, seen[name], math.inf, bad, fine=not bad)

    def tell(self, reading: Reading) -> str:
        return f"{reading.metric} is {reading.value}, which is no finite number"

    def tell_cleared(self, reading: Reading) -> str:
        return f"{reading.metric} is finite again: {number(reading.value)}"


class Spike(Detector):
    """Upwards, against the newest values. What is judged joins them, so that a new level becomes the norm after half a window."""

    metric: ClassVar[str]
    remembered = ("values",)

    def __init__(self, settings: LossSpikeAlert | GradNormAlert, limit: float | None = None) -> None:
        super().__init__(Latch(patience=settings.steps))
        self.settings, self.limit = settings, limit
        self.values: deque[float] = deque(maxlen=settings.window)

    def read(self, step: Step) -> Reading | None:
        value = step.metrics.get(self.metric)
        if value is None or not math.isfinite(value):
            return None
        comparable = step.step > self.settings.warmup and len(self.values) >= FEWEST
        reading = self._compare(value) if comparable else self._against_limit(value)
        self.values.append(value)
        return reading

    def _against_limit(self, value: float) -> Reading | None:
        """What is too large whatever came before is so from the first step on."""
        if self.limit is None:
            return None
        over = value >= self.limit
        return Reading(self.metric, value, self.limit, over, fine=not over)

    def _compare(self, value: float) -> Reading:
        known = robust(self.values)
        z, far = known.z(value), value - known.median >= self.settings.rise * abs(known.median)
        over = self.limit is not None and value >= self.limit
        bad = over or (z >= self.settings.threshold and far)
        least = max(self.settings.threshold * known.deviation, self.settings.rise * abs(known.median))
        threshold = self.limit if over and self.limit is not None else known.median + least
        fine = not over and (z < self.settings.threshold / 2 or not far)
        window = {"z": z, "median": known.median, "deviation": known.deviation, "values": float(len(self.values))}
        return Reading(self.metric, value, threshold, bad, fine, window)

    def tell(self, reading: Reading) -> str:
        if not reading.window:
            return f"{reading.metric} is {number(reading.value)}, at least the limit of {number(reading.threshold)}"
        value, middle, z = (number(each) for each in (reading.value, reading.window["median"], reading.window["z"]))
        newest = f"the median of the {number(reading.window['values'])} steps before is {middle} (robust z {z})"
        return f"{reading.metric} is {value}, at least {number(reading.threshold)}; {newest}"

    def go_back(self) -> None:
        self.values.clear()


class LossSpike(Spike):
    name, metric = "loss_spike", Metric.TRAIN_LOSS
    remedy = "look at the data around this step; if spikes come back, lower the learning rate or the gradient clipping"


class GradNorm(Spike):
    name, metric = "grad_norm", Metric.GRAD_NORM
    remedy = "lower train.optimizer.grad_clip or the learning rate; a single large one that was clipped does little harm"


class Plateau(Detector):
    """The smoothed curve has not beaten its best by the asked share for so many steps."""

    name = "plateau"
    severity: ClassVar[Severity] = "info"
    remedy = "it may have learnt what it can: stop it, lower the learning rate, or use a larger model or more text"
    remembered = ("smoothed", "weight", "best", "best_step")

    def __init__(self, settings: PlateauAlert) -> None:
        super().__init__(Latch(clear_after=1, cooldown=0))
        self.settings = settings
        self.decay = 1 - 1 / max(10.0, settings.steps / 50) if settings.metric == "train/loss" else 0.0
        self.smoothed, self.weight = 0.0, 0.0
        self.best: float | None = None
        self.best_step = 0

    def read(self, step: Step) -> Reading | None:
        value = step.metrics.get(self.settings.metric)
        if value is None or not math.isfinite(value):
            return None
        self.smoothed = self.decay * self.smoothed + (1 - self.decay) * value
        self.weight = self.decay * self.weight + (1 - self.decay)
        now = self.smoothed / self.weight  # without the bias towards 0 of the first steps (Kingma & Ba 2015, section 3)
        self.best_step = min(self.best_step, step.step)  # it may have gone back
        before, best_step = self.best, self.best_step
        goal = math.inf if before is None else before - self.settings.improvement * abs(before)
        better = now <= goal
        if better:
            self.best, self.best_step = now, step.step
        bad = not better and step.step - self.best_step >= self.settings.steps
        window = {"best": now if before is None else before, "best_step": float(best_step), "steps": float(step.step - self.best_step)}
        return Reading(self.settings.metric, now, goal, bad, better, window)

    def tell(self, reading: Reading) -> str:
        now, best, goal = number(reading.value), number(reading.window["best"]), number(reading.threshold)
        since = f"{reading.window['steps']:,.0f} steps"
        return f"{reading.metric}, smoothed, is {now}; its best is {best}, and for {since} it has not come below {goal}"

    def tell_cleared(self, reading: Reading) -> str:
        return f"{reading.metric}, smoothed, has come down to {number(reading.value)}"

    def go_back(self) -> None:
        self.smoothed, self.weight, self.best, self.best_step = 0.0, 0.0, None, 0
