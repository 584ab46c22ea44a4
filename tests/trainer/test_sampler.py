"""Samples to a real Redis: numbered, each second once, and through its outages."""

import contextlib
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from services.trainer.readings import Readings
from services.trainer.sampler import SampleQueue, Sampler, until_next
from shared import bus
from shared.cluster_events import HostSampled
from shared.events import Envelope
from tests.servers import free_port, wait_until
from tests.streams import read_entry

TOPIC = "worker.tester"


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with closing(bus.connect(redis_url)) as client:
        yield client


def sample(value: float) -> HostSampled:
    return HostSampled(worker="tester", metrics={"system/cpu.utilization": value})


def queue_of(count: int, *, kept: int = 600) -> SampleQueue:
    queue = SampleQueue("tester", kept=kept)
    for second in range(1, count + 1):
        queue.add(second, sample(second))
    return queue


def published(client: redis.Redis) -> list[Envelope]:
    entries: Any = client.xrange(bus.stream_key(TOPIC))
    return [read_entry(entry_id, fields, "e") for entry_id, fields in entries]


def seconds(client: redis.Redis) -> list[int]:
    return [int(envelope.at) for envelope in published(client)]


def send_all(queue: SampleQueue, client: redis.Redis) -> None:
    while queue.publish(client) or queue.waiting:
        pass


def test_they_go_out_in_order_and_once(client: redis.Redis) -> None:
    queue = queue_of(250)
    send_all(queue, client)
    queue.add(251, sample(1.0))
    send_all(queue, client)
    assert seconds(client) == list(range(1, 252))
    assert [envelope.producer_seq for envelope in published(client)] == list(range(1, 252))
    assert queue.publish(client) == 0


def test_a_redis_that_was_emptied_gets_what_comes_next(client: redis.Redis) -> None:
    queue = queue_of(5)
    send_all(queue, client)
    before = queue.producer
    client.flushall()
    queue.add(6, sample(6.0))
    send_all(queue, client)
    assert seconds(client) == [6]
    assert queue.producer != before


def test_an_outage_longer_than_the_queue_is_told_by_the_next_sample(client: redis.Redis) -> None:
    queue = queue_of(3, kept=10)
    send_all(queue, client)
    for second in range(4, 29):
        queue.add(second, sample(second))
    send_all(queue, client)
    assert seconds(client) == [1, 2, 3, *range(19, 29)]
    assert [envelope.event.dropped for envelope in published(client) if isinstance(envelope.event, HostSampled)] == [0, 0, 0, 15, *[0] * 9]


def test_an_answer_that_was_lost_doubles_nothing(client: redis.Redis) -> None:
    queue = queue_of(3)
    bus.publish(client, [queue._record(waiting) for waiting in queue.waiting])
    send_all(queue, client)
    assert seconds(client) == [1, 2, 3]


def test_without_redis_they_wait(client: redis.Redis) -> None:
    queue = queue_of(3)
    with closing(redis.Redis(port=free_port())) as nobody, contextlib.suppress(redis.RedisError):
        queue.publish(nobody)
    assert len(queue.waiting) == 3
    send_all(queue, client)
    assert seconds(client) == [1, 2, 3]


@pytest.mark.parametrize(("now", "wait"), [(10.5, 1.0), (10.6, 0.9), (10.0, 0.5), (10.4, 1.1), (10.49999, 1.00001), (11.3, 1.2)], ids=str)
def test_it_is_read_in_the_middle_of_a_second(now: float, wait: float) -> None:
    assert until_next(now) == pytest.approx(wait)


def test_a_host_is_read_every_second(client: redis.Redis, tmp_path: Path) -> None:
    sampler = Sampler("tester", Readings(tmp_path, nvml=None), client)
    sampler.start()
    try:
        wait_until(lambda: len(seconds(client)) >= 3, "three samples")
    finally:
        sampler.stop()
    found = seconds(client)
    assert found == list(range(found[0], found[0] + len(found))), "every second, each once"
    assert all(abs(envelope.at % 1 - 0.5) < 0.45 for envelope in published(client))
    assert not any(thread.is_alive() for thread in sampler.threads)


def test_a_reading_that_fails_ends_nothing(client: redis.Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Failing(Readings):
        def sample(self) -> dict[str, float]:
            if time.time() < fails_until:
                raise RuntimeError("no /proc")
            return super().sample()

    fails_until = 0.0
    sampler = Sampler("tester", Failing(tmp_path, nvml=None), client)
    fails_until = time.time() + 1
    sampler.start()
    try:
        wait_until(lambda: len(seconds(client)) >= 1, "a sample after failures")
    finally:
        sampler.stop()
    assert "this host could not be read" in caplog.text
