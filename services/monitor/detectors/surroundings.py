"""What is watched for on topics that are no run's: the room for checkpoints (`cluster`), and a worker's disk (`worker.<name>`)."""

from collections.abc import Mapping
from typing import Any, Final

from services.monitor.detectors.detector import Finding, Reading, Step
from services.monitor.detectors.limits import HOST_DISK_FREE, Disk
from shared.alerts import DiskAlert, Severity
from shared.cluster_events import StorageLevelChanged
from shared.events import Record

LEVELS: Final[Mapping[str, Severity]] = {"warning": "warning", "full": "critical"}
_REMEDY: Final = "delete checkpoints, or let fewer be kept (train.checkpoint.keep_last)"


class Surroundings:
    name = ""

    def __init__(self) -> None:
        self.level = "ok"
        self.disk = Disk(DiskAlert(), HOST_DISK_FREE)

    def take(self, record: Record, now: float) -> list[Finding]:  # noqa: ARG002  (as Watch has it)
        event = record.event
        if isinstance(event, StorageLevelChanged):
            return self._level(event)
        metrics = getattr(event, "metrics", None)
        if not isinstance(metrics, Mapping):
            return []
        found = self.disk.see(Step(0, 0, record.at, metrics))
        return [found] if found else []

    def _level(self, event: StorageLevelChanged) -> list[Finding]:
        before, self.level = self.level, event.level
        if before == event.level:
            return []
        found = []
        if before in LEVELS:
            found.append(_finding("cleared", before, f"the room for checkpoints is {event.level}"))
        if event.level in LEVELS:
            found.append(_finding("fired", event.level, f"the room for checkpoints is {event.level}: {event.message}"))
        return found

    def look(self, now: float) -> list[Finding]:  # noqa: ARG002
        return []

    def hear(self, now: float) -> None:
        pass

    def action_of(self, detector: str) -> str:  # noqa: ARG002
        return "notify"

    def memory(self) -> dict[str, Any]:
        return {"level": self.level, "disk": self.disk.memory()}

    @classmethod
    def recalled(cls, memory: Mapping[str, Any]) -> "Surroundings":
        own = cls()
        own.level = memory["level"]
        own.disk.recall(memory["disk"])
        return own


def _finding(kind: Any, level: str, message: str) -> Finding:
    rank = {"ok": 0.0, "warning": 1.0, "full": 2.0}
    reading = Reading("storage level", rank[level], 1.0, bad=kind == "fired", fine=kind == "cleared")
    return Finding(kind, "disk", f"disk.{level}", LEVELS[level], 0, reading, message, _REMEDY)
