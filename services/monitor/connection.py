"""One open socket. It has no thread: the event loop calls when its client has sent something, and when there is room to send on."""

import errno
import logging
import socket
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from services.monitor import frames, wire
from services.monitor.feeds import Subscription
from services.monitor.frames import AskTicket, Pace, Ping, Subscribe, Unsubscribe
from services.monitor.hub import Hub
from services.monitor.outbox import TOO_SLOW, Outbox
from services.monitor.tickets import Admission, Tickets

log = logging.getLogger(__name__)

MAX_TOPICS: Final = 100
TICKET_EXPIRED: Final = 4401
TOO_MANY_FRAMES: Final = 4429
BURST_FRAMES: Final = 500
FRAMES_A_SECOND: Final = 20.0
"""A client may send BURST_FRAMES at once, and on average FRAMES_A_SECOND."""
SILENCE_SECONDS: Final = 25.0
"""A client from which nothing has come for so long is asked for a pong; after twice as long it counts as gone."""
STALL_SECONDS: Final = 10.0
"""Longest that a client may take nothing of what waits for it."""
GOODBYE_SECONDS: Final = 2.0
UNSENT_BYTES: Final = 128 << 10
"""So much does the kernel take for a client that does not read; what is on its way to one that does is not limited by it."""
_READ_BYTES: Final = 4096


class Watcher(Protocol):
    """Of gevent's loop: calls when a file can be read, or written."""

    def start(self, callback: Callable[[], None]) -> None: ...
    def stop(self) -> None: ...
    def close(self) -> None: ...


class Owner(Protocol):
    """Who keeps the connections (services/monitor/sockets.py)."""

    hub: Hub
    tickets: Tickets
    sent: int

    def plan(self, connection: "Connection") -> None:
        """Its subscriptions have to catch up."""

    def forget(self, connection: "Connection") -> None: ...


