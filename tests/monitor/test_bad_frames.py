"""What clients and Redis must not be able to do to the others: bounded memory, a clear code, and everybody else unharmed."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgpack
import psutil
import pytest
import redis
import websocket

from services.monitor.connection import MAX_TOPICS
from shared import bus
from tests.monitor.producing import RUN, Producer
from tests.monitor.sockets import Client, Monitor, running_monitor
from tests.servers import wait_until


@pytest.fixture(scope="module")
def served(redis_session_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Monitor, psutil.Process]]:
    with running_monitor(tmp_path_factory.mktemp("monitor"), redis_session_url) as (monitor, server):
        yield monitor, psutil.Process(server.pid).children()[0]


@pytest.fixture
def monitor(served: tuple[Monitor, psutil.Process]) -> Monitor:
    return served[0]


@pytest.fixture
def child(client: redis.Redis, monitor: Monitor) -> Producer:
    child = Producer()
    child.steps(1, 3)
    child.publish(client)
    return child


@pytest.fixture
def bystander(monitor: Monitor, client: redis.Redis, child: Producer) -> Iterator[Client]:
    """Must go on without noticing."""
    with monitor.connect() as socket:
        socket.subscribe(RUN, bus.epoch(client), 3)
        socket.read_until("subscribed 3")
        yield socket
        child.steps(4, 4)
        child.publish(client)
        assert socket.read_until(4) == ["subscribed 3", 4]


NESTED = b"\x91" * 4000 + b"\xc0"
BAD_PAYLOADS = {
    "nested": NESTED,
    "nested in a frame": b"\x82\xa4type\xa9subscribe\xa5topic" + NESTED[1000:],
    "cut off": b"\x82\xa4type\xa4pi",
    "a list that says it is endless": b"\xdd\xff\xff\xff\xff",
    "a map that says it is endless": b"\xdf\xff\xff\xff\xff",
    "a string that says it is endless": b"\xdb\xff\xff\xff\xff",
    "of an unknown type": b"\xc1",
    "not UTF-8": msgpack.packb({"type": b"\xff\xfe"}).replace(b"\xc4\x02", b"\xa2"),
    "an extension": msgpack.packb(msgpack.ExtType(5, b"x")),
    "two values": msgpack.packb(1) * 2,
    "nothing": b"",
    "a huge topic": msgpack.packb({"type": "subscribe", "topic": "x" * 3000}),
    "a topic that is a map": msgpack.packb({"type": "subscribe", "topic": {"a": 1}}),
    "a number of a hundred digits": msgpack.packb({"type": "pace", "every": float("inf")}),
}


@pytest.mark.parametrize("payload", BAD_PAYLOADS.values(), ids=BAD_PAYLOADS.keys())
def test_a_bad_payload_is_answered_and_the_socket_stays(monitor: Monitor, bystander: Client, payload: bytes) -> None:
    with monitor.connect() as socket:
        socket.ws.send_binary(payload)
        answer = socket.receive()
        assert (answer["type"], answer["code"]) == ("error", "bad-frame")
        assert len(answer["detail"]) < 500
        socket.send({"type": "ping", "id": 1})
        assert socket.receive()["type"] == "pong"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\x82\xff\x7f" + b"\xff" * 7, 1009),
        (b"\x02\xfe\x10\x00" + b"\0" * 4 + b"x" * 4096 + b"\x00\x85\0\0\0\0xxxxx", 1009),
        (b"\x82\x05hello", 1002),
        (b"\xff\xff\xff\xff", 1002),
        (b"GET / HTTP/1.1\r\n\r\n", 1002),
    ],
)
def test_what_is_no_websocket_closes(monitor: Monitor, bystander: Client, raw: bytes, code: int) -> None:
    with monitor.connect() as socket:
        socket.ws.sock.sendall(raw)
        assert socket.closing_code() == code


CUT = (ConnectionError, websocket.WebSocketConnectionClosedException)


def test_a_hundred_thousand_frames_are_too_many(served: tuple[Monitor, psutil.Process], bystander: Client) -> None:
    monitor, process = served
    before = process.memory_info().rss
    with monitor.connect() as socket:
        with suppress(*CUT):  # it may be closed before all are sent
            for number in range(50_000):
                socket.send({"type": "subscribe", "topic": f"t{number}"})
                socket.send({"type": "unsubscribe", "topic": f"t{number}"})
        code: int | None = None
        with suppress(*CUT):  # what was still unread may cut off the goodbye, but not keep the socket open: that would be a time-out
            code = socket.closing_code()
        assert code in (4429, None)
    wait_until(lambda: monitor.figure("groundup_sockets_open") <= 1, "it is closed")
    assert process.memory_info().rss - before < 20 << 20


def test_too_many_frames_are_told_by_a_code(monitor: Monitor, bystander: Client) -> None:
    with monitor.connect() as socket:
        for number in range(600):
            socket.send({"type": "ping", "id": number})
        assert socket.closing_code() == 4429


def test_frames_that_never_make_a_message_are_counted_too(monitor: Monitor, bystander: Client) -> None:
    """An empty part of a message after the other: they need no memory, but time."""
    with monitor.connect() as socket:
        socket.ws.sock.sendall(b"\x02\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 600)
        assert socket.closing_code() == 4429


@pytest.mark.parametrize("message", [b"", b"\xff\xfe\xfd", b"a b c d", b"run_a e x y", b"\xff e 1 x", b"run_a" + b"x" * (4 << 20)])
def test_garbage_on_the_live_channel_is_passed_over(monitor: Monitor, client: redis.Redis, bystander: Client, message: bytes) -> None:
    listeners: Any = client.pubsub_numsub(bus.LIVE_CHANNEL)
    assert listeners[0][1] == 1
    client.publish(bus.LIVE_CHANNEL, message)
    bystander.send({"type": "ping", "id": 1})
    assert bystander.receive()["type"] == "pong"


def test_a_record_that_cannot_be_read_is_told_as_a_reset(monitor: Monitor, client: redis.Redis, child: Producer) -> None:
    with monitor.connect() as socket:
        socket.subscribe(RUN, bus.epoch(client), 3)
        socket.read_until("subscribed 3")
        client.publish(bus.LIVE_CHANNEL, f"{RUN} {bus.epoch(client)} 4 ".encode() + b"\xc1")
        assert socket.read_until("reset 4") == ["subscribed 3", "reset 4"]


def test_one_topic_too_many_is_named_and_the_socket_stays(monitor: Monitor, bystander: Client) -> None:
    with monitor.connect() as socket:
        for number in range(MAX_TOPICS):
            socket.subscribe(f"run_{number}")
        socket.subscribe("run_over")
        while (answer := socket.receive())["type"] == "subscribed":
            continue
        assert (answer["type"], answer["code"], answer["topic"]) == ("error", "too-many-topics", "run_over")
        socket.send({"type": "unsubscribe", "topic": "run_0"})
        socket.subscribe("run_over")
        while (answer := socket.receive())["topic"] != "run_over":
            continue
        assert answer["type"] == "subscribed"
