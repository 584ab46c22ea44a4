"""The WebSocket of a real gunicorn with gevent."""

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import websocket

from services.monitor.tickets import Tickets
from serving.principal import Principal
from shared import bus
from shared.errors import NotAuthenticated
from shared.names import Role
from shared.training_events import LogWritten
from tests.conftest import GATEWAY_SECRET, headers
from tests.monitor.producing import RUN, Producer
from tests.monitor.sockets import Monitor, running_monitor
from tests.servers import wait_until


@pytest.fixture(scope="module")
def monitor(redis_session_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitor]:
    with running_monitor(tmp_path_factory.mktemp("monitor"), redis_session_url) as (monitor, _):
        yield monitor


@pytest.fixture
def child(client: redis.Redis, monitor: Monitor) -> Producer:
    child = Producer()
    child.steps(1, 10)
    child.publish(client)
    return child


def publish_more(client: redis.Redis, child: Producer, number: int) -> None:
    child.steps(len(child.records) + 1, len(child.records) + number)
    child.publish(client)


def test_events_arrive_whole_and_in_order(monitor: Monitor, client: redis.Redis, child: Producer) -> None:
    with monitor.connect() as socket:
        socket.subscribe(RUN, bus.epoch(client), 8)
        assert socket.read_until(10) == ["subscribed 8", 9, 10]
        publish_more(client, child, 1)
        frame = socket.receive()
    assert frame["items"] == [{**child.records[10].model_dump(), "epoch": bus.epoch(client), "seq": 11}]


def test_replay_and_live_meet_without_hole_or_double(monitor: Monitor, redis_url: str, child: Producer) -> None:
    stop = threading.Event()

    def keep_publishing() -> None:
        with closing(bus.connect(redis_url)) as client:
            while not stop.is_set():
                publish_more(client, child, 5)

    publisher = threading.Thread(target=keep_publishing)
    publisher.start()
    try:
        with closing(bus.connect(redis_url)) as client:
            wait_until(lambda: bus.read_range(client, RUN, 0, 1).newest > 500, "a backlog")
            epoch = bus.epoch(client)
        for since in (0, 100, 400):
            with monitor.connect() as socket:
                socket.subscribe(RUN, epoch, since)
                while len(socket.seqs) < 1000:
                    socket.receive()
                assert socket.seqs == [f"subscribed {since}", *range(since + 1, since + len(socket.seqs))]
    finally:
        stop.set()
        publisher.join()


def test_a_client_that_comes_back_gets_what_it_missed(monitor: Monitor, client: redis.Redis, child: Producer) -> None:
    with monitor.connect() as socket:
        socket.subscribe(RUN, bus.epoch(client), 0)
        socket.read_until(10)
    publish_more(client, child, 300)
    with monitor.connect() as again:
        again.subscribe(RUN, socket.epoch, 10)
        assert again.read_until(310) == ["subscribed 10", *range(11, 311)]


def test_flushall_is_told_as_a_reset(monitor: Monitor, client: redis.Redis, child: Producer) -> None:
    with monitor.connect() as socket:
        socket.subscribe(RUN, bus.epoch(client), 10)
        socket.read_until("subscribed 10")
        client.flushall()
        child.publish(client)
        assert socket.read_until(10) == ["subscribed 10", "reset 0", *range(1, 11)]
        assert socket.epoch == bus.epoch(client)


def test_the_last_event_before_a_cut_is_seen_although_nothing_follows(monitor: Monitor, client: redis.Redis, child: Producer) -> None:
    with monitor.connect() as socket:
        socket.subscribe(RUN, bus.epoch(client), 10)
        socket.read_until("subscribed 10")
        client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]
        publish_more(client, child, 1)
        assert socket.read_until(11) == ["subscribed 10", 11]


