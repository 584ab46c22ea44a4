"""The publish protocol against a real Redis: numbering, duplicates, fences, rewinds, epochs, trimming."""

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from shared import bus
from shared.events import Record
from shared.training_events import LogWritten, StepCompleted
from tests.servers import free_port, redis_server
from tests.streams import read_entry, read_live

RUN = "run_a"


def record(producer_seq: int, *, producer: str = "child", fence: int | None = None, run_id: str = RUN) -> Record:
    event = StepCompleted(step=producer_seq, tokens=producer_seq * 10, metrics={"train/loss": float("nan")})
    return Record(run_id=run_id, attempt=1, fence=fence, producer=producer, producer_seq=producer_seq, at=1.0, event=event)


def records(first: int, last: int, *, producer: str = "child", fence: int | None = None) -> list[Record]:
    return [record(number, producer=producer, fence=fence) for number in range(first, last + 1)]


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with closing(bus.connect(redis_url, blocking_seconds=1)) as client:
        yield client


def stream(client: redis.Redis, topic: str = RUN) -> list[tuple[int, str, int]]:
    """(seq, producer, producer_seq) of all that is in the topic's stream."""
    page = bus.read_range(client, topic, 0, 10_000, size=1 << 30)
    read = [read_entry(f"{seq}-0".encode(), {b"r": packed}, page.epoch) for seq, packed in page.entries]
    return [(envelope.seq, envelope.producer, envelope.producer_seq) for envelope in read]


def test_events_are_numbered_per_topic_without_holes(client: redis.Redis) -> None:
    assert bus.publish(client, records(1, 2)) == bus.Taken(2)
    assert bus.publish(client, records(1, 1, producer="agent")) == bus.Taken(1)
    assert bus.publish(client, [record(1, run_id="run_b")]) == bus.Taken(1)
    assert stream(client) == [(1, "child", 1), (2, "child", 2), (3, "agent", 1)]
    assert stream(client, "run_b") == [(1, "child", 1)]
    assert client.smembers(bus.TOPICS) == {b"run_a", b"run_b"}


def test_what_was_taken_is_taken_once(client: redis.Redis) -> None:
    bus.publish(client, records(1, 3))
    assert bus.publish(client, records(1, 3)) == bus.Taken(3)
    assert bus.publish(client, records(2, 5)) == bus.Taken(5)
    assert [producer_seq for _, _, producer_seq in stream(client)] == [1, 2, 3, 4, 5]


def test_a_hole_is_answered_with_where_to_go_on(client: redis.Redis) -> None:
    assert bus.publish(client, records(4, 5)) == bus.Rewind(1)
    bus.publish(client, records(1, 2))
    assert bus.publish(client, records(4, 5)) == bus.Rewind(3)
    assert len(stream(client)) == 2


def test_publishing_the_last_record_again_tells_whether_it_is_still_there(client: redis.Redis) -> None:
    bus.publish(client, records(1, 3))
    assert bus.publish(client, [record(3)]) == bus.Taken(3)
    client.flushall()
    assert bus.publish(client, [record(3)]) == bus.Rewind(1)


def test_a_lower_fence_is_refused_from_the_moment_a_higher_one_has_spoken(client: redis.Redis) -> None:
    assert bus.publish(client, records(1, 1, fence=1)) == bus.Taken(1)
    assert bus.publish(client, records(1, 1, producer="second", fence=2)) == bus.Taken(1)
    assert bus.publish(client, records(2, 2, fence=1)) == bus.Refused(2)
    assert bus.publish(client, records(1, 1, producer="api")) == bus.Taken(1), "the platform itself has no fence"
    assert len(stream(client)) == 3


