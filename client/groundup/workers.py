"""Workers and their slots."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from groundup.records import read
from groundup.transport import Transport


@dataclass(frozen=True)
class Slot:
    id: str
    device: str = ""
    name: str = ""
    attempt_id: str | None = None
    run_id: str | None = None


@dataclass(frozen=True)
class Worker:
    name: str
    state: str
    host: str = ""
    slots: list[Slot] = field(default_factory=list, metadata={"of": Slot})
    last_heartbeat: str | None = None
    draining: bool = False
    halted: str = ""


class Workers:
    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    def list(self) -> Iterator[Worker]:
        return (read(Worker, item) for item in self.transport.items("/api/v1/workers"))

    def drain(self, name: str, *, drain: bool = True) -> Worker:
        """Place nothing new on it, or offer it again; what runs there goes on."""
        return read(Worker, self.transport.post(f"/api/v1/workers/{quote(name, safe='')}/drain", {"drain": drain}))
