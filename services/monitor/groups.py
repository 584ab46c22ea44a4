"""Runs of neighbouring points as one row each: what a chart needs of points that it has no pixels for.

A sealed chunk of 4,096 points is also kept as 256 groups of 16, as 16 groups of 256 and as a single one, so that a curve of any length is
read as a few thousand rows. Of a group the first x, and `min`, `max`, `total`, `last` and the count of what is not finite are exact.

Groups are a structured array, so that those of many chunks are read as one: their bytes one after the other.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.monitor.columns import CHUNK_POINTS, Columns

SIZES: Final = (16, 256, CHUNK_POINTS)
Groups = NDArray[np.void]
"""Shape (groups,), of `GROUP`."""
GROUP: Final = np.dtype(
    [
        ("step", "<i8"),
        ("at", "<f8"),
        ("tokens", "<i8"),
        ("min", "<f8"),
        ("max", "<f8"),
        ("total", "<f8"),
        ("last", "<f8"),
        ("count", "<i8"),
        ("good", "<i8"),
    ]
)
"""`step`, `at`, `tokens`: of the first point. `good` counts what is finite; `min`, `max` (else infinite) and `total` are of that."""


def single(points: Columns) -> Groups:
    """A group for each point."""
    finite = np.isfinite(points.value)
    groups = np.empty(len(points), GROUP)
    groups["step"], groups["at"], groups["tokens"], groups["last"] = points.step, points.at, points.tokens, points.value
    groups["min"] = np.where(finite, points.value, np.inf)
    groups["max"] = np.where(finite, points.value, -np.inf)
    groups["total"] = np.where(finite, points.value, 0.0)
    groups["count"], groups["good"] = 1, finite
    return groups


def merge(groups: Groups, starts: NDArray[np.intp]) -> Groups:
    """Neighbours become one group each; `starts`: the index of the first of each, rising from 0."""
    merged = groups[starts]
    merged["last"] = groups["last"][np.append(starts[1:], len(groups)) - 1]
    folds: dict[str, Any] = {"min": np.minimum, "max": np.maximum, "total": np.add, "count": np.add, "good": np.add}
    with np.errstate(over="ignore", invalid="ignore"):
        for name, fold in folds.items():
            merged[name] = fold.reduceat(groups[name], starts)
    return merged


def of_points(points: Columns, size: int) -> Groups:
    """Groups of `size` neighbours; the last one may have fewer."""
    return merge(single(points), np.arange(0, len(points), size))


def means(groups: Groups) -> Columns:
    """A point for each group: its first place, and the mean of what is finite (NaN without any)."""
    with np.errstate(invalid="ignore"):
        value = groups["total"] / groups["good"]
    step, at, tokens = (np.ascontiguousarray(groups[name]) for name in ("step", "at", "tokens"))
    return Columns(step, at, tokens, value)


def can_be_grouped(points: Columns) -> bool:
    """Whether neighbours on the list are neighbours on the axes. Points of one attempt are, as it takes one step after the other."""
    return bool((np.diff(points.step) >= 0).all() and (np.diff(points.tokens) >= 0).all())


def encode(groups: Groups) -> bytes:
    return groups.tobytes()


def decode(data: Sequence[bytes]) -> Groups:
    """Of several rows at once."""
    return np.frombuffer(b"".join(data), GROUP)