def test_live_messages_carry_topic_epoch_and_seq(client: redis.Redis) -> None:
    with client.pubsub() as subscription:  # type: ignore[no-untyped-call]
        subscription.subscribe(bus.LIVE_CHANNEL)
        assert subscription.get_message(timeout=5)["type"] == "subscribe"
        bus.publish(client, records(1, 2))
        live = [read_live(subscription.get_message(timeout=5)["data"]) for _ in range(2)]
    assert [(envelope.run_id, envelope.seq, envelope.epoch) for envelope in live] == [(RUN, seq, bus.epoch(client)) for seq in (1, 2)]
    assert isinstance(live[0].event, StepCompleted)
    assert live[0].event.metrics["train/loss"] != live[0].event.metrics["train/loss"], "NaN travels"


def test_the_epoch_stays_until_events_may_be_lost(client: redis.Redis) -> None:
    before = bus.epoch(client)
    bus.publish(client, records(1, 1))
    assert bus.epoch(client) == before
    client.flushall()
    after = bus.epoch(client)
    assert after != before
    bus.publish(client, records(1, 1))
    assert bus.read_range(client, RUN, 0, 10).epoch == after


def test_a_restart_is_a_new_epoch_and_keeps_the_events(tmp_path: Path) -> None:
    port = free_port()
    with redis_server(tmp_path, port) as url, closing(bus.connect(url)) as client:
        bus.publish(client, records(1, 3))
        before = bus.epoch(client)
    with redis_server(tmp_path, port) as url, closing(bus.connect(url)) as client:
        assert bus.epoch(client) != before
        assert bus.publish(client, records(3, 4)) == bus.Taken(4)
        assert [seq for seq, _, _ in stream(client)] == [1, 2, 3, 4]


def test_commit_trims_behind_what_is_kept(client: redis.Redis) -> None:
    bus.publish(client, records(1, 1000))
    assert bus.commit(client, RUN, bus.epoch(client), 900, keep=100)
    page = bus.read_range(client, RUN, 0, 1)
    assert (page.newest, page.committed, page.entries[0][0]) == (1000, 900, 801)


def test_commit_of_another_epoch_does_nothing(client: redis.Redis) -> None:
    bus.publish(client, records(1, 10))
    stale = bus.epoch(client)
    client.flushall()
    bus.publish(client, records(1, 10))
    assert not bus.commit(client, RUN, stale, 10, keep=0)
    assert len(stream(client)) == 10
    assert bus.read_range(client, RUN, 0, 1).committed == 0


@pytest.mark.parametrize(("taken", "stays"), [(3, False), (2, True)])
def test_a_drained_topic_leaves_the_set_unless_something_is_unread(client: redis.Redis, taken: int, stays: bool) -> None:
    bus.publish(client, records(1, 3))
    bus.commit(client, RUN, bus.epoch(client), taken, keep=0)
    assert bool(client.sismember(bus.TOPICS, RUN)) == stays
    assert [seq for seq, _, _ in stream(client)] == list(range(taken + 1, 4))
    assert bus.publish(client, records(4, 4)) == bus.Taken(4)
    assert client.sismember(bus.TOPICS, RUN)


def test_a_full_redis_refuses_events_but_can_be_drained(tmp_path: Path) -> None:
    with redis_server(tmp_path) as url, closing(bus.connect(url)) as client:
        used = int(client.info("memory")["used_memory"])
        client.config_set("maxmemory", used + 3_000_000)
        published = publish_until_full(client)
        assert [producer_seq for _, _, producer_seq in stream(client)] == list(range(1, published + 1)), "nothing half-made"
        assert bus.commit(client, RUN, bus.epoch(client), published, keep=0)
        assert bus.publish(client, [record(published + 1)]) == bus.Taken(published + 1)


def publish_until_full(client: redis.Redis) -> int:
    """The number of events that went in."""
    for number in range(1, 100):
        event = LogWritten(rank=0, lines=["x" * 1000] * 500)
        try:
            bus.publish(client, [Record(run_id=RUN, producer="child", producer_seq=number, at=1.0, event=event)])
        except redis.exceptions.OutOfMemoryError:
            return number - 1
    raise AssertionError("it was never full")


