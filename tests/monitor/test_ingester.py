"""The ingester against a real Redis that forgets, dies and comes back."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis

from services.monitor.ingest import Entries
from services.monitor.ingester import DRAINED_SECONDS, KEPT_BYTES, Ingester
from services.monitor.main_ingester import run
from serving.database import Database
from shared import bus
from shared.training_events import EvaluationCompleted, LogWritten
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET
from tests.monitor import stored
from tests.monitor.producing import RUN, Producer, migrated, step
from tests.servers import free_port, wait_until


@pytest.fixture
def ingester(client: redis.Redis, database: Database) -> Ingester:
    return Ingester(client, database)


def test_it_reads_what_is_published_and_tells_redis(ingester: Ingester, client: redis.Redis, database: Database) -> None:
    child = Producer()
    child.steps(1, 50)
    child.publish(client)
    assert ingester.step() == 50
    child.steps(51, 60)
    child.publish(client)
    assert ingester.step() == 10
    assert stored.steps(database) == list(range(1, 61))
    assert bus.read_range(client, RUN, 0, 1).committed == 60


def test_another_ingester_goes_on_where_the_first_died(ingester: Ingester, client: redis.Redis, database: Database) -> None:
    child = Producer()
    child.steps(1, 50)
    child.publish(client)
    ingester.step()
    child.steps(51, 60)
    child.publish(client)
    assert Ingester(client, database).step() == 10
    assert ingester.step() == 10, "it reads them too"
    assert stored.steps(database) == list(range(1, 61))


def test_after_flushall_a_producer_sends_all_again_and_history_has_it_once(
    ingester: Ingester, client: redis.Redis, database: Database
) -> None:
    child, other = Producer(), Producer("agent")
    child.steps(1, 50)
    child.publish(client)
    ingester.step()
    client.flushall()
    other.steps(1001, 1010)
    other.publish(client)
    child.steps(51, 60)
    child.publish(client)
    while ingester.step(0.05):
        pass
    assert sorted(stored.steps(database)) == [*range(1, 61), *range(1001, 1011)]


def test_a_change_of_epoch_during_the_read_is_not_taken_for_the_old_one(client: redis.Redis, sqlite: Database) -> None:
    class Unlucky(Ingester):
        def _read(self, block_seconds: float) -> dict[str, list[tuple[int, bytes]]]:  # type: ignore[override]
            batch = super()._read(block_seconds)
            client.flushall()
            return dict(batch)  # type: ignore[arg-type]

    child = Producer()
    child.steps(1, 5)
    child.publish(client)
    assert Unlucky(client, sqlite).step() == 0
    assert stored.steps(sqlite) == []
    child.publish(client)
    assert Ingester(client, sqlite).step() == 5


def test_redis_keeps_the_newest_entries_only(client: redis.Redis, sqlite: Database) -> None:
    child = Producer()
    child.steps(1, 1000)
    child.publish(client)
    Ingester(client, sqlite, kept=200).step()
    assert bus.read_range(client, RUN, 0, 1).entries[0][0] == 801


def test_a_drained_topic_leaves_and_comes_back(client: redis.Redis, sqlite: Database) -> None:
    now = [0.0]
    ingester = Ingester(client, sqlite, clock=lambda: now[0])
    child = Producer()
    child.steps(1, 10)
    child.publish(client)
    ingester.step()
    now[0] += DRAINED_SECONDS + 1
    ingester.step(0.01)
    assert not client.sismember(bus.TOPICS, RUN)
    assert bus.read_range(client, RUN, 0, 10).entries == ()
    child.steps(11, 20)
    child.publish(client)
    assert ingester.step() == 10
    assert stored.steps(sqlite) == list(range(1, 21))


def test_an_event_that_no_database_can_hold_does_not_stop_the_others(ingester: Ingester, client: redis.Redis, database: Database) -> None:
    child = Producer()
    child.say(step(1), EvaluationCompleted(step=1 << 63, tokens=1, metrics={"val/loss": 1.0}), step(2))
    child.publish(client)
    assert ingester.step() == 3
    child.steps(3, 3)
    child.publish(client)
    assert ingester.step() == 1
    assert stored.steps(database) == [1, 2, 3]
    assert stored.points(database, "val/loss") == []


def test_an_event_alone_in_the_way_of_another_ingester_is_not_taken_for_bad(client: redis.Redis, sqlite: Database) -> None:
    class InTheWay(Ingester):
        """The first transaction finds a row that was not there when it looked."""

        def _take(self, batch: Mapping[str, Entries]) -> None:
            self._take_halves(batch)

    child = Producer()
    child.steps(1, 1)
    child.publish(client)
    InTheWay(client, sqlite).step()
    assert stored.steps(sqlite) == [1]


def test_a_topic_with_a_broken_key_is_taken_once_redis_was_emptied(ingester: Ingester, client: redis.Redis, database: Database) -> None:
    client.sadd(bus.TOPICS, RUN)
    client.set(bus.stream_key(RUN), "text")
    assert ingester.step(0.01) == 0
    assert ingester.reader.broken == {RUN}
    client.flushall()
    child = Producer()
    child.steps(1, 5)
    child.publish(client)
    assert ingester.step() == 5
    assert stored.steps(database) == [1, 2, 3, 4, 5]


def test_of_large_events_fewer_are_kept(ingester: Ingester, client: redis.Redis) -> None:
    """Blocks of a log: 10,000 of them would be 640 MB of Redis' memory."""
    child = Producer()
    child.say(*(LogWritten(rank=0, lines=["x" * 64_000]) for _ in range(400)))
    child.publish(client, batch=50)
    while ingester.step(0.01):
        continue
    kept = client.xlen(bus.stream_key(RUN))
    assert 200 * 64_000 < kept * 64_000 <= KEPT_BYTES
    child.steps(1, 1)
    child.publish(client)
    assert ingester.step() == 1


