"""What the history has makes room in a spool that comes near its limit, and nothing else does."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from services.trainer.pruning import Pruning
from services.trainer.spool import SpoolWriter, read_spool, segments
from services.trainer.tail import PRUNE_SECONDS, Tail
from shared import bus
from shared.training_events import EventsDropped, StepCompleted
from tests.streams import read_entry

LIMIT = 64 << 10


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with bus.connect(redis_url) as client:
        yield client


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SpoolWriter]:
    spool = SpoolWriter(tmp_path / "spool", run_id="run_a", attempt=1, fence=3, producer="attempt-1", limit=LIMIT)
    yield spool
    spool.close()


def tail_of(folder: Path) -> Tail:
    return Tail(folder / "spool", lambda: None, pruning=Pruning(folder / "spool", LIMIT))


def write(writer: SpoolWriter, steps: range) -> None:
    for step in steps:
        writer.emit(StepCompleted(step=step, tokens=step, metrics={f"group/metric{index}": 1.0 / step for index in range(12)}))


def fill(writer: SpoolWriter) -> None:
    """Nearly to its limit."""
    while writer.end < 0.95 * LIMIT:
        write(writer, range(writer.producer_seq + 1, writer.producer_seq + 2))


def ship(tail: Tail, client: redis.Redis) -> None:
    tail.pruned -= PRUNE_SECONDS
    while tail.ship(client):
        tail.pruned -= PRUNE_SECONDS
    tail.pruned -= PRUNE_SECONDS
    tail.checked -= 10
    tail.ship(client)


def commit(client: redis.Redis) -> None:
    place = bus.read_range(client, "run_a", 0, 1)
    assert bus.commit(client, "run_a", place.epoch, place.newest, keep=0)


def steps_in_redis(client: redis.Redis) -> list[int]:
    entries: Any = client.xrange(bus.stream_key("run_a"))
    return [event.step for entry_id, fields in entries if isinstance(event := read_entry(entry_id, fields, "e").event, StepCompleted)]


def test_a_segment_goes_when_the_history_has_it(tmp_path: Path, writer: SpoolWriter, client: redis.Redis) -> None:
    tail = tail_of(tmp_path)
    fill(writer)
    ship(tail, client)
    before = segments(tmp_path / "spool")
    assert before[0][0] == 0, "nothing is committed"
    commit(client)
    ship(tail, client)
    after = segments(tmp_path / "spool")
    assert after[0][0] > 0
    assert after == before[len(before) - len(after) :]
    assert writer.end - after[0][0] > LIMIT / 2, "as much is kept as the limit allows"
    while (last := writer.producer_seq) < 1000:
        write(writer, range(last + 1, last + 11))
        ship(tail, client)
        commit(client)
        ship(tail, client)
    assert sum(file.stat().st_size for _, file in segments(tmp_path / "spool")) <= LIMIT
    assert not [record for record in read_spool(tmp_path / "spool", 0)[0] if isinstance(record.event, EventsDropped)]
    assert writer.producer_seq >= 1000


@pytest.mark.parametrize("anew", [False, True], ids=["same agent", "agent started anew"])
def test_a_redis_that_lost_all_gets_what_is_left(tmp_path: Path, writer: SpoolWriter, client: redis.Redis, anew: bool) -> None:
    """It asks for the first event, which nobody has any more but the history."""
    tail = tail_of(tmp_path)
    fill(writer)
    ship(tail, client)
    commit(client)
    ship(tail, client)
    oldest = read_spool(tmp_path / "spool", 0)[0][0].producer_seq
    assert oldest > 1
    client.flushall()
    tail = tail_of(tmp_path) if anew else tail
    last = writer.producer_seq
    write(writer, range(last + 1, last + 6))
    ship(tail, client)
    ship(tail, client)
    assert not tail.shipped.is_set()
    assert steps_in_redis(client) == list(range(oldest, last + 6))


def test_nothing_goes_while_redis_has_lost_what_was_not_committed(tmp_path: Path, writer: SpoolWriter, client: redis.Redis) -> None:
    tail = tail_of(tmp_path)
    fill(writer)
    ship(tail, client)
    client.flushall()
    ship(tail, client)
    ship(tail, client)
    assert segments(tmp_path / "spool")[0][0] == 0
    assert steps_in_redis(client) == list(range(1, writer.producer_seq + 1))


PRUNING = f"""
import sys
from pathlib import Path
from services.trainer.pruning import Pruning
from shared import bus
from shared.crash import arm
arm("spool.before_removal:2")
with bus.connect(sys.argv[2]) as client:
    pruning = Pruning(Path(sys.argv[1]), {LIMIT})
    while pruning.look(client, "run_a", 1 << 40, lambda: True):
        continue
"""


def test_an_agent_killed_on_the_way_removes_the_rest_later(
    tmp_path: Path, writer: SpoolWriter, client: redis.Redis, redis_url: str
) -> None:
    tail = tail_of(tmp_path)
    fill(writer)
    tail.pruning = None
    ship(tail, client)
    commit(client)
    found = segments(tmp_path / "spool")
    command = [sys.executable, "-c", PRUNING, str(tmp_path / "spool"), redis_url]
    killed = subprocess.run(command, env=dict(os.environ), check=False, cwd=Path(__file__).parents[2])
    assert killed.returncode == -signal.SIGKILL
    assert segments(tmp_path / "spool") == found[1:]
    ship(tail_of(tmp_path), client)
    assert len(segments(tmp_path / "spool")) < len(found) - 1
    assert not bus.read_range(client, "run_a", 0, 1).entries, "what Redis had is not sent twice"
