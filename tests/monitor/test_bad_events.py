"""Records that no trainer of ours writes, put straight into Redis: they are stepped over and told, memory is bounded, and the others are
unharmed. `child` speaks for the run beside the bad one, `RUN` for what the bad run itself still says.
"""

import logging
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgpack
import psutil
import pytest
import redis
from sqlalchemy import func, select

from services.monitor.app import create_app
from services.monitor.ingester import Ingester
from services.monitor.main_ingester import run
from services.monitor.models import MetricChunk
from serving.database import Database
from shared import bus
from shared.events import Record, pack
from shared.settings import Settings
from shared.training_events import LogWritten, SampleGenerated, StepCompleted
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET, headers
from tests.monitor import stored
from tests.monitor.producing import RUN, Producer, migrated, step
from tests.servers import wait_until

OTHER = "run_unharmed"
MEMORY_BYTES = 400 << 20
"""Most that the ingester's process may hold, whatever it is sent."""
MOST_NAMES = 10_000
"""More distinct metric names than a run may ever need."""
SECONDS = 4.0
"""Until what is well must be seen."""


def put(client: redis.Redis, raw: bytes, *, topic: str = RUN, number: int = 1) -> None:
    """As a producer of its own, past everything that looks at what it publishes."""
    keys: Any = bus._keys(topic)
    assert client.eval(bus._PUBLISH, 4, *keys, topic, "", f"bad-{number}", bus.LIVE_CHANNEL, 1, 1, 0, raw) == [b"ok", 1]


def said(**changed: Any) -> dict[str, Any]:
    """A good record, but for what is changed."""
    return {**Producer("odd").say(step(7))[0].model_dump(), **changed}


def told(**changed: Any) -> dict[str, Any]:
    return said(event={**step(7).model_dump(), **changed})


@pytest.fixture
def taking(client: redis.Redis, database: Database) -> Iterator[Database]:
    """An ingester at work as its process has it; the database that it fills. It must not have died of anything."""
    stop = threading.Event()
    broken: list[BaseException] = []

    def work() -> None:
        try:
            run(Ingester(client, database), stop)
        except BaseException as error:  # noqa: BLE001  (told below)
            broken.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    yield database
    stop.set()
    thread.join(20)
    assert not broken, f"the ingester's process would have ended: {broken[0]!r}"


def unharmed(client: redis.Redis, database: Database, *runs: str) -> None:
    """Another run, and a good producer of the same one, are heard: every step once."""
    for run_id in runs or (RUN, OTHER):
        child = Producer("good", run_id=run_id)
        child.steps(101, 120)
        child.publish(client)

        def heard(run_id: str = run_id) -> list[int]:
            return [one for _, one, _ in stored.points(database, run_id=run_id) if one > 100]

        wait_until(lambda heard=heard: heard() == list(range(101, 121)), f"the history of {run_id}", SECONDS)  # type: ignore[misc]


NESTED = b"\x91" * 5000 + b"\xc0"
UNREADABLE = {
    "garbage": bytes(range(256)),
    "nothing": b"",
    "a record cut off": pack(said())[:-3],
    "two records": pack(said()) * 2,
    "no map": pack([1, 2, 3]),
    "5,000 lists in each other": NESTED,
    "5,000 lists in a metric": pack(told())[:-8] + NESTED,
    "text that is not UTF-8": pack(told()).replace(b"train/loss", b"train/\xff\xfe\xfd\xfc"),
    "a list that says it has 4 billion elements": b"\xdd\xff\xff\xff\xff",
    "a map that says it has 4 billion": b"\xdf\xff\xff\xff\xff",
    "an extension": msgpack.packb(msgpack.ExtType(5, b"x" * 100)),
    "a time stamp": msgpack.packb(msgpack.Timestamp(1, 2)),
    "lists for keys": b"\x81\x91\x01\x02",
    "an event of a type that nobody knows": pack(told(type="StepDreamt")),
    "a field more": pack(told(mood="good")),
    "a field less": pack({name: value for name, value in said().items() if name != "at"}),
    "a step that is a text": pack(told(step="seven")),
    "a step that is not whole": pack(told(step=7.5)),
    "metrics that are a list": pack(told(metrics=[1.0])),
    "a metric that is a text": pack(told(metrics={"train/loss": "low"})),
    "a metric that is a map": pack(told(metrics={"train/loss": {"a": 1}})),
    "a producer's number below 1": pack(said(producer_seq=0)),
    "another run's record": pack(said(run_id="run_of_somebody")),
}


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_stepped_over_and_told(
    raw: bytes, client: redis.Redis, sqlite: Database, caplog: pytest.LogCaptureFixture
) -> None:
    put(client, raw)
    with caplog.at_level(logging.ERROR):
        assert Ingester(client, sqlite).step() == 1
    assert f"event 1 of topic {RUN} is skipped" in caplog.text
    assert len(caplog.text) < 20_000, "what is wrong is told, not all of it repeated"
    assert stored.points(sqlite) == []
    good = Producer("good")
    good.steps(1, 3)
    good.publish(client)
    Ingester(client, sqlite).step()
    assert stored.steps(sqlite) == [1, 2, 3]


