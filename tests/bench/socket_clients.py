"""Thousands of WebSocket clients in one process, each as the dashboard's is: a ticket, a socket, a subscription, a ping every 5 s; after
a cut it comes back by the dashboard's own backoff with the ticket for that and `(epoch, since)`. Plain epoll, since the load generator
shares the machine.
"""

import contextlib
import heapq
import itertools
import json
import multiprocessing
import os
import random
import select
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, Final

from shared.events import pack, unpack
from tests.bench.socket_bytes import masked, split, ticket_request, upgrade_request

PING_SECONDS: Final = 5.0
OPEN_WITHIN_SECONDS: Final = 10.0
_READ: Final = 1 << 18


@dataclass(frozen=True)
class Plan:
    """`topics`: of each client. The first `silent` of them read nothing once they are subscribed.

    ticket: what all of them bring at first, where nothing is asked for one.
    """

    port: int
    topics: list[list[str]]
    silent: int
    ticket: str = ""
    seed: int = 1


@dataclass
class Report:
    """latencies: seconds from an event's `at` to its receipt. cpu: seconds of this process. closings: by code; 0 for a cut."""

    latencies: list[float] = field(default_factory=list)
    frames: int = 0
    holes: int = 0
    resets: int = 0
    doubled: int = 0
    tries: int = 0
    cpu: float = 0.0
    closings: dict[int, int] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Client:
    topics: list[str]
    silent: bool
    sock: socket.socket | None = None
    state: str = "away"
    ticket: str = ""
    buffer: bytes = b""
    places: dict[str, tuple[str, int]] = field(default_factory=dict)
    subscribed: int = 0
    attempt: int = 0
    tried: int = 0

    @property
    def live(self) -> bool:
        return self.subscribed == len(self.topics)


def run(pipe: Connection, plan: Plan) -> None:
    """A process of its own: obeys "start" and "stop", answers "live" (how many), "gone" (of the silent ones), "report" (since the last)."""
    crowd = Crowd(plan)
    pipe.send("ready")
    while True:
        crowd.turn(0.02)
        while pipe.poll():
            match pipe.recv():
                case "start":
                    crowd.start()
                case "live":
                    pipe.send(sum(client.live for client in crowd.clients))
                case "gone":
                    pipe.send(sum(client.sock is None for client in crowd.clients[: plan.silent]))
                case "report":
                    pipe.send(crowd.report_anew())
                case _:
                    return


