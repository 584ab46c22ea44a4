"""Readings of a host as buckets, and the bytes of an hour of them: each second, and beside that each minute for whoever looks from afar.

Values are 4-byte floats, which have seven digits; readings have fewer. Bytes of the same significance stand together, which zlib likes.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
MINUTE: Final = 60
_SECOND, _VALUE = np.dtype("<u2"), np.dtype("<f4")
_VALUES: Final = ("low", "high", "total", "last")


@dataclass(frozen=True)
class Readings:
    """Arrays of the same length, in rising `second`s since 1970: of a bucket's first point. `low` and `high` are infinite, and `total` (the
    sum) is 0, where no point of it is finite; `good` counts those that are, `count` all."""

    second: Array
    low: Array
    high: Array
    total: Array
    last: Array
    good: Array
    count: Array

    def __len__(self) -> int:
        return len(self.second)

    def __getitem__(self, which: Any) -> "Readings":
        return Readings(*(column[which] for column in self.columns))

    @property
    def columns(self) -> tuple[Array, ...]:
        return self.second, self.low, self.high, self.total, self.last, self.good, self.count


def single(second: Array, value: Array) -> Readings:
    """A bucket for each point."""
    value = value.astype(np.float64)
    finite = np.isfinite(value)
    low, high, total = (np.where(finite, value, other) for other in (np.inf, -np.inf, 0.0))
    return Readings(second.astype(np.int64), low, high, total, value, finite.astype(np.int64), np.ones(len(value), np.int64))


def join(parts: Sequence[Readings]) -> Readings:
    return Readings(*(np.concatenate(columns) for columns in zip(*(part.columns for part in parts), strict=True)))


def grouped(points: Readings, width: float) -> Readings:
    """Buckets that are `width` seconds wide, from second 0 on; empty ones are left out. points: at least one."""
    starts = np.flatnonzero(np.diff((points.second // width).astype(np.int64), prepend=-1))
    ends = np.append(starts[1:], len(points))
    return Readings(
        points.second[starts],
        np.minimum.reduceat(points.low, starts),
        np.maximum.reduceat(points.high, starts),
        np.add.reduceat(points.total, starts),
        points.last[ends - 1],
        np.add.reduceat(points.good, starts),
        np.add.reduceat(points.count, starts),
    )


def answer(points: Readings) -> dict[str, list[Any]]:
    """Plain lists, as `buckets.bucket` makes them of a run's curve."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = points.total / points.good
    return {
        "x": points.second.tolist(),
        "min": _finite(points.low),
        "max": _finite(points.high),
        "mean": _finite(mean),
        "last": _finite(points.last),
        "count": points.count.tolist(),
        "nan": (points.count - points.good).tolist(),
    }


def seal(hour: int, second: Array, value: Array) -> tuple[bytes, bytes]:
    """An hour's points, in rising seconds, as `raw` and `minutes`."""
    raw = _pack(second - hour, value)
    minutes = grouped(single(second, value), MINUTE)
    return raw, _pack(minutes.second - hour, *(getattr(minutes, name) for name in (*_VALUES, "good", "count")))


def unseal(hour: int, raw: bytes) -> tuple[Array, Array]:
    """Seconds and values."""
    second, value = _unpack(raw, 1)
    return second + hour, value


def unseal_minutes(hour: int, minutes: bytes) -> Readings:
    second, low, high, total, last, good, count = _unpack(minutes, len(_VALUES) + 2)
    return Readings(second + hour, low, high, total, last, good.astype(np.int64), count.astype(np.int64))


def _pack(second: Array, *values: Array) -> bytes:
    gaps = np.diff(second, prepend=0).astype(_SECOND)
    return zlib.compress(b"".join([_shuffled(gaps), *(_shuffled(value.astype(_VALUE)) for value in values)]), 6)


def _unpack(data: bytes, columns: int) -> tuple[Array, ...]:
    plain = np.frombuffer(zlib.decompress(data), np.uint8)
    size = len(plain) // (_SECOND.itemsize + columns * _VALUE.itemsize)
    gaps, rest = plain[: size * _SECOND.itemsize], plain[size * _SECOND.itemsize :]
    second = _unshuffled(gaps, _SECOND).astype(np.int64).cumsum()
    return second, *(_unshuffled(column, _VALUE).astype(np.float64) for column in np.split(rest, columns))


def _shuffled(values: Array) -> bytes:
    return values.view(np.uint8).reshape(len(values), values.itemsize).T.tobytes()


def _unshuffled(data: Array, kind: "np.dtype[Any]") -> Array:
    return np.ascontiguousarray(data.reshape(kind.itemsize, -1).T).view(kind).ravel()


def _finite(values: Array) -> list[float | None]:
    return [value if ok else None for value, ok in zip(values.tolist(), np.isfinite(values).tolist(), strict=True)]
