"""What simple-websocket needs between itself and the connection to be safe under gevent.

As shipped it calls `send` once, which truncates what does not fit the socket's buffer, writes from two greenlets at a time, and waits
without end for a client that does not read. All its output goes through `sock.send`, so a socket that behaves is the whole cure.
"""

import contextlib
import socket
import threading
from typing import Any, Final

SEND_SECONDS: Final = 10.0
"""Longest that one frame may take; a client that needs longer is cut off, in the middle of the frame."""
MAX_FRAME_BYTES: Final = 64 << 10
PING_SECONDS: Final = 25
SERVER_OPTIONS: Final = {"ping_interval": PING_SECONDS, "max_message_size": MAX_FRAME_BYTES}
"""For simple-websocket. Without a ping interval it would read without looking first, and the time-out below would hit its reads too."""


class WholeSocket:
    """A connected socket whose `send` sends everything, one caller at a time, within `send_seconds`, or never anything again."""

    def __init__(self, sock: socket.socket, send_seconds: float = SEND_SECONDS) -> None:
        self._sock, self._lock, self._broken = sock, threading.Lock(), False
        sock.settimeout(send_seconds)
        if sock.family in {socket.AF_INET, socket.AF_INET6}:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux: the kernel gives up on a peer that has gone without a word
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(send_seconds * 3000))

    def send(self, data: bytes) -> int:
        """Raises OSError, TimeoutError included; the connection is then shut down, as half a frame may be out."""
        with self._lock:
            if self._broken:
                raise BrokenPipeError("an earlier frame was not sent whole")
            try:
                self._sock.sendall(data)
            except OSError:
                self._broken = True
                self.shut_down(socket.SHUT_RDWR)
                raise
        return len(data)

    def recv(self, size: int) -> bytes:
        return self._sock.recv(size)

    def fileno(self) -> int:
        return self._sock.fileno()

    def shut_down(self, how: int) -> None:
        with contextlib.suppress(OSError):  # the other side was quicker
            self._sock.shutdown(how)

    def close(self) -> None:
        self._sock.close()


def harden(environ: dict[str, Any]) -> None:
    """Prepare a WebSocket request's environment, before simple-websocket takes the connection out of it."""
    environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)  # no permessage-deflate: it costs memory per socket and makes frames depend on order
    if "gunicorn.socket" in environ:
        environ["gunicorn.socket"] = WholeSocket(environ["gunicorn.socket"])
