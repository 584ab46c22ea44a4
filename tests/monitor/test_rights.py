"""Who loses the right loses the socket."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from services.monitor.figures import SocketFigures
from services.monitor.outbox import Outbox
from services.monitor.rights import NOT_ALLOWED, Rights
from services.monitor.sockets import Sockets
from tests.monitor.fake_api import fake_api
from tests.monitor.sockets import running_monitor
from tests.servers import wait_until


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


def test_an_error_that_nobody_thought_of_does_not_end_the_asking(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[list[str]] = []

    def ask(credentials: list[str]) -> tuple[str, ...]:
        asked.append(credentials)
        if len(asked) == 1:
            raise RuntimeError("an answer like no other")
        return ()

    who = SimpleNamespace(who=SimpleNamespace(credential="tok_1"))
    connection = cast(Any, SimpleNamespace(admission=who, outbox=Outbox(len)))
    stopping = threading.Event()
    watcher = threading.Thread(target=Rights(ask, seconds=0.01).watch, args=([connection], stopping))
    watcher.start()
    try:
        wait_until(lambda: connection.outbox.closing is not None, "it is asked again")
    finally:
        stopping.set()
        watcher.join(10)
    assert connection.outbox.closing.code == NOT_ALLOWED
    assert "an answer like no other" in caplog.text


class Looked:
    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.times = error, 0

    def look(self, now: float) -> None:
        self.times += 1
        if self.error:
            raise self.error


def test_one_socket_in_trouble_is_told_and_all_others_are_looked_after(caplog: pytest.LogCaptureFixture) -> None:
    nobody = cast(Any, None)
    sockets = Sockets(nobody, nobody, nobody, SocketFigures(CollectorRegistry()))
    looked = [Looked(), Looked(RuntimeError("odd")), Looked(), Looked(RuntimeError("odder"))]
    sockets.connections = cast(Any, set(looked))
    for now in (1.0, 2.0):
        sockets.look(now)
    assert [one.times for one in looked] == [2] * 4
    assert caplog.text.count("looking after a socket failed") == 4