def test_one_large_event_makes_no_others_go(ingester: Ingester, client: redis.Redis) -> None:
    child = Producer()
    child.steps(1, 1000)
    child.publish(client)
    ingester.step()
    child.say(LogWritten(rank=0, lines=["x" * 64_000]))
    child.publish(client)
    ingester.step()
    assert client.xlen(bus.stream_key(RUN)) == 1001


@contextmanager
def killable_redis(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    flags = ["--bind", "127.0.0.1", "--appendonly", "yes", "--maxmemory-policy", "noeviction", "--save", ""]
    command = ["redis-server", "--port", str(port), "--dir", str(folder), *flags]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        with closing(redis.Redis(port=port)) as probe:
            wait_until(lambda: bool(probe.ping()), "redis-server")
        yield server
    finally:
        server.kill()
        server.wait()


def lose_the_end(folder: Path) -> None:
    """What a power cut leaves of an append-only file that is synced once a second."""
    log = next((folder / "appendonlydir").glob("*.incr.aof"))
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size * 2 // 3)


def test_redis_killed_and_restarted_with_losses_while_a_run_goes_on(tmp_path: Path, sqlite: Database) -> None:
    port, child, stop = free_port(), Producer(), threading.Event()
    with closing(bus.connect(f"redis://127.0.0.1:{port}/0", blocking_seconds=1)) as client:
        thread = threading.Thread(target=run, args=(Ingester(client, sqlite), stop))
        thread.start()
        try:
            for _ in range(3):
                with killable_redis(tmp_path, port):
                    for _ in range(20):
                        child.steps(len(child.records) + 1, len(child.records) + 25)
                        child.publish(client)
                lose_the_end(tmp_path)
            with killable_redis(tmp_path, port):
                child.publish(client)
                wait_until(lambda: len(stored.steps(sqlite)) >= len(child.records), "the history is complete", 15)
        finally:
            stop.set()
            thread.join(15)
    assert stored.steps(sqlite) == list(range(1, 1501))


def test_the_process_reads_and_ends_at_sigterm(tmp_path: Path, redis_url: str, client: redis.Redis) -> None:
    (tmp_path / "data").mkdir()
    url = f"sqlite:///{tmp_path / 'data' / 'monitor.db'}"
    environ = {**os.environ, "GROUNDUP_DATA_DIR": str(tmp_path / "data"), "GROUNDUP_REDIS_URL": redis_url}
    environ |= {"GROUNDUP_GATEWAY_SECRET": GATEWAY_SECRET, "GROUNDUP_JOIN_SECRET": JOIN_SECRET}
    with closing(migrated(url)) as database:
        command = [sys.executable, "-m", "services.monitor.main_ingester"]
        with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
            child = Producer()
            child.steps(1, 100)
            child.publish(client)
            wait_until(lambda: len(stored.steps(database)) == 100, "the history is complete")
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