ODD_EVENTS = {
    "a step of 64 bits": told(step=1 << 63),
    "tokens of 64 bits": told(tokens=(1 << 64) - 1),
    "an attempt of 60 bits": said(attempt=1 << 60),
    "a producer with a name of 10 kB": said(producer="p" * 10_000),
    "a NUL in a producer's name": said(producer="a\0b"),
    "a NUL in a metric's name": told(metrics={"train/\0": 1.0}),
    "a sample with a NUL": said(event=SampleGenerated(step=1, prompt="\0", text="\0").model_dump()),
    "65,000 lines at once": said(event=LogWritten(rank=0, lines=["x"] * 65_000).model_dump()),
    "a rank of 60 bits": said(event=LogWritten(rank=1 << 60, lines=["x"]).model_dump()),
}


@pytest.mark.parametrize("record", ODD_EVENTS.values(), ids=ODD_EVENTS.keys())
def test_what_no_table_can_hold_harms_no_other(record: dict[str, Any], client: redis.Redis, taking: Database) -> None:
    put(client, pack(record))
    unharmed(client, taking)


BAD_NAMES = {"10 kB": "train/" + "x" * 10_000, "empty": "", "a NUL": "train/\0", "a line break": "a\nb", "a comma": "train/a,b"}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES.keys())
def test_a_bad_metric_name_costs_its_own_point_only(name: str, client: redis.Redis, taking: Database) -> None:
    """Names are `group/name` and at most 200 characters; the step's other metrics are good ones."""
    put(client, pack(told(metrics={name: 1.0, "train/loss": 2.0, "train/lr": math.nan})))
    unharmed(client, taking)
    assert stored.points(taking)[0] == (1, 7, 2.0), "the step's good metric"
    with taking.reading() as session:
        assert name not in set(session.scalars(select(MetricChunk.name)))


@pytest.mark.parametrize("at", [math.nan, math.inf, -math.inf, 1e300, -1e300])
def test_a_time_that_is_none_does_not_break_the_pages_of_its_run(
    at: float, client: redis.Redis, taking: Database, settings: Settings
) -> None:
    for number, event in enumerate(
        (step(7), LogWritten(rank=0, lines=["x"]), SampleGenerated(step=1, prompt="a", text="b"), step(8)), start=1
    ):
        put(client, pack(said(at=at, event=event.model_dump())), number=number)
    unharmed(client, taking)
    http = create_app(settings, taking, client).test_client()
    for page in ("metrics?x=time", "metrics?x=step", "logs", "samples", "events"):
        answer = http.get(f"/api/v1/runs/{RUN}/{page}", headers=headers("viewer"))
        assert answer.status_code == 200, (page, answer.text)
        assert "NaN" not in answer.text


BROKEN_KEYS = {
    "a topic's name that is not UTF-8": lambda client: client.sadd(bus.TOPICS, b"\xff\xfe"),
    "a stream's entry without a record": lambda client: client.xadd(bus.stream_key(RUN), {"x": "y"}, id="1-0"),
    "a stream that is none": lambda client: client.set(bus.stream_key(RUN), "text"),
    "a topic's name of 10 kB": lambda client: put(client, pack(said(run_id="t" * 10_000)), topic="t" * 10_000),
}


