"""Clients of the WebSocket, as a browser is one: each follows every run, comes back with `(epoch, since)`, and keeps what it was told."""

import contextlib
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import httpx
import websocket

from shared.events import pack, unpack
from tests.conftest import GATEWAY_SECRET, headers

CLIENTS: Final = 3
POLL_SECONDS, AWAY_SECONDS = 0.1, 0.2
STEPS_AND_LOGS: Final = frozenset({"StepCompleted", "LogWritten"})


@dataclass(frozen=True)
class Heard:
    """What one client was told about one topic. `about`: the event's type, and of steps their attempt and number. `event`: all of it."""

    kind: Literal["subscribed", "reset", "event", "cut"]
    epoch: str = ""
    seq: int = 0
    producer: str = ""
    producer_seq: int = 0
    about: tuple[str, int, int] = ("", 0, 0)
    event: dict[str, Any] = field(default_factory=dict, repr=False)


@dataclass
class Ear:
    """One client. `log`: by topic, in order. `positions`: of the last event or reset by topic, with which it comes back."""

    name: str
    url: str
    log: dict[str, list[Heard]] = field(default_factory=lambda: defaultdict(list))
    positions: dict[str, tuple[str, int]] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.topics: list[str] = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._listen()
            except (OSError, httpx.HTTPError, websocket.WebSocketException) as error:
                self.told.append(repr(error))
                for topic in self.positions:
                    self.log[topic].append(Heard("cut"))
                self.stopping.wait(AWAY_SECONDS)

    def _listen(self) -> None:
        ticket = httpx.post(f"{self.url}/api/v1/ws-tickets", headers=headers("viewer"), trust_env=False, timeout=5).raise_for_status()
        address = f"{self.url.replace('http', 'ws', 1)}/ws/v1?ticket={ticket.json()['ticket']}"
        gateway = {"X-Groundup-Gateway": GATEWAY_SECRET}
        with contextlib.closing(websocket.create_connection(address, timeout=5, header=gateway, suppress_origin=True)) as ws:
            ws.settimeout(POLL_SECONDS)
            followed = 0
            while not self.stopping.is_set():
                for topic in self.topics[followed:]:
                    self._subscribe(ws, topic)
                    followed += 1
                with contextlib.suppress(websocket.WebSocketTimeoutException):
                    self._hear(ws)

    def _subscribe(self, ws: Any, topic: str) -> None:
        epoch, since = self.positions.get(topic, (None, 0))
        ws.send_binary(pack({"type": "subscribe", "topic": topic, "epoch": epoch, "since": since}))

    def _hear(self, ws: Any) -> None:
        opcode, data = ws.recv_data()
        if opcode != websocket.ABNF.OPCODE_BINARY:
            raise ConnectionError(f"closed with {int.from_bytes(data[:2], 'big')} {data[2:].decode()}")
        frame = unpack(data)
        if frame["type"] == "events":
            for item in frame["items"]:
                self._note(frame["topic"], event_of(item))
        elif frame["type"] in {"subscribed", "reset"}:
            self._note(frame["topic"], Heard(frame["type"], frame["epoch"], frame["seq"]))
        else:
            raise ConnectionError(f"told {frame}")

    def _note(self, topic: str, heard: Heard) -> None:
        self.log[topic].append(heard)
        self.positions[topic] = heard.epoch, heard.seq


def event_of(item: dict[str, Any]) -> Heard:
    event = item["event"]
    about = event["type"], item["attempt"] or 0, event.get("step", 0)
    return Heard("event", item["epoch"], item["seq"], item["producer"], item["producer_seq"], about, event)


class Ears:
    def __init__(self, url: str) -> None:
        self.all = [Ear(f"client {number + 1}", url) for number in range(CLIENTS)]

    def follow(self, topic: str) -> None:
        for ear in self.all:
            ear.topics.append(topic)

    def reached(self, topic: str, epoch: str, seq: int, *, seconds: float) -> bool:
        """Whether every client came to that place in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if all(ear.positions.get(topic) == (epoch, seq) for ear in self.all):
                return True
            time.sleep(0.05)
        return False


@contextlib.contextmanager
def listening(url: str, topics: Sequence[str]) -> Iterator[Ears]:
    ears = Ears(url)
    for topic in topics:
        ears.follow(topic)
    for ear in ears.all:
        ear.thread.start()
    try:
        yield ears
    finally:
        for ear in ears.all:
            ear.stopping.set()
        for ear in ears.all:
            ear.thread.join(10)
