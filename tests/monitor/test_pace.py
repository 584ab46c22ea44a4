"""A page that nobody looks at gets digests: everything that changed a state, the last of the rest, and an account of what was left out."""

from collections.abc import Iterator

import pytest
import redis

from services.monitor import frames
from shared import bus
from shared.events import unpack
from shared.run_events import RunStateChanged
from shared.training_events import LogWritten
from tests.monitor.producing import RUN, Producer, entries, step
from tests.monitor.sockets import Monitor, running_monitor
from tests.servers import wait_until


def paused(reason: str) -> RunStateChanged:
    return RunStateChanged(run_id=RUN, old="running", new="paused", by="ada", reason=reason)


def happened() -> Producer:
    child = Producer()
    child.steps(1, 30)
    child.say(paused("asked to"))
    child.steps(31, 40)
    child.say(LogWritten(rank=0, lines=["one"]), LogWritten(rank=0, lines=["two"]))
    return child


def test_a_digest_keeps_what_changes_a_state_and_counts_the_rest() -> None:
    (frame,) = frames.digest(RUN, "e", 6, entries(happened().records, 7))
    told = unpack(frame[4:])
    assert (told["type"], told["since"], told["seq"]) == ("digest", 6, 49)
    assert [(item["seq"], item["event"]["type"]) for item in told["items"]] == [
        (37, "RunStateChanged"),
        (47, "StepCompleted"),
        (49, "LogWritten"),
    ]
    assert told["left_out"] == {"StepCompleted": 39, "LogWritten": 1}


def test_the_last_step_of_each_attempt_is_kept() -> None:
    first, second = Producer(attempt=1), Producer("other", attempt=2)
    records = [*first.steps(1, 5), *second.steps(4, 6)]
    (frame,) = frames.digest(RUN, "e", 0, entries(records))
    assert [item["seq"] for item in unpack(frame[4:])["items"]] == [5, 8]


def test_what_is_too_much_for_a_digest_comes_as_events() -> None:
    changes = [paused("x" * 300_000)] * 6
    told = frames.digest(RUN, "e", 0, entries(Producer().say(*changes)))
    assert [unpack(frame[10:])["type"] for frame in told] == ["events", "events"]
    assert frames.digest(RUN, "e", 0, []) == []


@pytest.fixture(scope="module")
def monitor(redis_session_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitor]:
    with running_monitor(tmp_path_factory.mktemp("monitor"), redis_session_url) as (monitor, _):
        yield monitor


def test_hidden_pages_get_digests_without_holes_and_all_events_when_seen(monitor: Monitor, client: redis.Redis) -> None:
    child = Producer()
    child.steps(1, 5)
    child.publish(client)
    with monitor.connect() as socket, monitor.connect() as watching:
        for one in (socket, watching):
            one.subscribe(RUN, bus.epoch(client), 5)
            one.read_until("subscribed 5")
        socket.send({"type": "pace", "every": 1})
        child.steps(6, 60)
        child.say(step(61))
        child.publish(client)
        assert watching.read_until(61)[-1] == 61
        place, seen = 5, 0
        while place < 61:
            frame = socket.receive()
            assert (frame["type"], frame["since"]) == ("digest", place)
            place, seen = frame["seq"], seen + len(frame["items"]) + sum(frame["left_out"].values())
        assert seen == 56
        child.steps(62, 64)
        child.publish(client)
        socket.send({"type": "pace", "every": 0})
        told = [socket.receive()]
        while told[-1]["type"] != "events" or told[-1]["items"][-1]["seq"] < 64:
            told.append(socket.receive())
        assert [(frame["type"], frame.get("seq", frame.get("items", [{}])[0].get("seq"))) for frame in told] in (
            [("events", 62)],
            [("digest", 64), ("events", 65)],
        )


def test_a_flushed_redis_is_a_reset_for_hidden_pages_too(monitor: Monitor, client: redis.Redis) -> None:
    child = Producer()
    child.steps(1, 5)
    child.publish(client)
    with monitor.connect() as socket:
        socket.subscribe(RUN, bus.epoch(client), 5)
        socket.read_until("subscribed 5")
        socket.send({"type": "pace", "every": 1})
        client.flushall()
        child.publish(client)
        wait_until(lambda: socket.receive()["type"] == "reset", "it is told")
        assert socket.receive()["type"] == "digest"
