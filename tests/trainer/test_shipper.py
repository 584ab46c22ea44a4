from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from services.trainer.shipper import Shipper
from services.trainer.spool import SpoolWriter
from services.trainer.tail import CHECK_SECONDS, Tail
from shared import bus
from shared.training_events import LogWritten
from tests import servers
from tests.servers import wait_until
from tests.streams import read_entry


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[SpoolWriter]:
    spool = SpoolWriter(tmp_path / "spool", run_id="run_a", attempt=1, fence=3, producer="attempt-1")
    yield spool
    spool.close()


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with bus.connect(redis_url) as client:
        yield client


def write(writer: SpoolWriter, count: int, size: int = 10) -> None:
    for _ in range(count):
        writer.emit(LogWritten(rank=0, lines=["x" * size]))


def in_redis(client: redis.Redis) -> list[int]:
    """The producer's numbers, in the order of the stream."""
    entries: Any = client.xrange(bus.stream_key("run_a"))
    return [read_entry(entry_id, fields, "e").producer_seq for entry_id, fields in entries]


def fail() -> None:
    raise AssertionError("refused")


def ship_all(tail: Tail, client: redis.Redis) -> None:
    while tail.ship(client):
        continue


def test_batches_arrive_once_and_in_order(tmp_path: Path, writer: SpoolWriter, client: redis.Redis) -> None:
    tail = Tail(tmp_path / "spool", fail)
    write(writer, 20, size=50_000)  # several batches
    assert 0 < tail.ship(client) < 20
    ship_all(tail, client)
    write(writer, 3)
    tail.close()
    ship_all(tail, client)
    assert tail.shipped.is_set()
    assert in_redis(client) == list(range(1, 24))


def test_a_restarted_agent_sends_all_again_and_doubles_nothing(tmp_path: Path, writer: SpoolWriter, client: redis.Redis) -> None:
    write(writer, 5)
    ship_all(Tail(tmp_path / "spool", fail), client)
    write(writer, 2)
    ship_all(Tail(tmp_path / "spool", fail), client)
    assert in_redis(client) == list(range(1, 8))


def test_what_redis_lost_is_sent_again(tmp_path: Path, writer: SpoolWriter, client: redis.Redis) -> None:
    tail = Tail(tmp_path / "spool", fail)
    write(writer, 10, size=50_000)
    ship_all(tail, client)
    client.flushall()
    write(writer, 1)
    assert tail.ship(client) == 0  # it is told to go back
    ship_all(tail, client)
    assert in_redis(client) == list(range(1, 12))


def test_a_loss_is_found_even_if_nothing_new_is_written(tmp_path: Path, writer: SpoolWriter, client: redis.Redis) -> None:
    tail = Tail(tmp_path / "spool", fail)
    write(writer, 4)
    ship_all(tail, client)
    client.flushall()
    tail.close()
    wait_until(lambda: tail.ship(client) == 0 and tail.shipped.is_set(), "the end")
    assert in_redis(client) == [1, 2, 3, 4]
    client.flushall()
    idle = Tail(tmp_path / "spool", fail)
    ship_all(idle, client)
    client.flushall()
    idle.checked -= CHECK_SECONDS
    idle.ship(client)
    ship_all(idle, client)
    assert in_redis(client) == [1, 2, 3, 4]


def test_a_stale_fence_ends_it(tmp_path: Path, writer: SpoolWriter, client: redis.Redis) -> None:
    refused: list[bool] = []
    client.hset(bus.counter_key("run_a"), "fence", 4)
    write(writer, 2)
    tail = Tail(tmp_path / "spool", lambda: refused.append(True))
    assert tail.ship(client) == 0
    assert (refused, tail.shipped.is_set(), in_redis(client)) == ([True], True, [])
    assert tail.ship(client) == 0
    assert refused == [True]


def test_a_torn_end_does_not_hold_up_the_last_report(tmp_path: Path, writer: SpoolWriter, client: redis.Redis) -> None:
    write(writer, 2)
    with (tmp_path / "spool").open("ab") as file:
        file.write(b"\x50\x00\x00\x00torn")
    tail = Tail(tmp_path / "spool", fail)
    tail.close()
    ship_all(tail, client)
    assert tail.shipped.is_set()
    assert in_redis(client) == [1, 2]


def test_no_spool_yet_is_nothing_to_ship(tmp_path: Path, client: redis.Redis) -> None:
    tail = Tail(tmp_path / "spool", fail)
    assert tail.ship(client) == 0
    assert not tail.shipped.is_set()
    tail.close()
    tail.ship(client)
    assert tail.shipped.is_set()


@pytest.mark.parametrize("kept", [True, False], ids=["same data", "data lost"])
def test_redis_killed_and_restarted_loses_and_doubles_nothing(tmp_path: Path, writer: SpoolWriter, kept: bool) -> None:
    port, folder = servers.free_port(), tmp_path / "redis"
    folder.mkdir()
    url = f"redis://127.0.0.1:{port}/0"
    with bus.connect(url) as client, bus.connect(url) as reader:
        shipper = Shipper(client)
        tail = shipper.add(Tail(tmp_path / "spool", fail))
        shipper.start()
        with servers.redis_server(folder, port):
            write(writer, 50)
            wait_until(lambda: len(in_redis(reader)) == 50, "the first events")
        write(writer, 50)  # while it is down
        if not kept:
            folder = tmp_path / "another"
            folder.mkdir()
        with servers.redis_server(folder, port):
            write(writer, 50)
            tail.close()
            wait_until(tail.shipped.is_set, "all events")
            assert in_redis(reader) == list(range(1, 151))
        shipper.stop()
