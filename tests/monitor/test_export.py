"""`GET /api/v1/runs/{id}/metrics/export`"""

import csv
import io
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

from services.monitor import columns, export, tables
from services.monitor.ingest import take
from services.monitor.keeping import DAY, Keeping, let_go
from services.monitor.models import MetricChunk
from services.monitor.tables import COLUMNS, ROW_GROUP, Block
from serving.database import Database
from shared.run_events import RunCreated
from tests.monitor.producing import RUN, Producer, entries, step

URL = f"/api/v1/runs/{RUN}/metrics/export"
FORMATS = ("csv", "jsonl", "parquet", "tensorboard")
_epochs = iter(range(1_000_000))


def ingest(database: Database, *producers: Producer) -> None:
    with database.writing() as session:
        for producer in producers:
            take(session, f"e{next(_epochs)}", {producer.run_id: entries(producer.records)})


def attempt(number: int, first: int, last: int, **others: float) -> Producer:
    """Its losses are 1000 times the attempt, plus the step."""
    producer = Producer(f"child{number}", attempt=number)
    producer.say(*(step(at, train_loss=1000.0 * number + at, **others) for at in range(first, last + 1)))
    return producer


def download(http: Any, who: dict[str, str], **query: str) -> Any:
    answer = http.get(URL, query_string=query, headers=who)
    assert answer.status_code == 200, answer.text
    return answer


def csv_rows(data: bytes) -> list[dict[str, Any]]:
    kinds = dict(zip(COLUMNS, (str, int, int, int, float, str, float), strict=True))
    return [{name: kinds[name](text) for name, text in row.items()} for row in csv.DictReader(io.StringIO(data.decode()))]


def jsonl_rows(data: bytes) -> list[dict[str, Any]]:
    def strict(name: str) -> float:
        raise AssertionError(f"{name} is no JSON")

    rows = [json.loads(line, parse_constant=strict) for line in data.decode().splitlines()]
    return [row | {"value": float(row["value"])} for row in rows]


def parquet_rows(data: bytes) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(io.BytesIO(data)).to_pylist()
    return rows


ROWS = {"csv": csv_rows, "jsonl": jsonl_rows, "parquet": parquet_rows}


@pytest.mark.parametrize("form", ROWS)
def test_every_point_is_a_row(http: Any, sqlite: Database, editor: dict[str, str], form: str) -> None:
    child = Producer()
    child.say(step(1, train_loss=0.1 + 0.2, val_loss=1e-320), step(2**53 + 1, train_loss=-1e308))
    ingest(sqlite, child)
    rows = ROWS[form](download(http, editor, format=form).data)
    assert [tuple(row) for row in rows] == [COLUMNS] * 3
    assert [tuple(row.values()) for row in rows] == [
        (RUN, 1, 1, 100, 1001.0, "train/loss", 0.1 + 0.2),
        (RUN, 1, 2**53 + 1, 100 * (2**53 + 1), 1002.0, "train/loss", -1e308),
        (RUN, 1, 1, 100, 1001.0, "val/loss", 1e-320),
    ]


@pytest.mark.parametrize("form", ROWS)
def test_what_is_not_finite_stays_so(http: Any, sqlite: Database, editor: dict[str, str], form: str) -> None:
    child = Producer()
    child.say(*(step(at, train_loss=value) for at, value in enumerate((math.nan, math.inf, -math.inf, 1.0), 1)))
    ingest(sqlite, child)
    values = [row["value"] for row in ROWS[form](download(http, editor, format=form).data)]
    assert math.isnan(values[0])
    assert values[1:] == [math.inf, -math.inf, 1.0]


