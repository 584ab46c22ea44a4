"""A history that was lost gets its events again: from attempts that go on, and from those that are over. Real Redis."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from services.monitor.ingester import Ingester
from services.trainer.archive import KEPT_SECONDS, Archive, archive_of, retire
from services.trainer.rundir import RunDirectory
from services.trainer.shipper import Shipper
from services.trainer.spool import SpoolWriter
from services.trainer.tail import CHECK_SECONDS, Tail
from services.trainer.unread import LastSent, look_after
from serving.database import Database
from shared import bus
from shared.events import Envelope
from shared.training_events import LogWritten, StepCompleted
from tests.monitor import stored
from tests.monitor.producing import migrated
from tests.servers import wait_until
from tests.streams import read_entry

EVERYTHING = 1 << 30


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with bus.connect(redis_url) as client:
        yield client


@pytest.fixture
def shipper(client: redis.Redis) -> Iterator[Shipper]:
    shipper = Shipper(client)
    shipper.start()
    yield shipper
    shipper.stop()


@pytest.fixture
def attempts(tmp_path: Path) -> Path:
    (tmp_path / "attempts").mkdir()
    return tmp_path / "attempts"


def write(folder: Path, attempt: int, steps: range) -> RunDirectory:
    """As a training child and its agent do."""
    directory = RunDirectory(folder)
    (folder / "tokens").mkdir(parents=True, exist_ok=True)
    for spool, producer in ((directory.spool, "attempt"), (directory.agent_spool, "agent")):
        writer = SpoolWriter(spool, run_id="run_a", attempt=attempt, fence=attempt, producer=f"{producer}-{attempt}")
        for step in steps:
            said = StepCompleted(step=step, tokens=step, metrics={"train/loss": 1.0})
            writer.emit(said if producer == "attempt" else LogWritten(rank=0, lines=[f"line {step}"]))
        writer.close()
    return directory


def ship(shipper: Shipper, directory: RunDirectory) -> None:
    tails = [shipper.add(Tail(spool, lambda: None)) for spool in (directory.spool, directory.agent_spool)]
    for tail in tails:
        tail.close()
    wait_until(lambda: all(tail.shipped.is_set() for tail in tails), "all is shipped")
    for tail in tails:
        shipper.drop(tail)


def envelopes(client: redis.Redis) -> list[Envelope]:
    entries: Any = client.xrange(bus.stream_key("run_a"))
    return [read_entry(entry_id, fields, "e") for entry_id, fields in entries]


def in_redis(client: redis.Redis) -> list[tuple[str, int]]:
    return [(record.producer, record.producer_seq) for record in envelopes(client)]


def all_of(*producers: tuple[str, int]) -> list[tuple[str, int]]:
    return sorted((name, number) for name, count in producers for number in range(1, count + 1))


def lose_history(client: redis.Redis) -> None:
    """All was committed and trimmed; then its database was lost."""
    place = bus.read_range(client, "run_a", 0, 1)
    assert bus.commit(client, "run_a", place.epoch, place.newest, keep=0)
    assert in_redis(client) == []
    for topic, committed in bus.committed(client, list(bus.counted_topics(client))).items():
        assert bus.forget(client, topic, committed)


def settle(archive: Archive) -> Callable[[], bool]:
    def settled() -> bool:
        archive.look()
        return not archive.on_their_way

    return settled


def test_attempts_that_are_over_send_everything_again_once(attempts: Path, client: redis.Redis, shipper: Shipper) -> None:
    """The first has the lower fence."""
    for attempt in (1, 2):
        ship(shipper, write(attempts / f"att_{attempt}", attempt, range(1, 31)))
    retire(attempts / "att_1")  # the second one's folder waits for the next attempt
    assert not (attempts / "att_1").exists()
    assert {path.name for path in (archive_of(attempts) / "att_1").iterdir()} >= {"spool", "agent.spool"}
    assert {path.name for path in archive_of(attempts).iterdir()} == {"att_1"}
    archive = Archive(attempts, EVERYTHING, client, shipper)
    archive.look()
    assert not archive.on_their_way
    lose_history(client)
    archive.look()
    assert len(archive.on_their_way) == 4
    wait_until(settle(archive), "all is sent")
    everything = all_of(("attempt-1", 30), ("agent-1", 30), ("attempt-2", 30), ("agent-2", 30))
    assert sorted(in_redis(client)) == everything
    Archive(attempts, EVERYTHING, client, shipper).look()  # of an agent that is started anew: it knows what was answered
    wait_until(settle(archive), "nothing more")
    assert sorted(in_redis(client)) == everything
    assert [record.seq for record in envelopes(client)] == list(range(1, 121)), "numbers begin again, in a new epoch"


def test_what_a_fence_refused_is_not_said_later_either(attempts: Path, client: redis.Redis, shipper: Shipper) -> None:
    ship(shipper, write(attempts / "att_1", 1, range(1, 11)))
    client.hset(bus.counter_key("run_a"), "fence", 2)  # another attempt speaks
    ship(shipper, write(attempts / "att_1", 1, range(11, 21)))
    retire(attempts / "att_1")
    archive = Archive(attempts, EVERYTHING, client, shipper)
    lose_history(client)
    wait_until(settle(archive), "all is sent")
    assert sorted(in_redis(client)) == all_of(("attempt-1", 10), ("agent-1", 10))


def test_an_attempt_that_goes_on_is_asked_by_redis_itself(attempts: Path, client: redis.Redis, shipper: Shipper) -> None:
    directory = write(attempts / "att_1", 1, range(1, 21))
    tails = [shipper.add(Tail(spool, lambda: None)) for spool in (directory.spool, directory.agent_spool)]
    wait_until(lambda: len(in_redis(client)) == 40, "all is shipped")
    lose_history(client)
    archive = Archive(attempts, EVERYTHING, client, shipper)
    archive.look()
    assert not archive.on_their_way
    for tail in tails:
        tail.checked -= CHECK_SECONDS
    wait_until(lambda: len(in_redis(client)) == 40, "all is sent again")
    assert sorted(in_redis(client)) == all_of(("attempt-1", 20), ("agent-1", 20))


def test_the_oldest_make_room(attempts: Path, client: redis.Redis, shipper: Shipper) -> None:
    for attempt in range(1, 5):
        write(attempts / f"att_{attempt}", attempt, range(1, 50))
        retire(attempts / f"att_{attempt}")
    kept = archive_of(attempts)
    size = sum(file.stat().st_size for file in (kept / "att_4").iterdir())
    Archive(attempts, 2 * size + 10, client, shipper).look()
    assert {path.name for path in kept.iterdir()} == {"att_3", "att_4"}


def test_after_a_month_they_go(attempts: Path, client: redis.Redis, shipper: Shipper) -> None:
    for attempt in (1, 2):
        write(attempts / f"att_{attempt}", attempt, range(1, 5))
        retire(attempts / f"att_{attempt}")
    kept = archive_of(attempts)
    os.utime(kept / "att_1", (time.time() - KEPT_SECONDS - 1,) * 2)
    Archive(attempts, EVERYTHING, client, shipper).look()
    assert {path.name for path in kept.iterdir()} == {"att_2"}


def test_a_folder_without_events_leaves_nothing(attempts: Path) -> None:
    (attempts / "att_1" / "tokens").mkdir(parents=True)
    retire(attempts / "att_1")
    assert not (attempts / "att_1").exists()
    assert not archive_of(attempts).exists()


def notes(attempts: Path) -> list[Path]:
    return sorted(attempts.parent.rglob("*.unread"))


def take_all(client: redis.Redis, history: Database) -> None:
    ingester = Ingester(client, history)
    while ingester.step(0.05):
        pass


@pytest.fixture
def history(tmp_path: Path) -> Iterator[Database]:
    with closing(migrated(f"sqlite:///{tmp_path / 'monitor.db'}")) as database:
        yield database


@pytest.mark.parametrize("retired", [True, False], ids=["retired", "before the next attempt"])
def test_what_redis_lost_before_the_history_had_it_comes_again(
    attempts: Path, client: redis.Redis, shipper: Shipper, history: Database, retired: bool
) -> None:
    """Twice, and the second time to another agent."""
    ship(shipper, write(attempts / "att_1", 1, range(1, 31)))
    if retired:
        retire(attempts / "att_1")
    for _ in range(2):
        client.flushall()
        archive = Archive(attempts, EVERYTHING, client, shipper)
        archive.look()
        assert len(archive.on_their_way) == 2
        wait_until(settle(archive), "all is sent")
        assert sorted(in_redis(client)) == all_of(("attempt-1", 30), ("agent-1", 30))
    take_all(client, history)
    assert stored.steps(history) == list(range(1, 31))
    assert len(stored.log_text(history)) == 30
    assert len(notes(attempts)) == 2
    archive.look()
    assert notes(attempts) == []


def test_what_the_history_has_is_not_sent_again(attempts: Path, client: redis.Redis, shipper: Shipper, history: Database) -> None:
    for attempt in (1, 2):
        ship(shipper, write(attempts / f"att_{attempt}", attempt, range(1, 31)))
        retire(attempts / f"att_{attempt}")
    kept = archive_of(attempts) / "att_1"
    os.utime(kept, (1e9, time.time() - 86_400))
    before = kept.stat().st_mtime
    archive = Archive(attempts, EVERYTHING, client, shipper)
    archive.look()
    client.incr("events:born")  # a new epoch, with all its data
    archive.look()
    assert (archive.on_their_way, len(notes(attempts))) == ([], 4), "Redis has it, and the history has not"
    take_all(client, history)
    archive.look()
    assert (notes(attempts), kept.stat().st_mtime) == ([], before)
    client.flushall()
    archive.look()
    assert archive.on_their_way == []
    assert client.keys("events:counter:*") == []


def test_of_what_a_fence_refused_only_that_comes_again_which_was_taken(attempts: Path, client: redis.Redis, shipper: Shipper) -> None:
    ship(shipper, write(attempts / "att_1", 1, range(1, 11)))
    client.hset(bus.counter_key("run_a"), "fence", 2)
    ship(shipper, write(attempts / "att_1", 1, range(11, 21)))
    ship(shipper, write(attempts / "att_0", 0, range(1, 11)))  # refused from its first event on
    for name in ("att_0", "att_1"):
        retire(attempts / name)
    client.flushall()
    archive = Archive(attempts, EVERYTHING, client, shipper)
    wait_until(settle(archive), "all is sent")
    assert sorted(in_redis(client)) == all_of(("attempt-1", 10), ("agent-1", 10))
    archive.look()
    assert archive.on_their_way == []


def test_a_spool_that_lacks_what_was_sent_of_it_is_not_sent_for_ever(attempts: Path, client: redis.Redis, shipper: Shipper) -> None:
    directory = write(attempts / "att_1", 1, range(1, 11))
    ship(shipper, directory)
    directory.agent_spool.write_bytes(b"")
    os.truncate(directory.spool, directory.spool.stat().st_size // 2)
    client.flushall()
    archive = Archive(attempts, EVERYTHING, client, shipper)
    wait_until(settle(archive), "what is left is sent")
    for _ in range(2):
        archive.look()
        assert archive.on_their_way == []
    assert 0 < len(in_redis(client)) < 10
    assert [note.name for note in notes(attempts)] == ["spool.unread"]


def test_a_topic_that_cannot_be_asked_about_does_not_stop_others(attempts: Path, client: redis.Redis, shipper: Shipper) -> None:
    ship(shipper, write(attempts / "att_1", 1, range(1, 11)))
    retire(attempts / "att_1")
    other = write(archive_of(attempts) / "att_0", 1, range(1, 2))
    look_after(other.spool, LastSent(topic="run_b", producer="attempt-1", producer_seq=1))
    client.flushall()
    client.set(bus.counter_key("run_b"), "text")
    archive = Archive(attempts, EVERYTHING, client, shipper)
    archive.look()
    assert len(archive.on_their_way) == 2