@pytest.mark.parametrize("break_it", BROKEN_KEYS.values(), ids=BROKEN_KEYS.keys())
def test_a_broken_key_does_not_stop_other_runs(break_it: Any, client: redis.Redis, taking: Database) -> None:
    client.sadd(bus.TOPICS, RUN)
    break_it(client)
    unharmed(client, taking, OTHER)


def test_a_hundred_thousand_names_are_bounded_and_harm_no_other(client: redis.Redis, sqlite: Database) -> None:
    """As many as msgpack's limit lets through at once."""
    flood = Producer("flood")
    flood.say(*(StepCompleted(step=one, tokens=one, metrics={f"m/{one}.{n}": 1.0 for n in range(4000)}) for one in range(1, 26)))
    for record in flood.records:
        bus.publish(client, [record])
    other = Producer("good", run_id=OTHER)
    other.steps(1, 20)
    other.publish(client)
    ingester, begun = Ingester(client, sqlite), time.monotonic()
    while ingester.step(0.01):
        continue
    seconds = time.monotonic() - begun
    assert len(stored.points(sqlite, run_id=OTHER)) == 20
    with sqlite.reading() as session:
        names = session.scalar(select(func.count(MetricChunk.name.distinct())).where(MetricChunk.run_id == RUN))
    assert names is not None
    assert 0 < names <= MOST_NAMES, "the first names of a run are kept, and only so many"
    assert seconds < 10, "the other run waited for all of them"


def test_more_names_at_once_than_msgpack_may_bring_are_refused_as_unreadable(client: redis.Redis, sqlite: Database) -> None:
    put(client, pack(told(metrics={f"m/{number}": 1.0 for number in range(100_000)})))
    Ingester(client, sqlite).step()
    unharmed_run = Producer("good")
    unharmed_run.steps(1, 1)
    unharmed_run.publish(client)
    Ingester(client, sqlite).step()
    assert stored.steps(sqlite) == [1]


def test_records_of_64_mebibytes_do_not_fill_the_memory(tmp_path: Path, redis_url: str, client: redis.Redis) -> None:
    """Of the ingester's real process, which goes on with the others."""
    (tmp_path / "data").mkdir()
    environ = {**os.environ, "GROUNDUP_DATA_DIR": str(tmp_path / "data"), "GROUNDUP_REDIS_URL": redis_url}
    environ |= {"GROUNDUP_GATEWAY_SECRET": GATEWAY_SECRET, "GROUNDUP_JOIN_SECRET": JOIN_SECRET}
    for number in range(6):
        put(client, os.urandom(1 << 20) * 64, number=number)
    other = Producer("good", run_id=OTHER)
    other.steps(1, 20)
    other.publish(client)
    peak = 0
    with closing(migrated(f"sqlite:///{tmp_path / 'data' / 'monitor.db'}")) as database:
        command = [sys.executable, "-m", "services.monitor.main_ingester"]
        with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
            try:
                watched = psutil.Process(process.pid)
                deadline = time.monotonic() + 60
                while len(stored.points(database, run_id=OTHER)) < 20 and time.monotonic() < deadline:
                    peak = max(peak, watched.memory_info().rss)
                    time.sleep(0.005)
                assert len(stored.points(database, run_id=OTHER)) == 20
            finally:
                process.kill()
    assert peak < MEMORY_BYTES, f"{peak >> 20} MiB"


def test_an_oversized_record_of_a_producer_is_refused_before_redis_has_it(client: redis.Redis) -> None:
    """With a clear error: what nobody may read must not be published."""
    big = Record(run_id=RUN, producer="child", producer_seq=1, at=1.0, event=LogWritten(rank=0, lines=["x" * (2 << 20)]))
    with pytest.raises(ValueError, match="at most"):
        bus.publish(client, [big])
    assert bus.read_range(client, RUN, 0, 1).newest == 0
