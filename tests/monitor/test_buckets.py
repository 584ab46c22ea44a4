"""Buckets against a reference that is slow and obvious."""

import math
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.monitor.buckets import bucket
from services.monitor.columns import Columns
from services.monitor.groups import single

VALUES = st.floats(width=32) | st.sampled_from([math.nan, math.inf, -math.inf])


def buckets(x: list[int], values: list[float], limit: int) -> dict[str, list[Any]]:
    places = np.array(x, np.int64)
    return bucket(places, single(Columns(places, places.astype(np.float64), places, np.array(values, np.float64))), limit)


def reference(x: list[int], values: list[float], limit: int) -> list[dict[str, Any]]:
    groups: dict[int, list[tuple[int, float]]] = {}
    for index, (place, value) in enumerate(zip(x, values, strict=True)):
        if len(x) > limit:
            index = min(int((place - x[0]) / (x[-1] - x[0]) * limit), limit - 1) if x[-1] > x[0] else 0
        groups.setdefault(index, []).append((place, value))
    answer = []
    for _, members in sorted(groups.items()):
        good = [value for _, value in members if math.isfinite(value)]
        answer.append(
            {
                "x": members[0][0],
                "min": min(good, default=None),
                "max": max(good, default=None),
                "mean": sum(good) / len(good) if good else None,
                "last": members[-1][1] if math.isfinite(members[-1][1]) else None,
                "count": len(members),
                "nan": len(members) - len(good),
            }
        )
    return answer


@given(st.lists(st.tuples(st.integers(0, 1000), VALUES), min_size=1, max_size=200), st.integers(1, 50))
def test_buckets_are_those_of_the_reference(points: list[tuple[int, float]], limit: int) -> None:
    points.sort(key=lambda point: point[0])
    x, values = [place for place, _ in points], [value for _, value in points]
    columns = buckets(x, values, limit)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    expected = reference(x, values, limit)
    assert len(rows) == len(expected) <= limit
    for row, wanted in zip(rows, expected, strict=True):
        mean, wanted_mean = row.pop("mean"), wanted.pop("mean")
        assert row == wanted
        assert mean == wanted_mean or math.isclose(mean, wanted_mean, rel_tol=1e-6, abs_tol=1e30)


def test_a_point_each_where_there_is_room() -> None:
    columns = buckets([1, 2, 900], [3.0, 2.0, 1.0], 3)
    assert columns["x"] == [1, 2, 900]
    assert columns["mean"] == columns["min"] == columns["max"] == columns["last"] == [3.0, 2.0, 1.0]


def test_a_sum_beyond_floats_is_null_and_not_infinite() -> None:
    columns = buckets([0, 0], [1e308, 1e308], 1)
    assert (columns["mean"], columns["max"], columns["nan"]) == ([None], [1e308], [0])
