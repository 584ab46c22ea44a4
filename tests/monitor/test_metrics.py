"""`GET /api/v1/runs/{id}/metrics`"""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.monitor.history import Zoom, read_series
from services.monitor.ingest import take
from services.monitor.models import Base
from serving.database import Database
from shared.training_events import EvaluationCompleted
from tests.monitor.producing import RUN, Producer, entries, step

URL = f"/api/v1/runs/{RUN}/metrics"
_epochs = iter(range(1_000_000))


def ingest(database: Database, *producers: Producer) -> None:
    with database.writing() as session:
        for producer in producers:
            take(session, f"e{next(_epochs)}", {producer.run_id: entries(producer.records)})


def attempt(number: int, first: int, last: int) -> Producer:
    """Its values are 1000 times the attempt, plus the step."""
    producer = Producer(f"child{number}", attempt=number)
    producer.say(*(step(at, train_loss=1000.0 * number + at) for at in range(first, last + 1)))
    return producer


def read(http: Any, editor: dict[str, str], **query: object) -> list[dict[str, Any]]:
    answer = http.get(URL, query_string={key.rstrip("_"): value for key, value in query.items()}, headers=editor)
    assert answer.status_code == 200, answer.text
    series: list[dict[str, Any]] = json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))["series"]
    return series