def test_random_producers_over_random_losses_end_complete(client: redis.Redis) -> None:
    """A producer that goes back to where it is asked to has every event in the stream, each once and in order."""
    dice = random.Random(7)
    sent = dict.fromkeys(("a", "b", "c"), 0)
    for _ in range(200):
        producer = dice.choice(list(sent))
        if dice.random() < 0.03:
            client.flushall()
        sent[producer] = send(client, producer, sent[producer] + 1, sent[producer] + dice.randint(1, 5))
    for producer, last in sent.items():
        first = last
        while (reached := send(client, producer, first, last)) < last:
            first = reached + 1
    read = stream(client)
    assert [seq for seq, _, _ in read] == list(range(1, len(read) + 1))
    assert {producer: [number for _, name, number in read if name == producer] for producer in sent} == {
        producer: list(range(1, sent[producer] + 1)) for producer in sent
    }


def send(client: redis.Redis, producer: str, first: int, last: int) -> int:
    """The last event that Redis has of this producer."""
    match bus.publish(client, records(first, last, producer=producer)):
        case bus.Taken(producer_seq):
            return producer_seq
        case bus.Rewind(producer_seq):
            return producer_seq - 1
        case bus.Refused():
            raise AssertionError("there is no fence")


def test_a_topic_that_is_forgotten_asks_for_everything_again_in_a_new_epoch(client: redis.Redis) -> None:
    bus.publish(client, records(1, 3, fence=7))
    bus.publish(client, [record(1, run_id="run_b")])
    before = bus.epoch(client)
    assert bus.commit(client, RUN, before, 3, keep=0)
    assert bus.committed(client, [RUN, "run_b", "run_c"]) == {RUN: 3, "run_b": 0, "run_c": 0}
    assert bus.noted(client, [RUN, "run_b"]) == {RUN: (before, 3), "run_b": ("", 0)}
    assert bus.wanted(client) == ""
    assert not bus.forget(client, RUN, 2), "somebody else has seen more of it"
    assert (bus.epoch(client), bus.wanted(client)) == (before, "")
    assert bus.forget(client, RUN, 3)
    assert bus.epoch(client) != before
    assert bus.wanted(client) != ""
    assert bus.publish(client, [record(3, fence=7)]) == bus.Rewind(1)
    assert bus.publish(client, records(1, 3, fence=7)) == bus.Taken(3)
    assert stream(client) == [(1, "child", 1), (2, "child", 2), (3, "child", 3)]
    assert bus.publish(client, [record(1, run_id="run_b")]) == bus.Taken(1), "other topics have lost nothing"


def test_what_had_been_taken_may_come_again_behind_a_higher_fence(client: redis.Redis) -> None:
    bus.publish(client, records(1, 1, producer="attempt-2", fence=2))
    assert bus.publish(client, records(1, 2, producer="attempt-1", fence=1)) == bus.Refused(2)
    assert bus.publish(client, records(1, 2, producer="attempt-1", fence=1), fenced=False) == bus.Taken(2)
    assert bus.publish(client, records(1, 1, producer="attempt-0", fence=1)) == bus.Refused(2)


def test_who_lacks_the_oldest_events_is_not_asked_for_them(client: redis.Redis) -> None:
    """Its numbers go on; a producer whose events Redis knows is not set back by it."""
    assert bus.publish(client, records(5, 6)) == bus.Rewind(1)
    assert bus.publish(client, records(5, 6), oldest=5) == bus.Taken(6)
    assert bus.publish(client, records(7, 7), oldest=5) == bus.Taken(7)
    assert bus.publish(client, records(9, 9), oldest=5) == bus.Rewind(8)


def test_a_refusal_tells_what_was_taken_before(client: redis.Redis) -> None:
    assert bus.publish(client, records(1, 3, fence=1)) == bus.Taken(3)
    client.hset(bus.counter_key(RUN), "fence", 2)
    answer = bus.publish(client, records(4, 5, fence=1))
    assert isinstance(answer, bus.Refused)
    assert (answer.fence, answer.producer_seq) == (2, 3)
    assert bus.publish(client, records(4, 5, fence=1), fenced=False) == bus.Taken(5)
    assert client.hget(bus.counter_key(RUN), "fence") == b"2"
