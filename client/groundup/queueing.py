"""The queue: who waits and why, its pause, and the projects' weights in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from groundup.emergency import EmergencyStop
from groundup.records import read
from groundup.transport import Transport


@dataclass(frozen=True)
class Pause:
    by: str
    reason: str = ""
    since: str = ""


@dataclass(frozen=True)
class Share:
    """The less `busy_slots` by `weight`, the sooner the project's next run."""

    project: str
    weight: float = 1.0
    busy_slots: int = 0
    waiting: int = 0


@dataclass(frozen=True)
class Waiting:
    position: int
    run_id: str
    name: str = ""
    project: str = ""
    priority: int = 50
    processes: int = 1
    device: str = "auto"
    reason: str = ""
    created_at: str | None = None
    not_before: str | None = None


@dataclass(frozen=True)
class QueueState:
    """`waiting`: how many runs. `pause`: None while the queue is not paused. `emergency`: the stop that closes it, if one stands.
    `items`: the first of those that wait.
    """

    waiting: int = 0
    pause: Pause | None = field(default=None, metadata={"of": Pause})
    emergency: EmergencyStop | None = field(default=None, metadata={"of": EmergencyStop})
    shares: list[Share] = field(default_factory=list, metadata={"of": Share})
    items: list[Waiting] = field(default_factory=list, metadata={"of": Waiting})


class Queue:
    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def show(self, *, limit: int = 50) -> QueueState:
        return read(QueueState, self.transport.get("/api/v1/queue", {"limit": limit}))

    def list(self) -> Iterator[Waiting]:
        """Every run that waits, in order."""
        return (read(Waiting, item) for item in self.transport.items("/api/v1/queue"))

    def pause(self, reason: str = "") -> Pause:
        """Nothing is placed until `resume`; what runs goes on."""
        return read(Pause, self.transport.post("/api/v1/queue/pause", {"reason": reason}))

    def resume(self) -> None:
        self.transport.delete("/api/v1/queue/pause")

    def set_share(self, project: str, weight: float) -> Share:
        """weight: above 0; 1 where none is set."""
        return read(Share, self.transport.put(f"/api/v1/projects/{quote(project, safe='')}/share", {"weight": weight}))
