"""Who loses the right loses the socket."""

from pathlib import Path

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
