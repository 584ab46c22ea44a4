"""Who gets which events: joining, holes, resets and full outboxes, against a real Redis."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import redis

from services.monitor import frames, wire
from services.monitor.feeds import Subscription
from services.monitor.hub import PAGE, Hub
from services.monitor.outbox import TOO_SLOW, Outbox
from shared import bus
from shared.events import unpack
from shared.training_events import LogWritten
from tests.monitor.producing import RUN, Producer
from tests.servers import free_port, wait_until


class Reader:
    """A socket that takes everything at once and keeps it."""

    def __init__(self, hub: Hub, epoch: str | None = None, since: int = 0, *, topic: str = RUN, **limits: Any) -> None:
        self.hub = hub
        self.said: list[dict[str, Any]] = []
        self.takes = True
        self.outbox = Outbox(self._take, **limits)
        self.subscription = Subscription(topic, self.outbox, epoch, since)
        hub.enter(self.subscription)

    def _take(self, frame: bytes) -> int:
        if not self.takes:
            return 0
        if frame[0] == 0x80 | wire.BINARY:
            self.said.append(said(frame))
        return len(frame)

    def read(self) -> None:
        while subscription := self.outbox.next_join():
            self.hub.catch_up(subscription)
            if not subscription.live:
                self.outbox.join(subscription)

    def story(self) -> list[str | int]:
        """What was said, short: the frame's type and seq, or the seqs of its events."""
        self.read()
        told: list[str | int] = []
        for frame in self.said:
            told += [item["seq"] for item in frame["items"]] if frame["type"] == "events" else [f"{frame['type']} {frame['seq']}"]
        return told


def said(frame: bytes) -> dict[str, Any]:
    """The payload of a server's frame, behind its header."""
    told: dict[str, Any] = unpack(frame[{126: 4, 127: 10}.get(frame[1], 2) :])
    return told


@pytest.fixture
def child(client: redis.Redis) -> Producer:
    child = Producer()
    child.steps(1, 10)
    child.publish(client)
    return child


@pytest.fixture
def hub(client: redis.Redis) -> Iterator[Hub]:
    hub = Hub(client)
    yield hub
    hub.stop()


@contextmanager
def listening(hub: Hub) -> Iterator[None]:
    hub.connect(Outbox(len))
    wait_until(lambda: dict(hub.client.pubsub_numsub(bus.LIVE_CHANNEL)).get(bus.LIVE_CHANNEL.encode()) == 1, "the hub listens")
    yield
    hub.stop()
    assert hub._listener is not None
    hub._listener.join(10)
    assert not hub._listener.is_alive()


def publish_more(client: redis.Redis, child: Producer, number: int) -> None:
    child.steps(len(child.records) + 1, len(child.records) + number)
    child.publish(client)


def deliver(hub: Hub, child: Producer, epoch: str, *seqs: int) -> None:
    """Live messages, where the child is the topic's only producer."""
    for seq in seqs:
        hub._deliver(f"{RUN} {epoch} {seq} ".encode() + child.records[seq - 1].pack())


def test_from_a_position_everything_behind_it_and_then_live(hub: Hub, client: redis.Redis, child: Producer) -> None:
    reader = Reader(hub, bus.epoch(client), 7)
    assert reader.story() == ["subscribed 7", 8, 9, 10]
    publish_more(client, child, 2)
    deliver(hub, child, bus.epoch(client), 9, 10, 11, 12, 12)
    assert reader.story() == ["subscribed 7", 8, 9, 10, 11, 12]
    assert reader.said[-1]["items"][0] == {**child.records[11].model_dump(), "epoch": bus.epoch(client), "seq": 12}


def test_without_a_position_from_where_the_history_ends(hub: Hub, client: redis.Redis, child: Producer) -> None:
    assert Reader(hub).story() == ["subscribed 0", *range(1, 11)]
    bus.commit(client, RUN, bus.epoch(client), 8, keep=100)
    assert Reader(hub).story() == ["subscribed 8", 9, 10]


