"""A worker of another version, from its own client over a real socket to the server's word what to do about it."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from werkzeug.serving import make_server

from shared.api_client import ApiClient
from shared.conversation import Heartbeat
from shared.errors import Conflict, InvalidFields
from shared.internal import Message
from shared.names import PROTOCOL
from tests.api.stage import Stage
from tests.conftest import JOIN_SECRET


class OtherHeartbeat(Message):
    """Of a version that has other fields."""

    protocol: int
    pulse: str = "strong"


@pytest.fixture
def client(stage: Stage) -> Iterator[ApiClient]:
    server = make_server("127.0.0.1", 0, stage.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    client = ApiClient(f"http://127.0.0.1:{server.server_port}", JOIN_SECRET)
    yield client
    client.http.close()
    server.shutdown()
    thread.join()
    server.server_close()


def heartbeat(protocol: int) -> Heartbeat:
    slot: dict[str, Any] = {"id": "w1/cpu0", "device": "cpu", "name": "a slot"}
    return Heartbeat.model_validate({"protocol": protocol, "instance": "one", "host": "h", "slots": [slot], "attempts": []})


@pytest.mark.parametrize("message", [heartbeat(PROTOCOL - 1), OtherHeartbeat(protocol=PROTOCOL + 1)])
def test_another_version_is_refused_with_the_remedy(stage: Stage, client: ApiClient, message: Any) -> None:
    with pytest.raises(Conflict) as refused:
        client.heartbeat("w1", message)
    assert refused.value.detail == f"worker w1 speaks protocol {message.protocol}, this server {PROTOCOL}"
    assert refused.value.remedy == "install the same version of Groundup on both"
    assert refused.value.problem_code == "protocol-mismatch"
    stage.submit()
    assert stage.place() == []
    (worker,) = stage.get("/api/v1/workers")["items"]
    assert (worker["state"], worker["slots"]) == ("refused", [])
    assert worker["halted"] == f"{refused.value.detail}; {refused.value.remedy}"


def test_our_own_version_is_let_in_and_its_mistakes_are_named(stage: Stage, client: ApiClient) -> None:
    assert client.heartbeat("w1", heartbeat(PROTOCOL)).assignments == []
    with pytest.raises(InvalidFields, match="instance"):
        client.heartbeat("w1", OtherHeartbeat(protocol=PROTOCOL))  # type: ignore[arg-type]


def test_a_worker_that_joined_and_was_replaced_by_an_old_version_gets_nothing(stage: Stage, client: ApiClient) -> None:
    client.heartbeat("w1", heartbeat(PROTOCOL))
    run = stage.submit()
    with pytest.raises(Conflict):
        client.heartbeat("w1", heartbeat(PROTOCOL - 1))
    stage.now += stage.lease_seconds + 1
    stage.place()
    assert stage.run(run["id"])["reason"] == "no worker is online"
