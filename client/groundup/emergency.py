"""The emergency stop of the whole cluster."""

from dataclasses import dataclass

from groundup.records import read
from groundup.transport import Transport


@dataclass(frozen=True)
class EmergencyStop:
    """`attempts`: how many had their slots when it came; `remaining`: of those, what is not yet known to be gone."""

    active: bool = False
    by: str | None = None
    reason: str | None = None
    since: str | None = None
    attempts: int = 0
    remaining: int = 0


class Emergency:
    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def show(self) -> EmergencyStop:
        return read(EmergencyStop, self.transport.get("/api/v1/emergency-stop"))

    def stop(self, reason: str) -> EmergencyStop:
        """Kill every attempt, everywhere, and close the queue. Their runs are paused."""
        return read(EmergencyStop, self.transport.post("/api/v1/emergency-stop", {"reason": reason}))

    def reopen(self) -> None:
        """Queued runs are placed again; paused ones wait to be resumed."""
        self.transport.delete("/api/v1/emergency-stop")