def test_a_topic_that_nobody_has_heard_of_begins_with_its_first_event(hub: Hub, client: redis.Redis) -> None:
    reader = Reader(hub)
    assert reader.story() == ["subscribed 0"]
    child = Producer()
    publish_more(client, child, 1)
    deliver(hub, child, bus.epoch(client), 1)
    assert reader.story() == ["subscribed 0", 1]


@pytest.mark.parametrize(("epoch", "since"), [("another", 5), (None, 0), ("same", 11), ("same", 2)])
def test_reset_where_the_stream_cannot_continue(hub: Hub, client: redis.Redis, child: Producer, epoch: str | None, since: int) -> None:
    bus.commit(client, RUN, bus.epoch(client), 8, keep=5)
    client.xtrim(bus.stream_key(RUN), minid="4-0", approximate=False)
    reader = Reader(hub, bus.epoch(client) if epoch == "same" else epoch, since)
    assert reader.story() == [("reset 8" if epoch else "subscribed 8"), 9, 10]


def test_a_stream_somebody_has_cut_beyond_the_history_is_joined_at_what_is_left(hub: Hub, client: redis.Redis, child: Producer) -> None:
    client.xtrim(bus.stream_key(RUN), minid="6-0", approximate=False)
    assert Reader(hub, bus.epoch(client), 3).story() == ["reset 0", "reset 5", *range(6, 11)]
    client.delete(bus.stream_key(RUN))
    assert Reader(hub).story() == ["subscribed 0", "reset 10"]


@pytest.mark.parametrize("missing", [3, PAGE + 50])
def test_a_hole_is_filled_from_the_stream(hub: Hub, client: redis.Redis, child: Producer, missing: int) -> None:
    readers = [Reader(hub, bus.epoch(client), since) for since in (10, 9)]
    for reader in readers:
        reader.read()
    publish_more(client, child, missing)
    deliver(hub, child, bus.epoch(client), 10 + missing)
    for reader, since in zip(readers, (10, 9), strict=True):
        assert reader.story() == [f"subscribed {since}", *range(since + 1, 11 + missing)]


def test_a_hole_whose_events_are_gone_is_a_reset(hub: Hub, client: redis.Redis, child: Producer) -> None:
    reader = Reader(hub, bus.epoch(client), 10)
    reader.read()
    publish_more(client, child, 5)
    bus.commit(client, RUN, bus.epoch(client), 13, keep=0)
    deliver(hub, child, bus.epoch(client), 15)
    assert reader.story() == ["subscribed 10", "reset 13", 14, 15]


def test_flushall_is_a_reset_for_those_who_follow(hub: Hub, client: redis.Redis, child: Producer) -> None:
    reader = Reader(hub, bus.epoch(client), 10)
    reader.read()
    client.flushall()
    child.publish(client)
    deliver(hub, child, bus.epoch(client), 1, 2)
    assert reader.story() == ["subscribed 10", "reset 0", *range(1, 11)]


def test_who_does_not_keep_up_is_closed_and_the_others_go_on(hub: Hub, client: redis.Redis, child: Producer) -> None:
    slow, quick = Reader(hub, bus.epoch(client), 10, max_frames=5), Reader(hub, bus.epoch(client), 10)
    slow.read()
    quick.read()
    slow.takes = False
    publish_more(client, child, 10)
    deliver(hub, child, bus.epoch(client), *range(11, 21))
    assert quick.story() == ["subscribed 10", *range(11, 21)]
    assert slow.outbox.closing is not None
    assert slow.outbox.closing.code == TOO_SLOW


def test_a_big_frame_alone_is_no_overflow() -> None:
    outbox = Outbox(lambda _: 0, max_bytes=100)
    outbox.offer(b"x" * 1000)
    assert outbox.closing is None
    outbox.offer(b"x")
    assert outbox.closing is not None


def test_who_leaves_hears_nothing_more(hub: Hub, client: redis.Redis, child: Producer) -> None:
    leaving, staying = Reader(hub, bus.epoch(client), 10), Reader(hub, bus.epoch(client), 10)
    leaving.read()
    staying.read()
    hub.leave(leaving.subscription)
    publish_more(client, child, 1)
    deliver(hub, child, bus.epoch(client), 11)
    assert (leaving.story(), staying.story()) == (["subscribed 10"], ["subscribed 10", 11])
    hub.leave(staying.subscription)
    assert hub.feeds == {}


