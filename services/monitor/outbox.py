"""What waits to be sent to one socket."""

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from services.monitor.hub import Subscription

MAX_FRAMES: Final = 1000
MAX_BYTES: Final = 4 << 20
TOO_SLOW: Final = 4408
GOING_AWAY: Final = 1001


@dataclass(frozen=True)
class Closing:
    """How a socket is to be closed."""

    code: int
    reason: str


class Outbox:
    """A bounded queue of frames that never makes the sender wait: a socket whose client falls behind is closed with TOO_SLOW.

    The client connects again with its `(epoch, since)` and is served from the stream at its own pace. `joins`: subscriptions that have yet
    to catch up, in order and each once; what they read is sent directly, so it does not count.
    """

    def __init__(self, max_frames: int = MAX_FRAMES, max_bytes: int = MAX_BYTES) -> None:
        self.max_frames, self.max_bytes = max_frames, max_bytes
        self.frames: deque[bytes] = deque()
        self.joins: dict[Subscription, None] = {}
        self.size = 0
        self.closing: Closing | None = None
        self.wake = threading.Event()

    def offer(self, frame: bytes) -> None:
        if self.closing:
            return
        if self.frames and (len(self.frames) >= self.max_frames or self.size + len(frame) > self.max_bytes):
            self.close(TOO_SLOW, "the client reads too slowly")
            return
        self.frames.append(frame)
        self.size += len(frame)
        self.wake.set()

    def take(self) -> bytes | None:
        if not self.frames:
            return None
        frame = self.frames.popleft()
        self.size -= len(frame)
        return frame

    def join(self, subscription: "Subscription") -> None:
        self.joins[subscription] = None
        self.wake.set()

    def leave(self, subscription: "Subscription") -> None:
        self.joins.pop(subscription, None)

    def next_join(self) -> "Subscription | None":
        if not self.joins:
            return None
        subscription = next(iter(self.joins))
        del self.joins[subscription]
        return subscription

    def close(self, code: int, reason: str) -> None:
        """Forget what waits and have the socket closed. The first reason stays."""
        self.closing = self.closing or Closing(code, reason)
        self.frames.clear()
        self.joins.clear()
        self.size = 0
        self.wake.set()
