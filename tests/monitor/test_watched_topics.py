"""What the detectors keep of a topic: while it is silent, over epochs, and where it cannot be read any more."""

import logging
import math

import pytest
import redis
from sqlalchemy import text

from serving.database import Database
from shared import bus
from shared.run_events import RunStateChanged
from tests.monitor.producing import RUN
from tests.monitor.watching import Watching, calm, losses, run_of


@pytest.fixture
def watching(client: redis.Redis, sqlite: Database) -> Watching:
    return Watching(client, sqlite)


def later(watching: Watching, seconds: float) -> None:
    watching.clock.now += seconds
    watching.holder.take(watching.database, watching.clock.now)
    watching.see()


def retire(watching: Watching) -> None:
    """As the ingester does with a topic that has been silent for an hour."""
    newest = bus.read_range(watching.client, RUN, 0, 1)
    bus.commit(watching.client, RUN, newest.epoch, newest.newest, keep=0)
    assert RUN.encode() not in watching.client.smembers(bus.TOPICS)


def test_a_stall_is_told_although_its_topic_was_retired_meanwhile(watching: Watching) -> None:
    api, child = run_of({"stall": {"seconds": 7200}})
    losses(child, 1, calm(40))
    watching.see(api, child)
    later(watching, 3700)
    retire(watching)
    later(watching, 10)
    assert watching.alerts() == []
    later(watching, 3600)
    assert [alert.key for alert in watching.alerts()] == ["stall"]
    losses(child, 41, calm(2))
    watching.see(child)
    assert watching.alerts()[0].cleared == "steps come again"


def test_a_run_that_is_not_at_work_is_let_go_with_its_topic(watching: Watching) -> None:
    api, child = run_of()
    losses(child, 1, calm(40))
    api.say(RunStateChanged(run_id=RUN, old="running", new="paused", by="me"))
    watching.see(api, child)
    later(watching, 3700)
    retire(watching)
    later(watching, 10)
    assert RUN not in watching.detecting.topics


def test_what_a_new_epoch_does_not_bring_back_is_counted(watching: Watching, caplog: pytest.LogCaptureFixture) -> None:
    """After FLUSHALL the producer sends from the oldest event it still has."""
    api, child = run_of()
    losses(child, 1, calm(20))
    watching.see(api, child)
    later(watching, 10)  # it is saved
    watching.client.flushall()
    losses(child, 21, [*calm(19), math.nan])
    bus.publish(watching.client, child.records[30:], oldest=31)
    watching.see()
    assert [alert.body["step"] for alert in watching.alerts()] == [40]
    assert watching.detecting.topics[RUN].missed == 10
    assert "10 events were gone before they were watched" in caplog.text


@pytest.mark.parametrize("memory", [b"\xc1", b"\x81\xa4spec\xc0", b"\x07"], ids=["not msgpack", "no such spec", "a number"])
def test_a_memory_that_cannot_be_read_stops_nobody(watching: Watching, caplog: pytest.LogCaptureFixture, memory: bytes) -> None:
    runs = {run_id: run_of({"loss_spike": {"warmup": 20}}, run_id) for run_id in ("run_a", "run_b")}
    for api, child in runs.values():
        losses(child, 1, calm(40))
        watching.see(api, child)
    later(watching, 10)
    with watching.database.writing() as session:
        session.execute(text("UPDATE watched_topics SET memory = :memory WHERE topic = 'run_a'"), {"memory": memory})
    watching.restart("two")
    later(watching, 60)
    with caplog.at_level(logging.ERROR):
        for _, child in runs.values():
            losses(child, 41, [9.0])
            watching.see(child)
    later(watching, 10)
    assert [(alert.run_id, alert.key) for alert in watching.alerts()] == [("run_a", "loss_spike"), ("run_b", "loss_spike")]
    assert "what was remembered of topic run_a" in caplog.text
    watching.restart("three")
    later(watching, 60)
    assert watching.detecting.topics["run_a"].seq > 40, "it is remembered again"


def test_a_birth_that_cannot_be_read_stops_nobody(watching: Watching) -> None:
    api, child = run_of()
    with watching.database.writing() as session:
        columns = "topic, epoch, seq, attempt, producer, producer_seq, at, type, body"
        values = f"'{RUN}', 'e', 1, NULL, 'api', 1, 1.0, 'RunCreated', :body"
        session.execute(text(f"INSERT INTO events ({columns}) VALUES ({values})"), {"body": b"\xc1"})
    losses(child, 1, [math.nan])
    watching.see(api, child)
    assert [alert.key for alert in watching.alerts()] == ["nan"]
