"""What the history lets go after its time, and what stays."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from services.monitor.columns import CHUNK_POINTS
from services.monitor.history import Zoom, read_series
from services.monitor.ingest import take
from services.monitor.keeping import DAY, Keeper, Keeping, let_go
from services.monitor.models import LogChunk, MetricChunk
from serving.database import Database
from shared.errors import EnvironmentFault
from shared.training_events import LogWritten
from tests.monitor import stored
from tests.monitor.producing import RUN, Producer, entries

POINTS = 3 * CHUNK_POINTS + 100


@pytest.fixture
def old(database: Database) -> Database:
    """The producer's clock begins at 1000, a second per event."""
    child = Producer()
    child.steps(1, POINTS)
    child.say(*(LogWritten(rank=0, lines=[f"line {number}"]) for number in range(300)))
    with database.writing() as session:
        take(session, "e", {RUN: entries(child.records)})
    return database


def let_all_go(database: Database, keeping: Keeping, now: float) -> None:
    keeper = Keeper(database, partial(let_go, keeping), clock=lambda: now)
    while keeper.turn():
        pass


def read(database: Database, zoom: Zoom) -> dict[str, Any]:
    with database.reading() as session:
        (series,), _ = read_series(session, RUN, None, zoom)
    return series


def test_points_go_and_the_curve_stays(old: Database) -> None:
    before = read(old, Zoom(buckets=2000))
    let_all_go(old, Keeping(points=DAY), now=1000 + 2 * CHUNK_POINTS + 0.5 + DAY)
    with old.reading() as session:
        empty = [chunk.data == b"" for chunk in session.scalars(select(MetricChunk).order_by(MetricChunk.id))]
    assert empty == [True, True, False, False]
    after = read(old, Zoom(buckets=2000))
    assert sum(after["count"]) == sum(before["count"]) == POINTS
    assert (after["x"][0], after["last"][-1], min(after["min"]), max(after["max"])) == (1, POINTS, 1, POINTS)
    near = read(old, Zoom(first=1001, last=1500, buckets=500))
    assert (near["x"][0], near["count"][0], near["min"][0], near["max"][0]) == (1009, 16, 1009, 1024)
    exact = read(old, Zoom(first=2 * CHUNK_POINTS + 1, last=2 * CHUNK_POINTS + 10))
    assert exact["x"] == list(range(2 * CHUNK_POINTS + 1, 2 * CHUNK_POINTS + 11))


def test_logs_go_but_their_lines_keep_their_numbers(old: Database) -> None:
    let_all_go(old, Keeping(logs=DAY), now=1000 + POINTS + 250 + DAY)
    with old.reading() as session:
        kept = [chunk.first_line for chunk in session.scalars(select(LogChunk).order_by(LogChunk.first_line))]
    assert kept == list(range(249, 300))
    let_all_go(old, Keeping(logs=DAY), now=1e12)
    with old.reading() as session:
        assert [chunk.first_line for chunk in session.scalars(select(LogChunk))] == [299]


def test_without_a_time_everything_stays(old: Database) -> None:
    with old.writing() as session:
        assert not let_go(Keeping(), session, now=1e12)
    assert stored.steps(old) == list(range(1, POINTS + 1))


def test_days_are_read_and_nonsense_is_named() -> None:
    assert Keeping.read({"GROUNDUP_KEEP_POINTS_DAYS": "30"}) == Keeping(points=30 * DAY)
    with pytest.raises(EnvironmentFault, match="GROUNDUP_KEEP_LOGS_DAYS: '-1'"):
        Keeping.read({"GROUNDUP_KEEP_LOGS_DAYS": "-1"})
