"""The agent's own HTTP port, on loopback: health, metrics, and `POST /hints`, which asks for a heartbeat now."""

import hmac
import json
import logging
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

log = logging.getLogger(__name__)
Answer = tuple[int, str, bytes]
JSON: Final = "application/json"


class LocalServer(ThreadingHTTPServer):
    """`poke` is called for a hint; `ready` tells whether the api answered the last heartbeat."""

    daemon_threads = True
    poke: Callable[[], None]
    ready: Callable[[], bool]
    registry: CollectorRegistry
    join_secret: str

    def answer(self, method: str, path: str, authorization: str) -> Answer:
        if (method, path) == ("POST", "/hints"):
            return self.hint(authorization)
        if method != "GET" or path not in {"/healthz", "/readyz", "/metrics"}:
            return _json(404, {"detail": "the agent answers GET /healthz, /readyz, /metrics and POST /hints"})
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(self.registry)
        if path == "/readyz" and not self.ready():
            return _json(503, {"status": "the api service did not answer the last heartbeat"})
        return _json(200, {"status": "ok"})

    def hint(self, authorization: str) -> Answer:
        if not hmac.compare_digest(authorization.encode(), f"Bearer {self.join_secret}".encode()):
            return _json(401, {"detail": "the join secret is missing or wrong"})
        self.poke()
        return _json(202, {"status": "looking"})


class _Handler(BaseHTTPRequestHandler):
    server: LocalServer
    timeout = 5  # a client that says nothing does not keep its thread

    def do_GET(self) -> None:
        self._respond("GET")

    def do_POST(self) -> None:
        self._respond("POST")

    def _respond(self, method: str) -> None:
        status, content_type, body = self.server.answer(method, self.path.split("?")[0], self.headers.get("Authorization", ""))
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)


def serve(port: int, *, poke: Callable[[], None], ready: Callable[[], bool], registry: CollectorRegistry, join_secret: str) -> LocalServer:
    """Answers from its own threads until `shutdown()`. Port 0 takes any free one, see `server_port`. Raises OSError if it is taken."""
    server = LocalServer(("127.0.0.1", port), _Handler)
    server.poke, server.ready, server.registry, server.join_secret = poke, ready, registry, join_secret
    Thread(target=server.serve_forever, name="hints", daemon=True, kwargs={"poll_interval": 0.1}).start()
    return server


def _json(status: int, body: dict[str, str]) -> Answer:
    return status, JSON, json.dumps(body).encode()
