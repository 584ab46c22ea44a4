"""Detectors of what slows a run down."""

import math
from collections import deque
from statistics import median
from typing import ClassVar, Final

from services.monitor.detectors.curves import FEWEST
from services.monitor.detectors.detector import Detector, Finding, Latch, Reading, Step, number
from shared.alerts import DataWaitAlert, Severity, StallAlert, StragglerAlert, ThroughputDropAlert
from shared.names import Metric

FIRST_STEPS: Final = 10
"""Of an attempt: caches are cold and kernels are compiled."""
STEP_GAP: Final = "step gap, seconds"


class ThroughputDrop(Detector):
    """Against the run's own median. What is slow does not join the values compared with, so a run that stays slow stays told of."""

    name = "throughput_drop"
    remedy = "look at the System tab: another process on the machine, a hot GPU that lowers its clock, a slow disk"
    remembered = ("values", "seen")

    def __init__(self, settings: ThroughputDropAlert) -> None:
        super().__init__(Latch(patience=settings.steps))
        self.settings = settings
        self.values: deque[float] = deque(maxlen=settings.window)
        self.seen = 0

    def read(self, step: Step) -> Reading | None:
        value = step.metrics.get(Metric.TOKENS_PER_SECOND)
        if value is None or not math.isfinite(value):
            return None
        self.seen += 1
        if self.seen <= FIRST_STEPS:
            return None
        usual = median(self.values) if len(self.values) >= FEWEST else 0.0
        threshold = usual * self.settings.fraction
        bad = value < threshold
        if not bad:
            self.values.append(value)
        if not usual:
            return None
        fine = value > (threshold + usual) / 2
        return Reading(Metric.TOKENS_PER_SECOND, value, threshold, bad, fine, {"median": usual, "values": float(len(self.values))})

    def tell(self, reading: Reading) -> str:
        now, usual, steps = number(reading.value), number(reading.window["median"]), self.settings.steps
        return f"{now} tokens/s; this run's median is {usual}, and for {steps} steps it is below {number(reading.threshold)}"

    def tell_cleared(self, reading: Reading) -> str:
        return f"{number(reading.value)} tokens/s again"

    def begin_attempt(self) -> None:
        self.values.clear()
        self.seen = 0


class Straggler(Detector):
    """The ratio is told with every 20th step only (services/trainer/stragglers.py), so steps are counted by their numbers."""

    name = "straggler"
    remedy = "look at that rank's GPU or core: heat, another process, a slower card; give the run equal slots"
    remembered = ("bad_since", "fine_since")
    FINE_STEPS: ClassVar = 20

    def __init__(self, settings: StragglerAlert) -> None:
        super().__init__(Latch(clear_after=1, cooldown=0))
        self.settings = settings
        self.bad_since: int | None = None
        self.fine_since: int | None = None

    def read(self, step: Step) -> Reading | None:
        value, threshold = step.metrics.get(Metric.STRAGGLER_RATIO), self.settings.ratio
        if value is None or not math.isfinite(value):
            return None
        self.bad_since = _since(self.bad_since, step.step) if value >= threshold else None
        self.fine_since = _since(self.fine_since, step.step) if value < (1 + threshold) / 2 else None
        bad = self.bad_since is not None and step.step - self.bad_since + 1 >= self.settings.steps
        fine = self.fine_since is not None and step.step - self.fine_since + 1 >= self.FINE_STEPS
        return Reading(Metric.STRAGGLER_RATIO, value, threshold, bad, fine)

    def tell(self, reading: Reading) -> str:
        ratio = f"for {self.settings.steps} steps at least {number(reading.threshold)}"
        return f"the slowest rank takes {number(reading.value)} times as long as the median rank, {ratio}: all others wait for it"

    def begin_attempt(self) -> None:
        self.bad_since = self.fine_since = None

    def go_back(self) -> None:
        self.begin_attempt()


def _since(before: int | None, step: int) -> int:
    return step if before is None else before


