"""Names of metrics that do not fit, or are too many: told, and nobody else is harmed."""

from typing import Any

import pytest

from services.monitor.ingest import take
from services.monitor.metric_names import MAX_NAMES, MetricNames
from services.monitor.models import Position
from serving.database import Database
from shared.training_events import StepCompleted
from tests.monitor import stored
from tests.monitor.producing import RUN, Producer, entries, step

BAD = ["", "a b", "a//b", "/a", "a/", "nul\0", "x" * 201, "größe", "a\nb", "<script>"]


def ingest(database: Database, producer: Producer, names: MetricNames | None = None) -> None:
    with database.writing() as session:
        take(session, "e", {producer.run_id: entries(producer.records)}, names)


def told(database: Database, run_id: str = RUN) -> tuple[int, str]:
    with database.reading() as session:
        position = session.get(Position, run_id)
    assert position is not None
    return position.refused, position.refused_reason


@pytest.mark.parametrize("name", BAD)
def test_a_bad_name_costs_its_own_points_only(database: Database, name: str) -> None:
    child = Producer()
    child.say(StepCompleted(step=1, tokens=1, metrics={name: 1.0, "train/loss": 2.0}), step(2))
    ingest(database, child)
    assert stored.steps(database) == [1, 2]
    count, reason = told(database)
    assert count == 1
    assert "no metric's name" in reason


def test_a_run_has_so_many_metrics_and_no_more(database: Database) -> None:
    wild, tame = Producer(), Producer("tame", run_id="run_b")
    tame.steps(1, 5)
    for first in range(0, 10_000, 1000):
        wild.say(StepCompleted(step=first, tokens=1, metrics={"train/loss": 1.0} | {f"n/{first + place}": 0.5 for place in range(1000)}))
    names = MetricNames()
    for producer in (wild, tame):
        ingest(database, producer, names)
    assert len(stored.steps(database)) == 10, "what the run had before goes on"
    assert told(database) == (10_000 - MAX_NAMES + 1, f"a run has at most {MAX_NAMES} metrics; 'n/9999' would be one more")
    assert [value for _, _, value in stored.points(database, run_id="run_b")] == [1, 2, 3, 4, 5]
    assert told(database, "run_b") == (0, "")


def test_the_limit_outlives_the_process(sqlite: Database) -> None:
    child = Producer()
    child.say(StepCompleted(step=1, tokens=1, metrics={f"n/{place}": 0.5 for place in range(MAX_NAMES)}))
    ingest(sqlite, child)
    child.say(StepCompleted(step=2, tokens=1, metrics={"n/0": 0.5, "one/more": 0.5}))
    ingest(sqlite, child)
    assert told(sqlite)[0] == 1
    assert stored.points(sqlite, "n/0")[-1] == (1, 2, 0.5)
    assert stored.points(sqlite, "one/more") == []


def test_whoever_reads_the_curves_is_told(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    child = Producer()
    child.steps(1, 1)
    ingest(sqlite, child)
    assert http.get(f"/api/v1/runs/{RUN}/metrics", headers=editor).json["refused"] is None
    child.say(StepCompleted(step=2, tokens=1, metrics={"a b": 1.0}))
    ingest(sqlite, child)
    refused = http.get(f"/api/v1/runs/{RUN}/metrics", headers=editor).json["refused"]
    assert (refused["count"], "a b" in refused["reason"]) == (1, True)
