"""What monitor and gateway ask of api."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from tests.conftest import GATEWAY_SECRET, JOIN_SECRET


class FakeApi(HTTPServer):
    """Answers which credentials are valid, or nothing sensible while it is `away`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.valid = {"tok_1", "ses_2"}
        self.away = False
        self.asked = 0


class Answering(BaseHTTPRequestHandler):
    server: FakeApi

    def do_GET(self) -> None:
        """Who is asking: whoever shows a credential, which is a token here. All else is what the gateway wants to tell those it refused."""
        assert self.path != "/internal/auth" or self.headers["X-Groundup-Gateway"] == GATEWAY_SECRET
        credential = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.send_response(200 if self.path == "/internal/auth" and credential in self.server.valid else 401)
        for name, value in {"Principal": "ada", "Role": "viewer", "Credential": credential}.items():
            self.send_header(f"X-Groundup-{name}", value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/internal/rights"
        assert self.headers["Authorization"] == f"Bearer {JOIN_SECRET}"
        self.server.asked += 1
        answer = json.dumps({"valid": sorted(self.server.valid.intersection(question["credentials"]))}).encode()
        self.send_response(503 if self.server.away else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@contextmanager
def fake_api() -> Iterator[FakeApi]:
    with FakeApi() as api:
        thread = threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield api
        api.shutdown()
        thread.join()