def test_several_topics_unsubscribing_and_pings(monitor: Monitor, client: redis.Redis, child: Producer) -> None:
    other = Producer(run_id="run_b")
    other.steps(1, 2)
    other.publish(client)
    with monitor.connect() as socket:
        socket.subscribe(RUN, bus.epoch(client), 10)
        socket.read_until("subscribed 10")
        socket.subscribe("run_b", bus.epoch(client), 0)
        socket.read_until(2)
        socket.send({"type": "unsubscribe", "topic": RUN})
        socket.send({"type": "ping", "id": 7})
        assert socket.receive() == {"type": "pong", "id": 7, "positions": {"run_b": [bus.epoch(client), 2]}}
        publish_more(client, child, 1)
        publish_more(client, other, 1)
        assert socket.receive()["topic"] == "run_b"


@pytest.mark.parametrize(
    "frame", [{"type": "dance"}, {"type": "subscribe"}, {"type": "subscribe", "topic": "a", "since": -1}, [1], {"type": "ping", "id": [1]}]
)
def test_a_bad_frame_is_answered_and_the_socket_stays(monitor: Monitor, frame: object) -> None:
    with monitor.connect() as socket:
        socket.send(frame)
        answer = socket.receive()
        assert (answer["type"], answer["code"]) == ("error", "bad-frame")
        assert answer["detail"]
        socket.send({"type": "ping", "id": "still here"})
        assert socket.receive()["id"] == "still here"


def test_text_is_answered_and_too_much_of_it_closes(monitor: Monitor) -> None:
    with monitor.connect() as socket:
        socket.ws.send("hello")
        assert socket.receive()["type"] == "error"
        socket.ws.send_binary(b"x" * (65 << 10))
        assert socket.closing_code() == 1009


def test_four_megabytes_arrive_whole(monitor: Monitor, client: redis.Redis) -> None:
    """In frames of about 1 MiB, through a reader that takes its time."""
    child = Producer()
    child.say(*(LogWritten(rank=0, lines=[f"{number}" * 900_000]) for number in range(5)))
    child.publish(client, batch=1)
    with monitor.connect(sockopt=[(1, 8, 4096)]) as socket:  # SOL_SOCKET, SO_RCVBUF
        socket.subscribe(RUN, bus.epoch(client), 0)
        assert socket.receive()["type"] == "subscribed"
        lines = [socket.receive()["items"][0]["event"]["lines"] for _ in range(5)]
    assert lines == [[f"{number}" * 900_000] for number in range(5)]


def test_a_client_that_does_not_read_is_closed_while_others_are_served(monitor: Monitor, client: redis.Redis) -> None:
    child = Producer()
    before = monitor.figure("groundup_sockets_too_slow_total")
    with monitor.connect(sockopt=[(1, 8, 4096)]) as slow, monitor.connect() as quick:
        for socket in (slow, quick):
            socket.subscribe(RUN, bus.epoch(client), 0)
            assert socket.receive()["type"] == "subscribed"
        for number in range(1, 31):
            child.say(LogWritten(rank=0, lines=["x" * 500_000]))
            child.publish(client)
            assert quick.read_until(number)[-1] == number
        assert slow.closing_code() == 4408
        child.say(LogWritten(rank=0, lines=["the end"]))
        child.publish(client)
        assert quick.read_until(31) == ["subscribed 0", *range(1, 32)]
    assert monitor.figure("groundup_sockets_too_slow_total") == before + 1
    wait_until(lambda: monitor.figure("groundup_sockets_open") == 0, "all sockets are closed")
    assert monitor.figure("groundup_socket_frames_sent_total") > 30


