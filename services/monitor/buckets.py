"""A curve as a few buckets: what a chart needs of a million points."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.monitor.columns import Floats


def bucket(x: NDArray[Any], values: Floats, limit: int) -> dict[str, list[Any]]:
    """At most `limit` buckets of equal width over x, empty ones left out; a bucket per point where the points are no more than that.

    x: rising, shape (points,), at least one. Answers lists of the same length: `x` (of the bucket's first point), `min`, `max`, `mean`
    (over finite values, None without any), `last` (None unless finite), `count` (all points), `nan` (those that are NaN or infinite).
    """
    starts = _starts(x, limit)
    ends = np.append(starts[1:], len(x))
    finite = np.isfinite(values)
    good = np.add.reduceat(finite.astype(np.int64), starts)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mean = np.add.reduceat(np.where(finite, values, 0.0), starts) / good
    return {
        "x": x[starts].tolist(),
        "min": _finite(np.minimum.reduceat(np.where(finite, values, np.inf), starts)),
        "max": _finite(np.maximum.reduceat(np.where(finite, values, -np.inf), starts)),
        "mean": _finite(mean),
        "last": _finite(values[ends - 1]),
        "count": (ends - starts).tolist(),
        "nan": (ends - starts - good).tolist(),
    }


def _starts(x: NDArray[Any], limit: int) -> NDArray[np.intp]:
    """Index of each bucket's first point."""
    if len(x) <= limit:
        return np.arange(len(x))
    offset = (x - x[0]).astype(np.float64)
    index = np.zeros(len(x), np.int64) if offset[-1] == 0 else np.minimum(offset / offset[-1] * limit, limit - 1).astype(np.int64)
    return np.flatnonzero(np.diff(index, prepend=-1))


def _finite(values: Floats) -> list[float | None]:
    return [value if ok else None for value, ok in zip(values.tolist(), np.isfinite(values).tolist(), strict=True)]
