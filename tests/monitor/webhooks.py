"""Receivers of webhooks, real and on loopback: one keeps what it was sent and answers as it is told, the other never comes to an end."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    url: str = ""
    status: int = 200
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextlib.contextmanager
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            kept.headers.append(dict(self.headers))
            kept.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(kept.status)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """It has nothing to say."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_port}/hook?key=1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


TRICKLES = {
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n"),
    "a header without end": (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
    "silence": (b"", b""),
}


@dataclass
class Tarpit:
    """`opened`: connections so far."""

    url: str = ""
    opened: int = 0


@contextlib.contextmanager
def tarpit(kind: str, seconds: float = 60.0) -> Iterator[Tarpit]:
    """Answers a few bytes at a time, `TRICKLES` says which, and hangs up only after so many seconds or where it is hung up on."""
    first, more = TRICKLES[kind]
    pit, ended = Tarpit(), threading.Event()
    server = socket.create_server(("127.0.0.1", 0))
    pit.url = f"http://127.0.0.1:{server.getsockname()[1]}/hook"

    def trickle(connection: socket.socket) -> None:
        deadline = time.monotonic() + seconds
        with connection, contextlib.suppress(OSError):
            for piece in itertools.chain([first], itertools.repeat(more)):
                connection.sendall(piece)
                if ended.wait(0.02) or time.monotonic() > deadline:
                    return

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                pit.opened += 1
                threading.Thread(target=trickle, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield pit
    finally:
        ended.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()
