"""A history that lacks what Redis noted is built again; one that has it all is left alone, whatever Redis or the ingester died of."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis

from services.monitor import reading
from services.monitor.ingester import Ingester
from services.monitor.models import Position
from serving.database import Database
from shared import bus
from shared.training_events import StepCompleted
from tests.monitor import stored
from tests.monitor.producing import RUN, Producer, migrated, step


@pytest.fixture
def ingester(client: redis.Redis, database: Database) -> Ingester:
    return Ingester(client, database)


def take_all(ingester: Ingester) -> None:
    while ingester.step(0.05):
        pass


@contextmanager
def backup_of(folder: Path) -> Iterator[Database]:
    """As the database of the fixture `sqlite` is now."""
    with closing(sqlite3.connect(folder / "monitor.db")) as connection:
        connection.execute("VACUUM INTO ?", (str(folder / "backup.db"),))
    with closing(Database(f"sqlite:///{folder / 'backup.db'}")) as database:
        yield database


def come_back_with_data(client: redis.Redis) -> None:
    """A new epoch, as after a restart; nothing is lost."""
    client.incr("events:born")


def test_a_history_that_is_gone_is_built_again_from_its_producers(client: redis.Redis, database: Database, tmp_path: Path) -> None:
    child, other = Producer(), Producer("other", run_id="run_b")
    child.steps(1, 300)
    other.steps(1, 20)
    for producer in (child, other):
        producer.publish(client)
    take_all(Ingester(client, database, kept=100))
    with closing(migrated(f"sqlite:///{tmp_path / 'another.db'}")) as empty:
        ingester = Ingester(client, empty, kept=100)
        take_all(ingester)
        child.steps(301, 310)
        for producer in (child, other):
            producer.publish(client)
        take_all(ingester)
        assert stored.steps(empty) == list(range(1, 311))
        assert [step for _, step, _ in stored.points(empty, run_id="run_b")] == list(range(1, 21))


def test_a_history_from_a_backup_gets_what_came_after_it(client: redis.Redis, sqlite: Database, tmp_path: Path) -> None:
    child = Producer()
    child.steps(1, 100)
    child.publish(client)
    take_all(Ingester(client, sqlite, kept=10))
    with backup_of(tmp_path) as older:
        child.steps(101, 200)
        child.publish(client)
        take_all(Ingester(client, sqlite, kept=10))
        ingester = Ingester(client, older, kept=10)
        take_all(ingester)
        child.publish(client)
        take_all(ingester)
        assert stored.steps(older) == list(range(1, 201))
        loss = bus.wanted(client)
        take_all(Ingester(client, older, kept=10))
        assert bus.wanted(client) == loss, "and then nothing is missed any more"


def test_nothing_is_taken_for_lost_in_a_redis_that_came_back(ingester: Ingester, client: redis.Redis, database: Database) -> None:
    child = Producer()
    child.steps(1, 50)
    child.publish(client)
    take_all(ingester)
    for again in (Ingester(client, database), ingester):
        take_all(again)
    client.flushall()
    child.publish(client)
    take_all(ingester)
    assert bus.wanted(client) == ""
    assert stored.steps(database) == list(range(1, 51))


def test_a_backup_from_an_earlier_life_of_redis_gets_what_came_after_it(client: redis.Redis, sqlite: Database, tmp_path: Path) -> None:
    """Its number is higher than what was noted since, which means nothing."""
    child = Producer()
    child.steps(1, 300)
    child.publish(client)
    take_all(Ingester(client, sqlite))
    with backup_of(tmp_path) as older:
        client.flushall()
        child.steps(301, 400)
        assert bus.publish(client, child.records[250:], oldest=251) == bus.Taken(400)  # it keeps its newest events only
        take_all(Ingester(client, sqlite, kept=10))
        assert bus.committed(client, [RUN]) == {RUN: 150}
        ingester = Ingester(client, older, kept=10)
        take_all(ingester)
        assert bus.wanted(client) != ""
        assert bus.publish(client, child.records[250:], oldest=251) == bus.Taken(400)
        take_all(ingester)
        assert stored.steps(older) == list(range(1, 401))


class Dies(Ingester):
    """Between its transaction and what it tells Redis."""

    def _take(self, batch: object) -> None:
        super()._take(batch)  # type: ignore[arg-type]
        raise redis.ConnectionError("killed here")


def test_an_ingester_killed_in_a_new_epoch_does_not_make_the_next_one_miss_anything(
    client: redis.Redis, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = Producer()
    child.steps(1, 400)
    child.publish(client)
    take_all(Ingester(client, database))
    come_back_with_data(client)
    monkeypatch.setattr(reading, "BATCH_ENTRIES", 100)
    with pytest.raises(redis.ConnectionError):
        Dies(client, database).step(0.01)
    child.steps(401, 420)
    child.publish(client)
    take_all(Ingester(client, database))
    assert bus.wanted(client) == ""
    assert stored.steps(database) == list(range(1, 421))


@pytest.mark.parametrize("behind", [False, True])
def test_what_an_earlier_version_noted_is_compared_by_its_number(
    client: redis.Redis, sqlite: Database, tmp_path: Path, behind: bool
) -> None:
    child = Producer()
    child.steps(1, 100)
    child.publish(client)
    take_all(Ingester(client, sqlite))
    with backup_of(tmp_path) as older:
        child.steps(101, 120)
        child.publish(client)
        take_all(Ingester(client, sqlite))
        client.hdel(bus.counter_key(RUN), "committed_epoch")
        come_back_with_data(client)
        Ingester(client, older if behind else sqlite).step(0.01)
    assert bool(bus.wanted(client)) == behind


def test_an_event_that_no_database_can_hold_is_told_and_not_missed_later(
    ingester: Ingester, client: redis.Redis, database: Database
) -> None:
    """It is the last one."""
    child = Producer()
    child.say(*map(step, range(1, 6)), StepCompleted(step=1 << 63, tokens=1, metrics={"train/loss": 1.0}))
    child.publish(client)
    take_all(ingester)
    for _ in range(2):
        take_all(Ingester(client, database))
        assert bus.wanted(client) == ""
    with database.reading() as session:
        position = session.get(Position, RUN)
    assert position is not None
    assert (position.seq, position.events, position.refused) == (6, 5, 1)
    assert position.refused_reason.startswith("event 6 cannot be stored: ")
    assert stored.steps(database) == [1, 2, 3, 4, 5]