class Crowd:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.random = random.Random(plan.seed)
        self.clients = [Client(topics, place < plan.silent, ticket=plan.ticket) for place, topics in enumerate(plan.topics)]
        self.epoll = select.epoll()
        self.by_fd: dict[int, Client] = {}
        self.agenda: list[tuple[float, int, str, Client, int]] = []
        self.tie = itertools.count()
        self.report = Report()
        self.cpu_before = time.process_time()

    def start(self) -> None:
        now = time.monotonic()
        for client in self.clients:
            self._plan(now, "connect", client)

    def report_anew(self) -> Report:
        report, self.report = self.report, Report()
        now = time.process_time()
        report.cpu, self.cpu_before = now - self.cpu_before, now
        return report

    def turn(self, seconds: float) -> None:
        now = time.monotonic()
        while self.agenda and self.agenda[0][0] <= now:
            _, _, what, client, tried = heapq.heappop(self.agenda)
            if tried == client.tried:
                self._due(what, client, now)
        for fd, _ in self.epoll.poll(seconds, 512):
            if ready := self.by_fd.get(fd):
                try:
                    self._ready(ready)
                except OSError:
                    self._lost(ready, 0)

    def _plan(self, when: float, what: str, client: Client) -> None:
        heapq.heappush(self.agenda, (when, next(self.tie), what, client, client.tried))

    def _due(self, what: str, client: Client, now: float) -> None:
        if what == "connect":
            client.tried += 1
            self.report.tries += 1
            self._plan(now + OPEN_WITHIN_SECONDS, "impatient", client)
            self._open(client, "opening" if client.ticket else "asking")
        elif what == "impatient" and not client.live:
            self._lost(client, 0)
        elif what == "ping" and client.sock:
            client.sock.send(masked(pack({"type": "ping", "id": 1})))
            self._plan(now + PING_SECONDS, "ping", client)

    def _open(self, client: Client, state: str) -> None:
        """One connection for the ticket, as it goes through a gateway that keeps none, and one that becomes the socket."""
        self._drop(client)
        sock = socket.socket()
        if client.silent:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", self.plan.port))
        client.sock, client.state, client.buffer, client.subscribed = sock, state, b"", 0
        self.by_fd[sock.fileno()] = client
        self.epoll.register(sock.fileno(), select.EPOLLOUT)

    def _ready(self, client: Client) -> None:
        sock = client.sock
        assert sock is not None
        if client.state in {"asking", "opening"}:
            sock.send(ticket_request() if client.state == "asking" else upgrade_request(client.ticket))
            client.ticket = ""
            client.state = {"asking": "asked", "opening": "opened"}[client.state]
            self.epoll.modify(sock.fileno(), select.EPOLLIN)
            return
        data = sock.recv(_READ)
        if client.state == "asked" and not data:
            self._open_with(client)
        elif not data:
            self._lost(client, 0)
        else:
            client.buffer += data
            if client.state == "opened":
                self._upgraded(client)
            if client.state == "subscribed":
                self._read(client, time.time())

    def _open_with(self, client: Client) -> None:
        head, _, body = client.buffer.partition(b"\r\n\r\n")
        if b" 200 " not in head[:20]:
            self._lost(client, 0)
            return
        client.ticket = json.loads(body)["ticket"]
        self._open(client, "opening")

    def _upgraded(self, client: Client) -> None:
        head, behind, rest = client.buffer.partition(b"\r\n\r\n")
        if not behind:
            return
        if b" 101 " not in head[:20] or client.sock is None:
            self._lost(client, 0)
            return
        client.state, client.buffer = "subscribed", rest
        client.sock.send(masked(pack({"type": "ticket"})))
        for topic in client.topics:
            epoch, since = client.places.get(topic, (None, 0))
            client.sock.send(masked(pack({"type": "subscribe", "topic": topic, "epoch": epoch, "since": since})))
        self._plan(time.monotonic() + self.random.random() * PING_SECONDS, "ping", client)

    def _read(self, client: Client, now: float) -> None:
        frames, client.buffer = split(client.buffer)
        for opcode, payload in frames:
            if opcode == 8:
                self._lost(client, int.from_bytes(payload[:2], "big"))
                return
            if opcode == 9 and client.sock:
                client.sock.send(masked(payload, 0x8A))
            elif opcode == 2:
                self._take(client, unpack(payload), now)

    def _take(self, client: Client, frame: dict[str, Any], now: float) -> None:
        self.report.frames += 1
        if frame["type"] == "events":
            self._count(client, frame, now)
        elif frame["type"] in {"subscribed", "reset"}:
            self._stand(client, frame)
        elif frame["type"] == "ticket":
            client.ticket = frame["ticket"]

    def _stand(self, client: Client, frame: dict[str, Any]) -> None:
        place = (frame["epoch"], frame["seq"])
        if frame["type"] == "reset":
            self.report.resets += 1
        else:
            client.subscribed += 1
            self.report.holes += client.places.get(frame["topic"], place) != place
        client.places[frame["topic"]] = place
        if client.live:
            client.attempt = 0
            if client.silent and client.sock:
                self.epoll.modify(client.sock.fileno(), select.EPOLLHUP | select.EPOLLERR)

    def _count(self, client: Client, frame: dict[str, Any], now: float) -> None:
        epoch, seq = client.places[frame["topic"]]
        for item in frame["items"]:
            if item["seq"] != seq + 1:
                self.report.holes += item["seq"] > seq
                self.report.doubled += item["seq"] <= seq
            seq = item["seq"]
            if not client.silent:
                self.report.latencies.append(now - item["at"])
        client.places[frame["topic"]] = (epoch, seq)

    def _lost(self, client: Client, code: int) -> None:
        self.report.closings[code] = self.report.closings.get(code, 0) + 1
        self._drop(client)
        client.tried += 1
        was_live, client.subscribed, client.attempt = client.live, 0, client.attempt + 1
        if client.silent and was_live:
            return
        most = min(5.0, 0.5 * 2 ** (client.attempt - 1))
        self._plan(time.monotonic() + 0.1 + self.random.random() * most, "connect", client)

    def _drop(self, client: Client) -> None:
        if client.sock:
            del self.by_fd[client.sock.fileno()]
            client.sock.close()
            client.sock = None


@contextlib.contextmanager
def crowd(plan: Plan) -> Iterator[Connection]:
    """The process, and the pipe to it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=run, args=(theirs, plan), daemon=True)
    process.start()
    try:
        assert ours.recv() == "ready"
        yield ours
    finally:
        with contextlib.suppress(OSError):
            ours.send("stop")
        process.join(20)
        if process.is_alive():
            os.kill(process.pid or 0, 9)
