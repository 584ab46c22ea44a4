"""Groups of points say of a curve what its points say."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from services.monitor import groups
from services.monitor.buckets import group_size
from services.monitor.columns import CHUNK_POINTS, Columns
from services.monitor.history import Zoom, read_series
from services.monitor.ingest import take
from services.monitor.models import MetricChunk, MetricRollup
from serving.database import Database
from shared.events import AnyEvent
from shared.run_events import RunDeleted
from tests.monitor.producing import RUN, Producer, entries, step

POINTS = 40_000
VALUES = st.floats(width=32) | st.sampled_from([math.nan, math.inf, -math.inf])


def columns_of(values: list[float]) -> Columns:
    place = np.arange(len(values))
    return Columns(place + 1, np.array(place + 1000.5, np.float64), place * 64, np.array(values, np.float64))


@given(st.lists(VALUES, min_size=1, max_size=600), st.sampled_from(groups.SIZES))
@settings(max_examples=60, deadline=None)
def test_a_group_is_what_its_points_are(values: list[float], size: int) -> None:
    made = groups.decode([groups.encode(groups.of_points(columns_of(values), size))])
    assert len(made) == math.ceil(len(values) / size)
    for index in range(len(made)):
        members = values[index * size : (index + 1) * size]
        good = [value for value in members if math.isfinite(value)]
        assert (made["step"][index], made["at"][index], made["tokens"][index]) == (
            index * size + 1,
            index * size + 1000.5,
            index * size * 64,
        )
        assert (made["count"][index], made["good"][index]) == (len(members), len(good))
        assert (made["min"][index], made["max"][index]) == (min(good, default=math.inf), max(good, default=-math.inf))
        assert made["last"][index] == members[-1] or (math.isnan(made["last"][index]) and math.isnan(members[-1]))
        assert made["total"][index] == pytest.approx(math.fsum(good), rel=1e-6, abs=1e30)


def test_a_bucket_has_at_least_four_groups() -> None:
    assert [group_size(points, 500) for points in (1, 31_999, 32_000, 511_999, 512_000, 8_191_999, 8_192_000)] == [
        1,
        1,
        16,
        16,
        256,
        256,
        4096,
    ]


def value_at(number: int) -> float:
    """With a spike and a NaN that no bucket may lose."""
    return {20_001: 1e6, 30_003: math.nan}.get(number, math.sin(number / 50) + number / POINTS)


@pytest.fixture
def long_curve(database: Database) -> Database:
    """40,000 points of one attempt, of which a second one takes the last 5,000 again."""
    first, second = Producer("child1", attempt=1), Producer("child2", attempt=2)
    first.say(*(step(number, train_loss=value_at(number)) for number in range(1, POINTS + 1)))
    second.say(*(step(number, train_loss=value_at(number)) for number in range(POINTS - 5000, POINTS + 1)))
    for producer in (first, second):
        with database.writing() as session:
            take(session, producer.name, {RUN: entries(producer.records)})
    return database


def read(database: Database, zoom: Zoom) -> dict[str, Any]:
    with database.reading() as session:
        (series,), reached = read_series(session, RUN, None, zoom)
    assert reached == (2, POINTS)
    return series


@pytest.mark.parametrize("axis", ["step", "tokens", "time"])
def test_groups_tell_the_same_curve_as_points(long_curve: Database, axis: Any) -> None:
    zooms = [Zoom(axis, buckets=50), Zoom(axis, 3333, 36_000 if axis != "tokens" else 3_600_000, buckets=40)]
    grouped = [read(long_curve, zoom) for zoom in zooms]
    with long_curve.writing() as session:
        session.execute(delete(MetricRollup))
    for zoom, found in zip(zooms, grouped, strict=True):
        single = read(long_curve, zoom)
        assert sum(found["count"]) == sum(single["count"])
        assert sum(found["nan"]) == sum(single["nan"]) == 1
        assert max(found["max"]) == max(single["max"]) == 1e6
        assert min(found["min"]) == min(single["min"])
        assert found["last"][-1] == single["last"][-1]
        assert found["x"][0] == single["x"][0]
        assert len(single["x"]) - 2 <= len(found["x"]) <= zoom.buckets
        total = sum(mean * (count - nan) for mean, count, nan in zip(found["mean"], found["count"], found["nan"], strict=True))
        wanted = sum(mean * (count - nan) for mean, count, nan in zip(single["mean"], single["count"], single["nan"], strict=True))
        assert total == pytest.approx(wanted, rel=1e-9)


def test_a_far_view_reads_no_points_of_sealed_chunks(long_curve: Database) -> None:
    """But of the chunk where the second attempt takes over, and of open ones."""
    with long_curve.writing() as session:
        takes_over = POINTS - 5000
        whole = (MetricChunk.sealed.is_(True), MetricChunk.last_step < takes_over)
        damaged = session.execute(update(MetricChunk).where(*whole).values(data=b"damaged"))
        assert damaged.rowcount == takes_over // CHUNK_POINTS  # type: ignore[attr-defined]
    assert sum(read(long_curve, Zoom(buckets=50))["count"]) == POINTS


def test_chunks_whose_neighbours_are_no_neighbours_are_read_point_by_point(database: Database) -> None:
    child = Producer()
    said: list[AnyEvent] = [step(number) for number in range(CHUNK_POINTS, 0, -1)]
    child.say(*said)
    with database.writing() as session:
        take(session, "e", {RUN: entries(child.records)})
        assert session.scalars(select(MetricRollup)).all() == []
    with database.reading() as session:
        (series,), _ = read_series(session, RUN, None, Zoom(buckets=10))
    assert series["x"][0] == 1
    assert sum(series["count"]) == CHUNK_POINTS


def test_a_deleted_run_leaves_no_groups(database: Database) -> None:
    child = Producer()
    child.steps(1, CHUNK_POINTS)
    child.say(RunDeleted(run_id=RUN, by="me"))
    for records in (child.records[:-1], child.records):
        with database.writing() as session:
            take(session, "e", {RUN: entries(records)})
    with database.reading() as session:
        assert session.scalars(select(MetricRollup)).all() == []
