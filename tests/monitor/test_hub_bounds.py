"""What one topic must not do to a socket, or to the other topics: fill its outbox, end live events, hold up joins."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from services.monitor.hub import Hub
from services.monitor.outbox import MAX_BYTES
from shared import bus
from shared.training_events import LogWritten
from tests.monitor.producing import RUN, Producer
from tests.monitor.sockets import running_monitor
from tests.monitor.test_hub import Reader, hub, listening, publish_more
from tests.servers import wait_until

__all__ = ["hub"]
BLOCK = 64_000
OTHER = "run_broken"


@pytest.fixture
def talkative(client: redis.Redis) -> Producer:
    """200 blocks of a log, 12.8 MB: as many entries as a page has."""
    child = Producer()
    child.say(*(LogWritten(rank=0, lines=["x" * BLOCK]) for _ in range(200)))
    child.publish(client, batch=10)
    return child


def test_a_replay_waits_in_pages_that_fit_into_an_outbox(hub: Hub, client: redis.Redis, talkative: Producer) -> None:
    """However slow its client is, and without a hole."""
    reader = Reader(hub, bus.epoch(client), 0)
    largest = 0
    while not reader.subscription.live:
        reader.takes = False
        hub.catch_up(reader.subscription)
        largest = max(largest, reader.outbox.size)
        assert not hub.catch_up(reader.subscription), "nothing is read while something waits"
        reader.takes = True
        reader.outbox.drain()
    assert BLOCK < largest <= MAX_BYTES // 2
    assert reader.outbox.closing is None
    assert reader.story() == ["subscribed 0", *range(1, 201)]


def test_a_hole_of_many_mebibytes_is_filled_page_by_page(hub: Hub, client: redis.Redis) -> None:
    child = Producer()
    publish_more(client, child, 1)
    reader = Reader(hub, bus.epoch(client), 1)
    reader.read()
    child.say(*(LogWritten(rank=0, lines=["x" * BLOCK]) for _ in range(100)))
    child.publish(client, batch=10)
    reader.takes = False
    hub._audit()
    assert reader.outbox.size <= MAX_BYTES // 2
    reader.takes = True
    reader.outbox.drain()
    assert reader.story() == ["subscribed 1", *range(2, 102)]


def test_a_record_too_long_to_be_read_is_a_reset_that_never_left_redis(hub: Hub, client: redis.Redis) -> None:
    child = Producer()
    publish_more(client, child, 3)
    client.xadd(bus.stream_key(RUN), {"r": b"x" * (8 << 20)}, id="4-0")
    client.hset(bus.counter_key(RUN), "seq", 4)
    assert [len(record) < BLOCK for _, record in bus.read_range(client, RUN, 0, 10).entries] == [True] * 4
    assert Reader(hub, bus.epoch(client), 1).story() == ["subscribed 1", 2, 3, "reset 4"]


def broken_counter(client: redis.Redis) -> None:
    client.set(bus.counter_key(OTHER), "text")


def broken_number(client: redis.Redis) -> None:
    client.hset(bus.counter_key(OTHER), "seq", "text")


def broken_stream(client: redis.Redis) -> None:
    client.set(bus.stream_key(OTHER), "text")
    client.hset(bus.counter_key(OTHER), "seq", 5)  # as if something had been missed


@pytest.mark.parametrize("break_it", [broken_counter, broken_number, broken_stream])
def test_a_broken_topic_leaves_the_others_their_live_events(
    hub: Hub, client: redis.Redis, caplog: pytest.LogCaptureFixture, break_it: Callable[[redis.Redis], None]
) -> None:
    child, other = Producer(), Producer(run_id=OTHER)
    for one in (child, other):
        publish_more(client, one, 1)
    with listening(hub), caplog.at_level(logging.ERROR):
        reader = Reader(hub, bus.epoch(client), 1)
        Reader(hub, bus.epoch(client), 1, topic=OTHER).read()
        reader.read()
        break_it(client)
        hub._audit()
        hub._audit()
        publish_more(client, child, 3)
        wait_until(lambda: reader.story() == ["subscribed 1", 2, 3, 4], "the other topic's events", 5)
    assert f"topic '{OTHER}' has no live events" in caplog.text
    assert "starts again" not in caplog.text


def test_a_counter_that_is_none_is_told_once(hub: Hub, client: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    publish_more(client, Producer(run_id=OTHER), 1)
    reader = Reader(hub, bus.epoch(client), 1, topic=OTHER)
    reader.read()
    broken_counter(client)
    assert bus.newest(client, [RUN, OTHER]) == {RUN: (bus.epoch(client), 0)}
    for _ in range(3):
        hub._audit()
    assert caplog.text.count("no live events") == 1


def test_sockets_that_wait_for_a_broken_topic_hold_up_nobody(tmp_path: Path, redis_url: str, client: redis.Redis) -> None:
    broken_stream(client)
    publish_more(client, Producer(), 5)
    with running_monitor(tmp_path / "data", redis_url) as (monitor, _):
        waiting = [monitor.connect() for _ in range(40)]
        for socket in waiting:
            socket.subscribe(OTHER)
        with monitor.connect() as socket:
            seconds = []
            for _ in range(3):
                begun = time.monotonic()
                socket.seqs.clear()
                socket.subscribe(RUN)
                assert socket.read_until(5) == ["subscribed 0", *range(1, 6)]
                seconds.append(time.monotonic() - begun)
            assert max(seconds) < 1.0
        for socket in waiting:
            socket.ws.close()


def test_an_outbox_with_something_in_it_takes_no_page(hub: Hub, client: redis.Redis, talkative: Producer) -> None:
    """Two topics of a socket: what the one brings live is sent before the other one's page is read."""
    reader = Reader(hub, bus.epoch(client), 0)
    reader.takes = False
    reader.outbox.offer(b"live")
    assert not hub.catch_up(reader.subscription)
    assert (list(reader.outbox.frames), reader.subscription.seq) == ([b"live"], 0)