def test_who_leaves_waits_no_more_and_costs_redis_nothing() -> None:
    with closing(redis.Redis(port=free_port())) as away:
        hub, outbox = Hub(away), Outbox(len)
        for _ in range(1000):
            subscription = Subscription(RUN, outbox)
            hub.enter(subscription)
            outbox.join(subscription)
            assert len(outbox.joins) == 1
            hub.leave(subscription)
        assert not outbox.joins
        assert not hub.catch_up(subscription)


def test_one_read_serves_all_who_wait_at_the_same_place(hub: Hub, client: redis.Redis, child: Producer) -> None:
    together = [Reader(hub, bus.epoch(client), 4) for _ in range(50)]
    apart, busy = Reader(hub, bus.epoch(client), 5), Reader(hub, bus.epoch(client), 4)
    busy.takes = False
    busy.outbox.offer(b"something that waits")
    together[0].read()
    assert all(reader.subscription.live and not reader.outbox.joins for reader in together)
    assert not apart.subscription.announced
    assert not busy.subscription.announced
    assert [reader.story() for reader in together] == [["subscribed 4", *range(5, 11)]] * 50
    assert apart.story() == ["subscribed 5", *range(6, 11)]


def test_a_silent_loss_is_found_by_one_look_at_all_topics(hub: Hub, client: redis.Redis, child: Producer) -> None:
    readers = [Reader(hub, bus.epoch(client), 10) for _ in range(2)]
    for reader in readers:
        reader.read()
    publish_more(client, child, 3)
    before: Any = client.info("commandstats")
    hub._audit()
    after: Any = client.info("commandstats")
    assert after["cmdstat_eval"]["calls"] - before["cmdstat_eval"]["calls"] == 2  # the look, and the reading of the one topic
    assert [reader.story() for reader in readers] == [["subscribed 10", 11, 12, 13]] * 2


def test_a_look_at_ten_thousand_topics_takes_ten_questions(client: redis.Redis) -> None:
    child = Producer(run_id="run_7")
    child.steps(1, 3)
    child.publish(client)
    before: Any = client.info("commandstats")
    found = bus.newest(client, [f"run_{number}" for number in range(10_000)])
    after: Any = client.info("commandstats")
    assert after["cmdstat_eval"]["calls"] - before["cmdstat_eval"]["calls"] == 10
    assert (len(found), found["run_7"], found["run_8"]) == (10_000, (bus.epoch(client), 3), (bus.epoch(client), 0))


def test_bytes_that_cannot_be_read_are_a_reset_and_no_hole() -> None:
    good = Producer().steps(1, 1)[0].pack()
    told = [said(frame) for frame in frames.events(RUN, "e", [(1, good), (2, b"\xc1"), (3, good)])]
    assert [frame["type"] for frame in told] == ["events", "reset", "events"]
    assert told[1]["seq"] == 2


def test_big_events_have_a_frame_each() -> None:
    big = [record.pack() for record in Producer().say(*(LogWritten(rank=0, lines=["x" * size]) for size in (900_000, 100, 100, 900_000)))]
    told = [said(frame) for frame in frames.events(RUN, "e", list(enumerate(big, 1)))]
    assert [[item["seq"] for item in frame["items"]] for frame in told] == [[1, 2, 3], [4]]


def test_a_cut_connection_loses_nothing(hub: Hub, client: redis.Redis, redis_url: str, child: Producer) -> None:
    with listening(hub), closing(bus.connect(redis_url)) as killer:
        reader = Reader(hub, bus.epoch(client), 10)
        for _ in range(3):
            killer.execute_command("CLIENT", "KILL", "TYPE", "pubsub")  # type: ignore[no-untyped-call]
            publish_more(killer, child, 20)
        wait_until(lambda: reader.story() == ["subscribed 10", *range(11, 71)], "all events are there", 10)
