"""A curve as a few buckets: what a chart needs of a million points."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.monitor.columns import Floats
from services.monitor.groups import SIZES, Groups, merge

GROUPS_PER_BUCKET: Final = 4
"""At least. A bucket holds whole groups, so that its border may lie by a group's width beside where it would lie among points."""


def group_size(points: int, limit: int) -> int:
    """Of how many points the groups may be that are to fill `limit` buckets; 1: read the points."""
    return max((size for size in SIZES if points >= size * limit * GROUPS_PER_BUCKET), default=1)


def bucket(x: NDArray[Any], groups: Groups, limit: int) -> dict[str, list[Any]]:
    """At most `limit` buckets of equal width over x, empty ones left out; a bucket per group where the groups are no more than that.

    x: of the groups, rising, shape (groups,), at least one. Answers lists of the same length: `x` (of the bucket's first point), `min`,
    `max`, `mean` (over finite values, None without any), `last` (None unless finite), `count` (all points), `nan` (those that are NaN or
    infinite).
    """
    starts = _starts(x, limit)
    return as_lists(x[starts], merge(groups, starts))


def as_lists(x: NDArray[Any], buckets: Groups) -> dict[str, list[Any]]:
    """As an answer has them; what is not finite is None."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mean = buckets["total"] / buckets["good"]
    return {
        "x": x.tolist(),
        "min": _finite(buckets["min"]),
        "max": _finite(buckets["max"]),
        "mean": _finite(mean),
        "last": _finite(buckets["last"]),
        "count": buckets["count"].tolist(),
        "nan": (buckets["count"] - buckets["good"]).tolist(),
    }


def _starts(x: NDArray[Any], limit: int) -> NDArray[np.intp]:
    """Index of each bucket's first group."""
    if len(x) <= limit:
        return np.arange(len(x))
    offset = (x - x[0]).astype(np.float64)
    index = np.zeros(len(x), np.int64) if offset[-1] == 0 else np.minimum(offset / offset[-1] * limit, limit - 1).astype(np.int64)
    return np.flatnonzero(np.diff(index, prepend=-1))


def _finite(values: Floats) -> list[float | None]:
    return [value if ok else None for value, ok in zip(values.tolist(), np.isfinite(values).tolist(), strict=True)]
