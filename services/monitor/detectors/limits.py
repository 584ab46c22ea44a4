"""Detectors of what runs out: room on a disk, and what a run may use."""

import math
from typing import ClassVar, Final

from services.monitor.detectors.detector import Detector, Latch, Reading, Step, number
from shared.alerts import BudgetAlert, DiskAlert, Severity
from shared.names import Metric

HOST_DISK_FREE: Final = "system/disk.free_bytes"
"""As a worker's host tells it (docs/system-metrics.md)."""


class Disk(Detector):
    name = "disk"
    remedy = "make room on the worker's disk: delete checkpoints, or lower train.checkpoint.keep_last"

    def __init__(self, settings: DiskAlert, metric: str = Metric.DISK_FREE_BYTES) -> None:
        super().__init__(Latch(clear_after=1, cooldown=0))
        self.settings, self.metric = settings, metric

    def read(self, step: Step) -> Reading | None:
        value = step.metrics.get(self.metric)
        if value is None or not math.isfinite(value):
            return None
        limit = float(self.settings.free_bytes)
        return Reading(self.metric, value, limit, value < limit, value >= 1.1 * limit)

    def tell(self, reading: Reading) -> str:
        return f"{reading.value / 1e9:.1f} GB of the disk are free, less than {reading.threshold / 1e9:.1f} GB"

    def tell_cleared(self, reading: Reading) -> str:
        return f"{reading.value / 1e9:.1f} GB of the disk are free again"


class Budget(Detector):
    """One limit of the three. What was used does not shrink, so it never clears."""

    name = "budget"
    severity: ClassVar[Severity] = "critical"
    remedy = "stop the run, or submit it with a larger limit in alerts.budget"
    UNITS: ClassVar = {"tokens": "tokens", "hours": "hours", "cost_usd": "USD"}
    remembered = ("seconds", "slot_seconds", "last_at")

    def __init__(self, settings: BudgetAlert, kind: str, limit: float) -> None:
        super().__init__(Latch(), key=f"budget.{kind}")
        self.kind, self.limit, self.price = kind, limit, settings.usd_per_slot_hour or 0.0
        self.seconds = self.slot_seconds = 0.0
        self.last_at: float | None = None
        self.slots = 1

    def read(self, step: Step) -> Reading | None:
        passed = max(0.0, step.at - self.last_at) if self.last_at is not None else 0.0
        self.last_at = step.at
        self.seconds += passed
        self.slot_seconds += passed * self.slots
        used = {"tokens": float(step.tokens), "hours": self.seconds / 3600, "cost_usd": self.slot_seconds / 3600 * self.price}[self.kind]
        return Reading(f"budget/{self.kind}", used, self.limit, used >= self.limit, fine=False)

    def tell(self, reading: Reading) -> str:
        return f"{number(reading.value)} {self.UNITS[self.kind]} are used; the limit is {number(self.limit)}"

    def begin_attempt(self) -> None:
        self.last_at = None