def test_a_curve_as_it_was_written(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    child = Producer()
    child.say(step(1, train_loss=4.0, train_lr=0.1), step(2, train_loss=3.0), step(3, train_loss=2.0))
    ingest(sqlite, child)
    assert [series["name"] for series in read(http, editor)] == ["train/loss", "train/lr"]
    (loss,) = read(http, editor, names="train/loss,no/such")
    assert loss == {
        "name": "train/loss",
        "attempt": 1,
        "x": [1, 2, 3],
        **{key: [4.0, 3.0, 2.0] for key in ("min", "max", "mean", "last")},
        "count": [1, 1, 1],
        "nan": [0, 0, 0],
    }


def test_an_unknown_run_has_no_series(http: Any, editor: dict[str, str]) -> None:
    assert http.get(URL, headers=editor).json == {"series": [], "refused": None, "reached": None}


def test_it_says_how_far_the_whole_history_reaches(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    def reached(**query: object) -> tuple[int, int]:
        found = http.get(URL, query_string=query, headers=editor).json["reached"]
        return found["attempt"], found["step"]

    ingest(sqlite, attempt(1, 1, 150))
    assert reached() == reached(to=20) == reached(names="no/such") == (1, 150)
    ingest(sqlite, attempt(2, 121, 125))
    assert reached() == reached(x="time") == (2, 125), "the newest attempt counts, though an earlier one went further"


@pytest.mark.parametrize(("x", "expected"), [("step", [1, 2, 3]), ("tokens", [100, 200, 300]), ("time", [0.0, 1.0, 2.0])])
def test_each_axis(http: Any, sqlite: Database, editor: dict[str, str], x: str, expected: list[float]) -> None:
    child = Producer()
    child.steps(1, 3)
    ingest(sqlite, child)
    assert read(http, editor, x=x)[0]["x"] == expected
    assert read(http, editor, x=x, from_=expected[1])[0]["x"] == expected[1:]
    assert read(http, editor, x=x, to=expected[1])[0]["x"] == expected[:2]
    assert read(http, editor, x=x, from_=expected[1], to=expected[1])[0]["mean"] == [2.0]


def test_nan_is_counted_and_kept_out_of_the_rest(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    child = Producer()
    child.say(*(step(number, train_loss=value) for number, value in enumerate([1.0, float("nan"), 3.0, float("inf")], 1)))
    ingest(sqlite, child)
    (one,) = read(http, editor, buckets=1)
    assert (one["min"], one["max"], one["mean"], one["last"], one["count"], one["nan"]) == ([1.0], [3.0], [2.0], [None], [4], [2])
    (each,) = read(http, editor)
    assert each["last"] == each["mean"] == [1.0, None, 3.0, None]


def test_the_highest_attempt_wins_and_earlier_ones_show_on_demand(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    ingest(sqlite, attempt(1, 1, 10), attempt(2, 6, 8), attempt(3, 8, 9))
    (latest,) = read(http, editor)
    assert latest["x"] == list(range(1, 10))
    assert latest["last"] == [1001, 1002, 1003, 1004, 1005, 2006, 2007, 3008, 3009]
    assert latest["attempt"] == 3
    everything = read(http, editor, attempts="all")
    assert [(series["attempt"], series["x"]) for series in everything] == [
        (1, list(range(1, 11))),
        (2, [6, 7, 8]),
        (3, [8, 9]),
    ]


def test_a_later_attempt_hides_the_dead_end_in_curves_it_has_not_reached_yet(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    first = Producer("child1", attempt=1)
    first.say(*(step(number, train_loss=1.0, val_loss=float(number)) for number in range(1, 11)))
    ingest(sqlite, first, attempt(2, 6, 6))
    assert read(http, editor, names="val/loss")[0]["x"] == [1, 2, 3, 4, 5]


def evaluated(at: int, loss: float) -> EvaluationCompleted:
    return EvaluationCompleted(step=at, tokens=at * 100, metrics={"val/loss": loss})


def test_no_step_is_missing_where_a_later_attempt_evaluated_its_checkpoint_again(
    http: Any, sqlite: Database, editor: dict[str, str]
) -> None:
    """Killed at 130, evaluated at 60 and 120, resumed behind the checkpoint of 120."""
    first, second = attempt(1, 1, 130), Producer("child2", attempt=2)
    first.say(evaluated(60, 1.0), evaluated(120, 1.5))
    second.say(evaluated(120, 2.5), *(step(at, train_loss=2000.0 + at) for at in range(121, 141)))
    ingest(sqlite, first, second)
    (loss,) = read(http, editor, names="train/loss")
    assert loss["x"] == list(range(1, 141))
    assert loss["last"] == [*range(1001, 1121), *range(2121, 2141)]
    (val,) = read(http, editor, names="val/loss")
    assert (val["x"], val["last"], val["count"]) == ([60, 120], [1.0, 2.5], [1, 1])


def test_zoom_reads_only_the_chunks_in_range(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    child = Producer()
    child.steps(1, 9000)
    ingest(sqlite, child)
    with sqlite.writing() as session:
        broken = session.query(Base.metadata.tables["metric_chunks"]).filter_by(first_step=1)
        broken.update({"data": b"damaged"}, synchronize_session=False)
    (zoomed,) = read(http, editor, from_=5000, to=5009.5)
    assert zoomed["x"] == list(range(5000, 5010))
    (coarse,) = read(http, editor, from_=4097, buckets=10)
    assert len(coarse["x"]) == 10
    assert sum(coarse["count"]) == 9000 - 4096


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"x": "epoch"}, "x"),
        ({"buckets": 0}, "buckets"),
        ({"buckets": 5001}, "buckets"),
        ({"buckets": "many"}, "buckets"),
        ({"from": "nan"}, "from"),
        ({"from": 5, "to": 4}, "from"),
        ({"to": "x"}, "to"),
        ({"attempts": "first"}, "attempts"),
    ],
)
def test_bad_parameters_are_named(http: Any, editor: dict[str, str], query: dict[str, object], field: str) -> None:
    answer = http.get(URL, query_string=query, headers=editor)
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert [error["field"] for error in answer.json["errors"]] == [field]


def test_nobody_reads_without_a_name(http: Any) -> None:
    assert http.get(URL).status_code == 401


STEPS = st.integers(0, 60)
ATTEMPTS = st.lists(st.lists(st.tuples(STEPS, st.floats(-100, 100)), min_size=1, max_size=20), min_size=1, max_size=4)


@given(ATTEMPTS, STEPS, STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_attempts_and_zoom_against_a_reference(sqlite: Database, attempts: list[list[tuple[int, float]]], low: int, high: int) -> None:
    with sqlite.writing() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
    for number, points in enumerate(attempts):
        producer = Producer(f"child{number}", attempt=number)
        producer.say(*(step(at, train_loss=value) for at, value in points))
        ingest(sqlite, producer)
    firsts = [min(at for at, _ in points) for points in attempts]
    visible = [
        (at, value)
        for number, points in enumerate(attempts)
        for at, value in points
        if all(at < first for first in firsts[number + 1 :]) and low <= at <= high
    ]
    with sqlite.reading() as session:
        series, _ = read_series(session, RUN, None, Zoom("step", low, high, 5000))
    read_back = list(zip(series[0]["x"], series[0]["last"], strict=True)) if series else []
    assert sorted(read_back) == sorted(visible)
    assert [at for at, _ in read_back] == sorted(at for at, _ in read_back)