class DataWait(Detector):
    """The share of the step's time over the newest steps, not of one step: a single wait is no news."""

    name = "data_wait"
    remedy = "the disk or the tokens' reading is too slow for this model: use a faster disk, or more text in memory"
    remembered = ("waits", "times")

    def __init__(self, settings: DataWaitAlert) -> None:
        super().__init__(Latch())
        self.settings = settings
        self.waits: deque[float] = deque(maxlen=settings.steps)
        self.times: deque[float] = deque(maxlen=settings.steps)

    def read(self, step: Step) -> Reading | None:
        wait, time = step.metrics.get(Metric.DATA_WAIT_MS), step.metrics.get(Metric.STEP_MS)
        if wait is None or time is None or not math.isfinite(wait) or not math.isfinite(time):
            return None
        self.waits.append(wait)
        self.times.append(time)
        total = sum(self.times)
        if len(self.times) < self.settings.steps or total <= 0:
            return None
        share, limit = sum(self.waits) / total, self.settings.share
        window = {"wait_ms": sum(self.waits) / len(self.waits), "step_ms": total / len(self.times)}
        return Reading(Metric.DATA_WAIT_MS, share, limit, share >= limit, share < 0.8 * limit, window)

    def tell(self, reading: Reading) -> str:
        of = f"{number(reading.window['wait_ms'])} of {number(reading.window['step_ms'])} ms a step"
        return f"{reading.value:.0%} of the last {self.settings.steps} steps' time was spent waiting for data ({of})"

    def tell_cleared(self, reading: Reading) -> str:
        return f"{reading.value:.0%} of the time is spent waiting for data"

    def begin_attempt(self) -> None:
        self.waits.clear()
        self.times.clear()


class Stall(Detector):
    """No step for far longer than this run's steps take. Gaps are by the trainer's clock and silence by ours, so that neither needs to
    agree with the other. The longest gap that was survived, which was an evaluation or a checkpoint, raises the limit.
    """

    name = "stall"
    severity: ClassVar[Severity] = "critical"
    remedy = "look at the logs of all ranks and at the worker; what hangs for good the agent ends, and the run goes on from its checkpoint"
    remembered = ("gaps", "longest", "last_at", "last_step")
    LONGEST: ClassVar = 3.0

    def __init__(self, settings: StallAlert) -> None:
        super().__init__(Latch(clear_after=1, cooldown=0))
        self.settings = settings
        self.gaps: deque[float] = deque(maxlen=64)
        self.longest, self.last_step = 0.0, 0
        self.last_at: float | None = None
        self.heard: float | None = None

    def read(self, step: Step) -> Reading | None:
        """A step is the end of any silence."""
        if Metric.TRAIN_LOSS not in step.metrics:
            return None
        if self.last_at is not None and step.at > self.last_at:
            self.gaps.append(step.at - self.last_at)
            self.longest = max(self.longest, self.gaps[-1])
        self.last_at, self.last_step = step.at, step.step
        return Reading(STEP_GAP, 0.0, 0.0, bad=False, fine=True)

    def look(self, now: float) -> Finding | None:
        """`now`, `heard`: seconds by any clock of ours; `heard` is when the last step was."""
        if self.heard is None or len(self.gaps) < FEWEST or self.latch.firing:
            return None
        usual, silence = median(self.gaps), now - self.heard
        limit = max(self.settings.factor * usual, self.LONGEST * self.longest, self.settings.seconds)
        if silence < limit:
            return None
        window = {"median_seconds": usual, "longest_seconds": self.longest}
        return self.judge(Reading(STEP_GAP, silence, limit, bad=True, fine=False, window=window), self.last_step)

    def tell(self, reading: Reading) -> str:
        usual = number(reading.window["median_seconds"])
        return f"no step for {number(reading.value)} s; one takes {usual} s, and more than {number(reading.threshold)} s is unusual"

    def tell_cleared(self, reading: Reading) -> str:  # noqa: ARG002  (the others read it)
        return "steps come again"

    def begin_attempt(self) -> None:
        self.gaps.clear()
        self.longest, self.last_at, self.heard = 0.0, None, None
