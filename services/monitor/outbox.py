"""What waits to be sent to one socket."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.monitor import wire

if TYPE_CHECKING:
    from services.monitor.feeds import Subscription

MAX_FRAMES: Final = 1000
MAX_BYTES: Final = 4 << 20
TOO_SLOW: Final = 4408
GOING_AWAY: Final = 1001


@dataclass(frozen=True, slots=True)
class Closing:
    """How a socket is to be closed."""

    code: int
    reason: str


def _nobody() -> None:
    return None


class Outbox:
    """A bounded queue of frames that never makes the sender wait: a socket whose client falls behind is closed with TOO_SLOW.

    The client connects again with its `(epoch, since)` and is served from the stream at its own pace. `joins`: subscriptions that have yet
    to catch up, in order and each once; they read only while nothing waits here, so what they read does not count.

    send: hands the socket as many bytes of a frame as it takes now, and tells how many. wake: told whenever something is left to do.
    """

    __slots__ = ("_begun", "_send", "_wake", "closing", "frames", "joins", "max_bytes", "max_frames", "size")

    def __init__(
        self,
        send: Callable[[bytes], int],
        wake: Callable[[], None] = _nobody,
        *,
        max_frames: int = MAX_FRAMES,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self._send, self._wake = send, wake
        self.max_frames, self.max_bytes = max_frames, max_bytes
        self.frames: deque[bytes] = deque()
        self.joins: dict[Subscription, None] = {}
        self.size = 0
        self.closing: Closing | None = None
        self._begun = False

    def offer(self, frame: bytes) -> None:
        if self.closing:
            return
        if self.frames and (len(self.frames) >= self.max_frames or self.size + len(frame) > self.max_bytes):
            self.close(TOO_SLOW, "the client reads too slowly")
            return
        self.put(frame)

    def put(self, frame: bytes) -> None:
        """Without a limit: for what is read only when there is room."""
        if self.closing:
            return
        self._add(frame)

    def _add(self, frame: bytes) -> None:
        if self.frames:
            self.frames.append(frame)
            self.size += len(frame)
            return
        taken = self._send(frame)
        if taken < len(frame):
            self._begun = taken > 0
            self.frames.append(frame[taken:])
            self.size = len(frame) - taken
            self._wake()

    def drain(self) -> bool:
        """Send what the socket takes now. True where it took something."""
        before = self.size
        while self.frames:
            frame = self.frames[0]
            taken = self._send(frame)
            self.size -= taken
            if taken < len(frame):
                self._begun = self._begun or taken > 0
                self.frames[0] = frame[taken:]
                break
            self.frames.popleft()
            self._begun = False
        return self.size < before

    def join(self, subscription: "Subscription") -> None:
        if self.closing:
            return
        self.joins[subscription] = None
        self._wake()

    def leave(self, subscription: "Subscription") -> None:
        self.joins.pop(subscription, None)

    def next_join(self) -> "Subscription | None":
        if not self.joins:
            return None
        subscription = next(iter(self.joins))
        del self.joins[subscription]
        return subscription

    def close(self, code: int, reason: str) -> None:
        """Forget what waits, but for the rest of a frame that has begun, and say goodbye. The first reason stays."""
        if self.closing:
            return
        self.closing = Closing(code, reason)
        self.joins.clear()
        begun = self.frames[0] if self._begun and self.frames else None
        self.frames.clear()
        self.size = 0
        if begun is not None:
            self.frames.append(begun)
            self.size = len(begun)
        self._add(wire.closing(code, reason))
        self._wake()