def refusal(monitor: Monitor, **options: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        monitor.connect(**options)
    error: Any = refused.value
    assert error.resp_headers["content-type"] == "application/problem+json"
    return error.status_code, json.loads(error.resp_body)


def test_a_ticket_is_good_once(monitor: Monitor) -> None:
    ticket = monitor.ticket()
    with monitor.connect(ticket):
        pass
    for bad in (ticket, "nonsense"):
        status, problem = refusal(monitor, ticket=bad)
        assert (status, problem["code"]) == (401, "not-authenticated")
        assert problem["remedy"]


def test_foreign_pages_and_names_are_refused_and_their_ticket_is_not_spent(monitor: Monitor) -> None:
    ticket = monitor.ticket()
    for origin in ("https://evil.example", "null", "http://localhost.evil.example:8080"):
        status, problem = refusal(monitor, ticket=ticket, suppress_origin=False, origin=origin)
        assert (status, problem["code"]) == (403, "foreign-origin")
    status, problem = refusal(monitor, ticket=ticket, host="evil.example")
    assert (status, problem["code"]) == (400, "unknown-host")
    status, problem = refusal(monitor, ticket=ticket, header={"X-Groundup-Gateway": "guessed"})
    assert status == 401
    with monitor.connect(ticket, suppress_origin=False, origin="http://localhost:8080"):
        pass


def test_a_ticket_is_good_for_its_time_and_cannot_be_made_up(client: redis.Redis) -> None:
    now = 1000.0
    tickets = Tickets(client, "secret", lambda: now)
    who = Principal("ada", Role.VIEWER, "tok_1")
    old, other = tickets.issue(who), Tickets(client, "another secret", lambda: now).issue(who)
    assert tickets.redeem(tickets.issue(who)).who == who
    now += 31
    for bad in (old, other, tickets.issue(who)[:-4], "", "."):
        with pytest.raises(NotAuthenticated):
            tickets.redeem(bad)


def test_an_open_socket_has_a_ticket_to_come_back_with(monitor: Monitor, client: redis.Redis) -> None:
    with monitor.connect() as socket:
        socket.send({"type": "ticket"})
        ticket = socket.receive()["ticket"]
    with monitor.connect(ticket) as again:
        again.send({"type": "ping", "id": 1})
        assert again.receive()["type"] == "pong"
    assert refusal(monitor, ticket=ticket)[0] == 401


@pytest.mark.parametrize(("role", "status"), [("viewer", 200), ("editor", 200), ("", 401)])
def test_who_may_read_may_have_a_ticket(http: Any, role: str, status: int) -> None:
    answer = http.post("/api/v1/ws-tickets", headers=headers(role))
    assert answer.status_code == status
    if status == 200:
        assert answer.json["expires_in"] == 30


def test_a_restart_tells_its_sockets_and_takes_no_time(tmp_path: Path, redis_url: str) -> None:
    with running_monitor(tmp_path / "data", redis_url) as (monitor, server), monitor.connect() as socket:
        socket.send({"type": "ping", "id": 1})
        socket.receive()
        server.send_signal(signal.SIGTERM)
        assert socket.closing_code() == 1001
        socket.ws.shutdown()
        assert server.wait(10) == 0


def test_without_the_express_lane_sockets_open_as_well(tmp_path: Path, redis_url: str, client: redis.Redis) -> None:
    child = Producer()
    child.steps(1, 3)
    child.publish(client)
    with running_monitor(tmp_path / "data", redis_url, worker="gevent") as (monitor, _), monitor.connect() as socket:
        socket.subscribe(RUN, bus.epoch(client), 1)
        assert socket.read_until(3) == ["subscribed 1", 2, 3]
        assert monitor.figure("groundup_sockets_open") == 1


def test_what_is_no_handshake_is_told_so(monitor: Monitor) -> None:
    for header in ({}, {"Upgrade": "websocket", "Connection": "upgrade", "Sec-WebSocket-Version": "8", "Sec-WebSocket-Key": "short"}):
        given = {"X-Groundup-Gateway": GATEWAY_SECRET, "Host": "localhost", **header}
        answer = httpx.get(f"{monitor.url}/ws/v1?ticket=x", headers=given, trust_env=False)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"


def test_redis_away_and_back(monitor: Monitor, client: redis.Redis, child: Producer) -> None:
    """Every connection of the monitor is cut, which is how a restart of Redis looks to it."""
    with monitor.connect() as socket:
        socket.subscribe(RUN, bus.epoch(client), 10)
        socket.read_until("subscribed 10")
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")  # type: ignore[no-untyped-call]
        with monitor.connect() as late:
            late.subscribe(RUN, bus.epoch(client), 9)
            publish_more(client, child, 1)
            assert late.read_until(11) == ["subscribed 9", 10, 11]
        assert socket.read_until(11) == ["subscribed 10", 11]
