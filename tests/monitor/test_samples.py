"""The readings of hosts in the history, and `GET /api/v1/workers/{name}/metrics`."""

import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import func, select

from services.monitor.ingester import KEPT_SAMPLES, Ingester
from services.monitor.keeping import DAY, EVERY_SECONDS, Keeper
from services.monitor.models import WorkerHour, WorkerSample
from services.monitor.sample_keeper import keep_samples, system_days
from services.monitor.samples import HOUR, SETTLED_SECONDS, read_worker
from serving.database import Database
from shared import bus
from shared.cluster_events import HostSampled
from shared.errors import EnvironmentFault
from shared.events import Record

CPU, POWER = "system/cpu.utilization", "system/gpu.0.power_watts"
START = 1_800_000_000 // HOUR * HOUR


def record(
    second: float, number: int, *, producer: str = "sampler-1", worker: str = "w1", metrics: dict[str, float] | None = None
) -> Record:
    event = HostSampled(worker=worker, metrics=metrics or {CPU: second % 100, POWER: 300.0})
    return Record(run_id=f"worker.{worker}", producer=producer, producer_seq=number, at=START + second + 0.5, event=event)


def publish(client: redis.Redis, records: list[Record]) -> None:
    for first in range(0, len(records), 200):
        assert isinstance(bus.publish(client, records[first : first + 200]), bus.Taken)


def ingest(client: redis.Redis, database: Database, records: list[Record]) -> None:
    publish(client, records)
    ingester = Ingester(client, database)
    while ingester.step(0.01):
        pass


def curve(database: Database, first: float, last: float, buckets: int = 5000, name: str = CPU, worker: str = "w1") -> dict[str, Any]:
    with database.reading() as session:
        found = read_worker(session, worker, [name], (START + first, START + last), buckets)
    return found[0] if found else {}


def seconds(database: Database, first: float = 0, last: float = 100 * HOUR) -> list[int]:
    """One by one, however much that is."""
    return [int(x) - START for hour in range(int(first), int(last), HOUR) for x in curve(database, hour, hour + HOUR - 1).get("x", [])]


def settle(database: Database, now: float) -> None:
    keeper = Keeper(database, partial(keep_samples, 14), clock=lambda: START + now)
    while keeper.turn():
        pass


def rows(database: Database, table: type[WorkerSample] | type[WorkerHour]) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_every_second_once_also_from_an_agent_that_was_started_anew(client: redis.Redis, database: Database) -> None:
    before = [record(second, second + 1) for second in range(100)]
    killed_and_back = [record(second, number, producer="sampler-2") for number, second in enumerate(range(98, 120), 1)]
    ingest(client, database, before)
    ingest(client, database, killed_and_back)
    client.flushall()
    ingest(client, database, [record(second, number, producer="sampler-3") for number, second in enumerate(range(110, 130), 1)])
    assert seconds(database, 0, HOUR) == list(range(130))
    assert curve(database, 0, 200)["mean"] == [float(second % 100) for second in range(130)]


