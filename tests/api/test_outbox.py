"""The outbox against a real Redis: order, restarts, several relays at once, Redis emptied in between."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
import redis

from services.api.models import OutboxRow
from services.api.outbox import record, record_all, relay, resend_lost
from services.api.scheduler import Scheduler
from serving.outbox import _BATCH, RESEND_SECONDS
from shared.bus import commit, committed, connect, counted_topics, forget, read_range, stream_key
from shared.events import Envelope
from shared.run_events import RunCreated
from shared.settings import Settings
from tests.api.stage import Stage
from tests.servers import free_port
from tests.streams import read_entry


@pytest.fixture
def client(settings: Settings) -> Iterator[redis.Redis]:
    with connect(settings.redis_url) as client:
        yield client


def write(stage: Stage, topic: str, name: str) -> None:
    with stage.database.writing() as session:
        record(session, topic, RunCreated(name=name, by="test"), stage.now)


def published(client: redis.Redis, topic: str) -> list[Envelope]:
    entries = cast(list[tuple[bytes, dict[bytes, bytes]]], client.xrange(stream_key(topic)))
    return [read_entry(entry_id, fields, "epoch") for entry_id, fields in entries]


def names(client: redis.Redis, topic: str) -> list[str]:
    return [envelope.event.name for envelope in published(client, topic) if isinstance(envelope.event, RunCreated)]


def unsent(stage: Stage) -> int:
    with stage.database.reading() as session:
        return session.query(OutboxRow).where(OutboxRow.sent_at.is_(None)).count()


def test_events_go_out_once_and_in_order(both: Stage, client: redis.Redis) -> None:
    for name in ("a", "b", "c"):
        write(both, "run_1", name)
        write(both, "run_2", name)
    assert relay(both.database, client) == 6
    assert relay(both.database, client) == 0
    write(both, "run_1", "d")
    assert relay(both.database, client) == 1
    assert names(client, "run_1") == ["a", "b", "c", "d"]
    assert names(client, "run_2") == ["a", "b", "c"]
    last = published(client, "run_1")[-1]
    assert (last.producer, last.producer_seq, last.fence, last.attempt, last.run_id, last.at) == ("api", 4, None, None, "run_1", both.now)


def test_a_transaction_that_is_undone_leaves_no_hole(both: Stage, client: redis.Redis) -> None:
    write(both, "run_1", "a")
    with both.database.writing() as session:
        record(session, "run_1", RunCreated(name="undone", by="test"), both.now)
        session.flush()
        session.rollback()
    write(both, "run_1", "b")
    relay(both.database, client)
    assert [(envelope.producer_seq, envelope.seq) for envelope in published(client, "run_1")] == [(1, 1), (2, 2)]
    assert names(client, "run_1") == ["a", "b"]


def test_several_in_one_statement_are_numbered_by_topic_in_their_order(both: Stage, client: redis.Redis) -> None:
    write(both, "run_1", "a")
    with both.database.writing() as session:
        told = [("run_1", "b"), ("cluster", "x"), ("run_2", "c"), ("run_1", "d"), ("cluster", "y")]
        record_all(session, [(topic, RunCreated(name=name, by="test")) for topic, name in told], both.now)
    write(both, "run_2", "e")
    assert relay(both.database, client) == 7
    assert [names(client, topic) for topic in ("run_1", "run_2", "cluster")] == [["a", "b", "d"], ["c", "e"], ["x", "y"]]
    assert [envelope.producer_seq for envelope in published(client, "run_1")] == [1, 2, 3]


def test_numbers_have_no_holes_when_many_write_at_once(both: Stage) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write(both, "run_1", str(number)), range(40)))
    assert len(both.events("run_1")) == 40


def test_several_relays_at_once_publish_nothing_twice(both: Stage, client: redis.Redis) -> None:
    for number in range(50):
        write(both, f"run_{number % 3}", str(number))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: relay(both.database, client), range(8)))
    assert unsent(both) == 0
    told = sorted(int(name) for number in range(3) for name in names(client, f"run_{number}"))
    assert told == list(range(50))


def test_an_emptied_redis_asks_for_everything_again(both: Stage, client: redis.Redis) -> None:
    for name in ("a", "b"):
        write(both, "run_1", name)
    relay(both.database, client)
    client.flushall()
    write(both, "run_1", "c")
    assert relay(both.database, client) == 1
    assert names(client, "run_1") == ["a", "b", "c"]
    assert unsent(both) == 0


def test_a_topic_without_news_is_told_again_too(stage: Stage, client: redis.Redis, settings: Settings) -> None:
    write(stage, "run_1", "a")
    write(stage, "run_1", "b")
    relay(stage.database, client)
    client.flushall()
    assert relay(stage.database, client) == 0
    resend_lost(stage.database, client, stage.now + 1)
    assert names(client, "run_1") == [], "only topics that were active since then"
    resend_lost(stage.database, client, stage.now)
    assert names(client, "run_1") == ["a", "b"]
    resend_lost(stage.database, client, stage.now)
    assert names(client, "run_1") == ["a", "b"]


@pytest.mark.parametrize("news", [False, True], ids=["no news", "a new event"])
def test_more_than_one_batch_is_sent_again_at_once(stage: Stage, client: redis.Redis, news: bool) -> None:
    count = 2 * _BATCH + 1
    with stage.database.writing() as session:
        for number in range(count):
            record(session, "run_1", RunCreated(name=str(number), by="test"), stage.now)
    while relay(stage.database, client):
        pass
    client.flushall()
    if news:
        write(stage, "run_1", str(count))
        assert relay(stage.database, client) == 1
    else:
        resend_lost(stage.database, client, stage.now)
    assert names(client, "run_1") == [str(number) for number in range(count + news)]
    assert unsent(stage) == 0


def test_a_history_that_asks_gets_also_what_is_old(stage: Stage, client: redis.Redis, settings: Settings) -> None:
    long_ago = stage.now
    stage.now -= 2 * RESEND_SECONDS
    write(stage, "run_1", "a")
    stage.now = long_ago
    write(stage, "run_2", "b")
    scheduler = Scheduler(settings, stage.database, stage.storage, client=client, send_hint=lambda _worker: None)
    scheduler.tell()
    for topic in ("run_1", "run_2"):
        place = read_range(client, topic, 0, 1)
        assert commit(client, topic, place.epoch, place.newest, keep=0)
    for topic, seq in committed(client, list(counted_topics(client))).items():
        assert forget(client, topic, seq)
    scheduler.tell()
    assert names(client, "run_1") == [], "it looks every few seconds"
    for _ in range(2):
        scheduler.relay.looked_at = float("-inf")
        scheduler.tell()
        assert (names(client, "run_1"), names(client, "run_2")) == (["a"], ["b"])


def test_rows_wait_while_redis_is_down(stage: Stage, settings: Settings) -> None:
    write(stage, "run_1", "a")
    with connect(f"redis://127.0.0.1:{free_port()}/0") as nobody, pytest.raises(redis.RedisError):
        relay(stage.database, nobody)
    assert unsent(stage) == 1


def test_a_scheduler_without_redis_still_places_and_recovers(stage: Stage, settings: Settings, client: redis.Redis) -> None:
    def no_hint(worker: str) -> None:
        raise ConnectionError(worker)

    with connect(f"redis://127.0.0.1:{free_port()}/0") as nobody:
        scheduler = Scheduler(settings, stage.database, stage.storage, client=nobody, send_hint=no_hint)
        stage.beat()
        run = stage.submit()
        scheduler.tick(stage.now)
        scheduler.tell()
        assert scheduler.failing == {"hints", "outbox"}
        assert stage.run(run["id"])["state"] == "starting"
        scheduler.relay.client = client
        scheduler.tell()
        assert scheduler.failing == set()
        assert unsent(stage) == 0


def test_one_topic_that_redis_refuses_holds_up_no_other(stage: Stage, client: redis.Redis) -> None:
    client.set(stream_key("run_1"), "not ours")
    for topic in ("run_1", "run_2"):
        write(stage, topic, "a")
    with pytest.raises(RuntimeError, match="events of 1 topics wait, of run_1 because"):
        relay(stage.database, client)
    assert (names(client, "run_2"), unsent(stage)) == (["a"], 1)
    client.delete(stream_key("run_1"))
    assert relay(stage.database, client) == 1
    assert [(envelope.producer_seq, envelope.seq) for envelope in published(client, "run_1")] == [(1, 1)]