class Connection:
    """`sock` does not block."""

    __slots__ = (
        "_allowance", "_readable", "_reader", "_writable", "_writing", "admission", "ended", "every", "farewell", "heard",
        "outbox", "owner", "paced_at", "planned", "probed", "progress", "sock", "subscriptions",
    )  # fmt: skip

    def __init__(self, sock: Any, loop: Any, owner: Owner, admission: Admission) -> None:
        now = time.monotonic()
        self.sock, self.owner, self.admission = sock, owner, admission
        self.outbox = Outbox(self._send, self._wake)
        self.subscriptions: dict[str, Subscription] = {}
        self.planned = self.ended = self.probed = self._writing = False
        self.heard = self.progress = now
        self.farewell: float | None = None
        self.every = 0.0
        self.paced_at = now
        self._allowance = float(BURST_FRAMES)
        self._reader = wire.MessageReader()
        self._readable: Watcher = loop.io(sock.fileno(), 1)
        self._writable: Watcher = loop.io(sock.fileno(), 2)
        self._readable.start(self._read)

    # --- out ---

    def _send(self, frame: bytes) -> int:
        self.owner.sent += 1
        try:
            return int(self.sock.send(frame))
        except BlockingIOError:
            return 0
        except OSError as error:  # the loop tells of it, too, and `_read` ends the connection
            log.debug("socket lost: %s", error)
            return len(frame)

    def _wake(self) -> None:
        if self.ended:
            return
        if self.outbox.frames:
            if not self._writing:
                self._writing, self.progress = True, time.monotonic()
                self._writable.start(self._write)
        elif self.outbox.closing:
            self._leave_the_rest_to_the_client()
        elif self.outbox.joins:
            self.owner.plan(self)

    def _write(self) -> None:
        if self.outbox.drain():
            self.progress = time.monotonic()
        if not self.outbox.frames:
            self._writing = False
            self._writable.stop()
            self._wake()

    def _leave_the_rest_to_the_client(self) -> None:
        """Our goodbye is out; it may answer for a moment."""
        if self.farewell is None:
            self.farewell = time.monotonic()
            try:
                self.sock.shutdown(socket.SHUT_WR)
            except OSError as error:
                if error.errno != errno.ENOTCONN:
                    log.debug("socket lost: %s", error)

    # --- in ---

    def _read(self) -> None:
        try:
            data = self.sock.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            log.debug("socket lost: %s", error)
            data = b""
        if not data:
            self.end()
        elif self.outbox.closing is None:
            self._take(data)

    def _take(self, data: bytes) -> None:
        now = time.monotonic()
        self._allowance = min(BURST_FRAMES, self._allowance + (now - self.heard) * FRAMES_A_SECOND)
        self.heard, self.probed = now, False
        try:
            for opcode, payload in self._reader.feed(data):
                self._count_frames()
                if not self.outbox.closing:
                    self._handle(opcode, payload)
                if self.outbox.closing:
                    return
            self._count_frames()  # also those that make no message yet
        except wire.Broken as broken:
            self.outbox.close(broken.code, str(broken))

    def _count_frames(self) -> None:
        self._allowance -= self._reader.frames
        self._reader.frames = 0
        if self._allowance < 0:
            self.outbox.close(TOO_MANY_FRAMES, f"at most {FRAMES_A_SECOND:g} frames a second")

    def _handle(self, opcode: int, payload: bytes) -> None:
        if opcode == wire.PING:
            self.outbox.offer(wire.framed(payload, wire.PONG))
        elif opcode == wire.CLOSE:
            self.outbox.close(_answer_to(wire.closing_code(payload)), "")
        elif opcode != wire.PONG:
            self._obey(payload if opcode == wire.BINARY else payload.decode(errors="replace"))

    def _obey(self, message: bytes | str) -> None:
        try:
            frame = frames.read_frame(message)
        except ValueError as error:
            self.outbox.offer(frames.error("bad-frame", str(error)))
            return
        match frame:
            case Subscribe():
                self._subscribe(frame)
            case Unsubscribe():
                self._unsubscribe(frame.topic)
            case Ping():
                self.outbox.offer(frames.pong(frame.id, self._positions()))
            case Pace():
                self._pace(frame.every)
            case AskTicket():
                self.outbox.offer(frames.ticket(self.owner.tickets.issue_return(self.admission)))

    def _subscribe(self, frame: Subscribe) -> None:
        self._unsubscribe(frame.topic)
        if len(self.subscriptions) >= MAX_TOPICS:
            detail = f"at most {MAX_TOPICS} topics per socket; unsubscribe from one"
            self.outbox.offer(frames.error("too-many-topics", detail, frame.topic))
            return
        since = 0 if frame.epoch is None else frame.since
        subscription = Subscription(frame.topic, self.outbox, frame.epoch, since, paced=self.every > 0)
        self.subscriptions[frame.topic] = subscription
        self.owner.hub.enter(subscription)

    def _unsubscribe(self, topic: str) -> None:
        if subscription := self.subscriptions.pop(topic, None):
            self.owner.hub.leave(subscription)

    def _positions(self) -> dict[str, tuple[str, int]]:
        """What the client must have when it reads this; else it has lost something and asks again."""
        return {one.topic: (one.epoch, one.seq) for one in self.subscriptions.values() if one.announced and one.epoch is not None}

    def _pace(self, every: float) -> None:
        changed = (every > 0) != (self.every > 0)
        self.every = every
        for subscription in list(self.subscriptions.values()) if changed else ():
            self.owner.hub.pace(subscription, every > 0)

    # --- time ---

    def look(self, now: float) -> None:
        """Once a second: what only time tells."""
        # By the clock, not since when: who paces alike comes at the same moment, and one read serves all.
        if self.every > 0 and now // self.every > self.paced_at // self.every:
            self.paced_at = now
            for subscription in self.subscriptions.values():
                subscription.resting = False
                self.outbox.join(subscription)
        if self.farewell is not None:
            if now - self.farewell > GOODBYE_SECONDS:
                self.end()
        elif self._writing and now - self.progress > STALL_SECONDS:
            self.outbox.close(TOO_SLOW, "the client reads nothing")
            self.end()
        elif now - self.heard > 2 * SILENCE_SECONDS:
            self.end()
        elif now - self.heard > SILENCE_SECONDS and not self.probed:
            self.probed = True
            self.outbox.offer(wire.framed(b"", wire.PING))
        elif self.owner.tickets.clock() > self.admission.until:
            self.outbox.close(TICKET_EXPIRED, "get a new ticket and connect again")

    def end(self) -> None:
        if self.ended:
            return
        self.ended = True
        for watcher in (self._readable, self._writable):
            watcher.stop()
            watcher.close()
        for topic in list(self.subscriptions):
            self._unsubscribe(topic)
        self.sock.close()
        self.owner.forget(self)


def _answer_to(code: int) -> int:
    """A close frame is answered with its own code, where it has one that may be sent."""
    return code if 1000 <= code < 5000 and code not in {1004, wire.NO_STATUS, 1006, 1015} else 1000