def test_sealed_and_fresh_hours_read_as_one(client: redis.Redis, database: Database) -> None:
    ingest(client, database, [record(second, second // 10 + 1) for second in range(0, 2 * HOUR, 10)])
    before = curve(database, HOUR - 50, HOUR + 50), curve(database, 0, 2 * HOUR, 24)
    settle(database, HOUR + SETTLED_SECONDS + 1)
    assert (rows(database, WorkerHour), rows(database, WorkerSample)) == (2, 360)
    assert (curve(database, HOUR - 50, HOUR + 50), curve(database, 0, 2 * HOUR, 24)) == before
    assert seconds(database, 0, 2 * HOUR) == list(range(0, 2 * HOUR, 10))


def test_what_comes_late_joins_its_sealed_hour(client: redis.Redis, sqlite: Database) -> None:
    ingest(client, sqlite, [record(second, second + 1) for second in range(50)])
    settle(sqlite, 2 * HOUR)
    ingest(client, sqlite, [record(second, number, producer="sampler-2") for number, second in enumerate(range(40, 60), 1)])
    assert set(seconds(sqlite, 0, HOUR)) == set(range(60))
    settle(sqlite, 2 * HOUR)
    assert seconds(sqlite, 0, HOUR) == list(range(60))
    assert rows(sqlite, WorkerSample) == 0


def test_a_spike_and_what_is_no_number_are_seen_from_afar(client: redis.Redis, sqlite: Database) -> None:
    values = dict.fromkeys(range(600), 50.0) | {123: 100.0, 300: math.nan, 301: math.inf}
    ingest(client, sqlite, [record(second, second + 1, metrics={CPU: value}) for second, value in values.items()])
    settle(sqlite, 2 * HOUR)
    far = curve(sqlite, 0, 30 * HOUR, 60)
    assert (far["x"], far["count"], far["nan"]) == ([START], [600], [2])
    assert (far["min"], far["max"], far["last"]) == ([50.0], [100.0], [50.0])
    assert far["mean"][0] == pytest.approx((597 * 50 + 100) / 598)
    near = curve(sqlite, 299, 302)
    assert (near["mean"], near["nan"]) == ([50.0, None, None, 50.0], [0, 1, 1, 0])


def test_two_workers_of_one_host_have_a_history_each(client: redis.Redis, sqlite: Database) -> None:
    ingest(client, sqlite, [record(1, 1), record(2, 2)])
    ingest(client, sqlite, [record(1, 1, worker="w2", metrics={CPU: 7.0})])
    assert curve(sqlite, 0, 9)["mean"] == [1.0, 2.0]
    assert curve(sqlite, 0, 9, worker="w2")["mean"] == [7.0]


def test_what_is_old_goes_an_hour_at_a_time(client: redis.Redis, database: Database) -> None:
    ingest(client, database, [record(second, number) for number, second in enumerate((0, HOUR, 2 * HOUR), 1)])
    settle(database, 4 * HOUR)
    assert rows(database, WorkerHour) == 6
    now = [START + 14 * DAY + HOUR]
    keeper = Keeper(database, partial(keep_samples, 14), clock=lambda: now[0])
    assert (keeper.turn(), rows(database, WorkerHour)) == (True, 4)
    assert (keeper.turn(), rows(database, WorkerHour)) == (False, 4)
    now[0] += 2 * HOUR
    assert now[0] > EVERY_SECONDS
    assert [keeper.turn() for _ in range(3)] == [True, True, False]
    assert rows(database, WorkerHour) == 0


@pytest.mark.parametrize(
    "strange",
    [
        record(5, 1).model_copy(update={"run_id": "worker.other"}),
        record(5, 1, metrics={"not a name": 1.0}),
        record(5, 1, metrics={f"system/m{number}": 1.0 for number in range(1001)}),
        record(5, 1).model_copy(update={"at": -5.0}),
        record(5, 1).model_copy(update={"at": 1e18}),
    ],
    ids=["another's topic", "no name of ours", "too many names", "before the beginning", "after the end"],
)
def test_a_strange_sample_is_skipped_and_harms_no_other(client: redis.Redis, sqlite: Database, strange: Record) -> None:
    publish(client, [strange])
    ingest(client, sqlite, [record(second, number, producer="sampler-2") for number, second in enumerate(range(3), 1)])
    assert seconds(sqlite, 0, HOUR) == [0, 1, 2]
    assert rows(sqlite, WorkerSample) == 3


def test_redis_keeps_ten_minutes(client: redis.Redis, sqlite: Database) -> None:
    ingest(client, sqlite, [record(second, second + 1) for second in range(KEPT_SAMPLES + 200)])
    assert bus.read_range(client, "worker.w1", 0, 1).entries[0][0] == 201


def get(http: Any, editor: dict[str, str], **query: object) -> Any:
    answer = http.get("/api/v1/workers/w1/metrics", query_string={name.rstrip("_"): value for name, value in query.items()}, headers=editor)
    return answer.status_code, json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def test_over_http(http: Any, client: redis.Redis, sqlite: Database, editor: dict[str, str]) -> None:
    ingest(client, sqlite, [record(second, second + 1) for second in range(100)])
    status, body = get(http, editor, names=f"{POWER},nothing", from_=START + 10, to=START + 49, buckets=4)
    assert status == 200
    assert (body["oldest"], body["newest"]) == (START, START + 99)
    (series,) = body["series"]
    assert (series["name"], sum(series["count"]), len(series["x"])) == (POWER, 40, 5)
    assert [one["name"] for one in get(http, editor, from_=START, to=START + 5)[1]["series"]] == [CPU, POWER]
    assert get(http, editor)[1]["series"] == [], "long ago"


def test_the_newest_second_is_known_when_all_is_sealed(http: Any, client: redis.Redis, sqlite: Database, editor: dict[str, str]) -> None:
    ingest(client, sqlite, [record(second, second + 1) for second in range(100)])
    settle(sqlite, 2 * HOUR)
    body = get(http, editor, from_=0, to=0)[1]
    assert (body["oldest"], body["newest"]) == (START, START + 99)


def test_over_http_of_an_unknown_worker(http: Any, editor: dict[str, str]) -> None:
    assert get(http, editor) == (200, {"series": [], "oldest": None, "newest": None})


@pytest.mark.parametrize("query", [{"from_": 5, "to": 4}, {"buckets": 0}, {"to": "soon"}, {"from_": -1}, {"step": 1}])
def test_a_bad_question_is_refused(http: Any, editor: dict[str, str], query: dict[str, object]) -> None:
    assert get(http, editor, **query)[0] == 422


def test_days(tmp_path: Path) -> None:
    assert (system_days({}), system_days({"GROUNDUP_SYSTEM_DAYS": "0.5"})) == (14.0, 0.5)
    for text in ("0", "many", "-1", "nan"):
        with pytest.raises(EnvironmentFault, match="GROUNDUP_SYSTEM_DAYS"):
            system_days({"GROUNDUP_SYSTEM_DAYS": text})
