"""Who loses the right loses the socket."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from tests.conftest import JOIN_SECRET
from tests.monitor.sockets import running_monitor
from tests.servers import wait_until


class FakeApi(HTTPServer):
    """Answers which credentials are valid, or nothing sensible while it is `away`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.valid = {"tok_1", "ses_2"}
        self.away = False
        self.asked = 0


class Answering(BaseHTTPRequestHandler):
    server: FakeApi

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


def test_a_socket_whose_token_is_gone_is_closed_and_the_others_stay(tmp_path: Path, redis_url: str) -> None:
    with fake_api() as api:
        more = {"GROUNDUP_API_URL": f"http://127.0.0.1:{api.server_port}", "GROUNDUP_RIGHTS_SECONDS": "0.2"}
        with (
            running_monitor(tmp_path / "data", redis_url, **more) as (monitor, _),
            monitor.connect(monitor.ticket(credential="tok_1")) as token,
            monitor.connect(monitor.ticket(credential="ses_2")) as browser,
        ):
            browser.send({"type": "ticket"})
            to_come_back = browser.receive()["ticket"]
            wait_until(lambda: api.asked > 1, "rights were asked")
            api.valid, api.away = {"tok_1"}, True
            before = api.asked
            wait_until(lambda: api.asked > before + 1, "rights were asked in vain")
            assert monitor.figure("groundup_sockets_open") == 2
            api.away = False
            assert browser.closing_code() == 4403
            with monitor.connect(to_come_back) as again:
                assert again.closing_code() == 4403
            token.send({"type": "ping", "id": 1})
            assert token.receive()["type"] == "pong"