def test_how_it_is_spelled(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    child = Producer()
    child.say(*(step(at, train_loss=value) for at, value in enumerate((math.nan, -math.inf), 1)))
    ingest(sqlite, child)
    assert download(http, editor, format="csv").text == (
        "run_id,attempt,step,tokens,time,name,value\nrun_a,1,1,100,1001.0,train/loss,NaN\nrun_a,1,2,200,1002.0,train/loss,-inf\n"
    )
    assert download(http, editor, format="jsonl").text.splitlines()[1] == (
        '{"run_id": "run_a", "attempt": 1, "step": 2, "tokens": 200, "time": 1002.0, "name": "train/loss", "value": "-Infinity"}'
    )


def test_the_highest_attempt_wins_and_all_are_there_on_demand(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    ingest(sqlite, attempt(1, 1, 10), attempt(2, 6, 8), attempt(3, 8, 9))
    latest = csv_rows(download(http, editor, format="csv").data)
    assert [row["step"] for row in latest] == list(range(1, 10))
    assert [row["value"] for row in latest] == [1001, 1002, 1003, 1004, 1005, 2006, 2007, 3008, 3009]
    every = csv_rows(download(http, editor, format="csv", attempts="all").data)
    assert [(row["attempt"], row["step"]) for row in every] == [
        (number, at) for number, first, last in ((1, 1, 10), (2, 6, 8), (3, 8, 9)) for at in range(first, last + 1)
    ]


def test_the_export_has_what_the_history_shows(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    ingest(sqlite, attempt(1, 1, 6000, train_lr=0.1), attempt(2, 4500, 4600, val_loss=2.0))
    shown = http.get(f"/api/v1/runs/{RUN}/metrics", query_string={"buckets": 5000}, headers=editor).json["series"]
    rows = parquet_rows(download(http, editor, format="parquet").data)
    for series in shown:
        own = [row for row in rows if row["name"] == series["name"]]
        assert ([row["step"] for row in own], [row["value"] for row in own]) == (series["x"], series["last"])
    assert len(rows) == sum(sum(series["count"]) for series in shown)


def test_some_names(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    ingest(sqlite, attempt(1, 1, 2, train_lr=0.1, val_loss=2.0))
    some = csv_rows(download(http, editor, format="csv", names="val/loss, train/lr").data)
    assert [row["name"] for row in some] == ["train/lr", "train/lr", "val/loss", "val/loss"]
    assert len(csv_rows(download(http, editor, format="csv", names="").data)) == 6


def test_it_is_named_after_the_run(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    ingest(sqlite, Producer("api"), attempt(1, 1, 2))
    assert download(http, editor, format="csv").headers["Content-Disposition"] == "attachment; filename=run_a-metrics.csv"
    api = Producer("api", attempt=None)
    api.say(RunCreated(name="shakespeare-char", by="ada"))
    ingest(sqlite, api)
    named = [download(http, editor, format=form).headers["Content-Disposition"].rpartition("=")[2] for form in FORMATS]
    assert named == [
        f"shakespeare-char-run_a-{end}" for end in ("metrics.csv", "metrics.jsonl", "metrics.parquet", "metrics-tensorboard.zip")
    ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "format"),
        ({"format": "xlsx"}, "format"),
        ({"format": "csv", "attempts": "first"}, "attempts"),
        ({"format": "csv", "names": "train/loss,no/such"}, "names"),
        ({"format": "csv", "buckets": "5"}, "buckets"),
    ],
)
def test_bad_parameters_are_named(http: Any, sqlite: Database, editor: dict[str, str], query: dict[str, str], field: str) -> None:
    ingest(sqlite, attempt(1, 1, 2))
    answer = http.get(URL, query_string=query, headers=editor)
    assert (answer.status_code, [error["field"] for error in answer.json["errors"]]) == (422, [field])


def test_a_run_without_points_has_no_export(http: Any, editor: dict[str, str]) -> None:
    answer = http.get(URL, query_string={"format": "csv"}, headers=editor)
    assert (answer.status_code, answer.json["code"]) == (404, "not-found")
    assert http.get(URL, query_string={"format": "csv"}).status_code == 401


def test_points_that_come_meanwhile_are_not_in_it(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    child = attempt(1, 1, 100)
    ingest(sqlite, child)
    answer = download(http, editor, format="csv")
    child.say(*(step(at) for at in range(101, 9000)))
    ingest(sqlite, child)
    assert len(csv_rows(answer.data)) == 100


def test_a_run_deleted_meanwhile_breaks_the_stream_off(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    ingest(sqlite, attempt(1, 1, 9000))
    answer = http.get(URL, query_string={"format": "csv"}, headers=editor, buffered=False)
    with sqlite.writing() as session:
        session.query(MetricChunk).delete()
    with pytest.raises(LookupError, match="deleted"):
        b"".join(answer.response)


def test_where_points_are_kept_no_longer_a_row_is_the_mean_of_sixteen(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    child = Producer()
    child.steps(1, columns.CHUNK_POINTS + 2)
    ingest(sqlite, child)
    with sqlite.writing() as session:
        assert let_go(Keeping(points=DAY), session, now=1e10)
    rows = csv_rows(download(http, editor, format="csv").data)
    assert len(rows) == columns.CHUNK_POINTS // 16 + 2
    assert [(row["step"], row["value"]) for row in rows[:2]] == [(1, 8.5), (17, 24.5)]
    assert rows[-1]["step"] == columns.CHUNK_POINTS + 2


def one_after_the_other(count: int) -> columns.Columns:
    place = np.arange(count)
    return columns.Columns(place, np.array(place, np.float64), place, np.array(place, np.float64))


def test_commas_and_quotes_in_names_are_kept() -> None:
    points = one_after_the_other(1)
    odd = Block('run "a"', "100 %,\n\u00e9", 1, points)
    assert csv_rows(b"".join(tables.csv([odd])))[0]["name"] == odd.name
    assert jsonl_rows(b"".join(tables.jsonl([odd])))[0]["run_id"] == odd.run_id


class Counted:
    """Blocks, and how many of them were taken."""

    def __init__(self, blocks: int) -> None:
        self.blocks, self.taken = blocks, 0

    def __iter__(self) -> Iterator[Block]:
        points = one_after_the_other(columns.CHUNK_POINTS)
        while self.taken < self.blocks:
            self.taken += 1
            yield Block(RUN, "train/loss", 1, points)


@pytest.mark.parametrize(("form", "blocks"), [("csv", 1), ("jsonl", 1), ("parquet", ROW_GROUP // columns.CHUNK_POINTS), ("tensorboard", 1)])
def test_nothing_is_gathered(form: export.Format, blocks: int) -> None:
    """However long the run: what has been read is sent before more is read."""
    source = Counted(70)
    for number, piece in enumerate(export._content(form, iter(source), RUN, every_attempt=False), 1):
        assert source.taken <= blocks * number
        assert len(piece) < 8 << 20
    assert source.taken == 70
