"""What reaches a host from outside: that it will be taken away, and that everything is to stop."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from services.trainer import emergency
from services.trainer.emergency import EmergencyWatch
from services.trainer.interruption import Interruption
from shared import bus
from shared.conversation import EmergencyOrder
from shared.names import EMERGENCY_CHANNEL
from tests.servers import redis_server, wait_until

NOTICE = "http://metadata.test/notice"
SPOT = "http://169.254.169.254/latest/meta-data/spot/instance-action"


class Address:
    """An address that tells of an interruption or not, and remembers what it was asked. `answer`: status and text; None for silence."""

    def __init__(self) -> None:
        self.answer: tuple[int, str] | None = (404, "")
        self.token = (404, "")
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.token if request.method == "PUT" else self.answer
        if answer is None:
            raise httpx.ConnectTimeout("silence")
        return httpx.Response(answer[0], text=answer[1])


@pytest.fixture
def address() -> Address:
    return Address()


@pytest.fixture
def http(address: Address) -> Iterator[httpx.Client]:
    with httpx.Client(transport=httpx.MockTransport(address)) as client:
        yield client


def test_an_address_tells_and_takes_it_back(address: Address, http: httpx.Client) -> None:
    pokes: list[str] = []
    watch = Interruption(None, NOTICE, http, lambda: pokes.append("poke"))
    for answer, notice in (
        ((404, ""), ""),
        (None, ""),
        ((500, "oh"), ""),
        ((200, "stop at ten"), "the host is about to go (stop at ten)"),
        ((200, "stop at ten"), "the host is about to go (stop at ten)"),
        (None, "the host is about to go (stop at ten)"),
        ((503, "oh"), "the host is about to go (stop at ten)"),
        ((404, ""), ""),
    ):
        address.answer = answer
        watch.look()
        assert watch.notice == notice
    assert len(pokes) == 2, "once when it came and once when it went"
    assert all(request.method == "GET" for request in address.asked)


@pytest.mark.parametrize(("token", "sent"), [((200, "t0ken"), "t0ken"), ((404, ""), None)])
def test_the_metadata_service_of_aws_gets_its_session_token(
    address: Address, http: httpx.Client, token: tuple[int, str], sent: str | None
) -> None:
    address.token, address.answer = token, (200, '{"action": "terminate"}')
    watch = Interruption(None, SPOT, http, lambda: None)
    watch.look()
    assert "terminate" in watch.notice
    put, get = address.asked
    assert (put.method, put.url.path, put.headers["X-aws-ec2-metadata-token-ttl-seconds"]) == ("PUT", "/latest/api/token", "60")
    assert get.headers.get("X-aws-ec2-metadata-token") == sent


def test_a_file_is_a_notice(tmp_path: Path, http: httpx.Client) -> None:
    watch = Interruption(tmp_path / "going", "", http, lambda: None)
    watch.look()
    assert watch.notice == ""
    (tmp_path / "going").touch()
    watch.look()
    assert watch.notice == "the host is about to go (going)"
    Path(tmp_path / "going").unlink()
    watch.look()
    assert watch.notice == ""


def test_a_broken_subscription_is_made_anew_and_nonsense_is_no_stop(redis_url: str) -> None:
    heard: list[EmergencyOrder] = []
    changes: list[bool] = []
    watch = EmergencyWatch(redis_url, heard.append, lambda: changes.append(watch.listening.is_set()))
    watch.start()
    order = EmergencyOrder(id="stop_1", reason="smoke", by="ada")
    with bus.connect(redis_url) as client:
        wait_until(lambda: client.pubsub_numsub(EMERGENCY_CHANNEL)[0][1] == 1, "it listens", 5)
        client.publish(EMERGENCY_CHANNEL, b"nonsense")
        wait_until(lambda: changes == [True], "it knows that it listens", 5)
        client.client_kill_filter(_type="pubsub")
        wait_until(lambda: changes == [True, False, True], "it knows that it did not, and that it listens again", 5)
        assert client.pubsub_numsub(EMERGENCY_CHANNEL)[0][1] == 1
        begun = time.monotonic()
        client.publish(EMERGENCY_CHANNEL, order.model_dump_json())
        wait_until(lambda: heard == [order], "it hears", 2)
    assert time.monotonic() - begun < 0.5
    watch.stop()
    watch.thread.join(5)
    assert not watch.thread.is_alive()


def test_a_redis_that_falls_silent_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a firewall forgets a connection: nothing is closed, and nothing comes."""
    monkeypatch.setattr(emergency, "_PING_SECONDS", 0.2)
    monkeypatch.setattr(emergency, "_SILENCE_SECONDS", 1.0)
    with redis_server(tmp_path) as url, bus.connect(url) as client:
        watch = EmergencyWatch(url, lambda order: None, lambda: None)
        watch.start()
        wait_until(watch.listening.is_set, "it listens", 5)
        process = psutil.Process(int(client.info("server")["process_id"]))
        process.suspend()
        try:
            wait_until(lambda: not watch.listening.is_set(), "it knows that it does not hear", 10)
        finally:
            process.resume()
        wait_until(watch.listening.is_set, "it listens again", 10)
        watch.stop()
        watch.thread.join(5)
