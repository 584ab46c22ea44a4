"""Readings of a host as buckets, and the bytes of an hour of them: each second, and beside that each minute for whoever looks from afar.

Values are 4-byte floats, which have seven digits; readings have fewer. Bytes of the same significance stand together, which zlib likes.
"""

import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.monitor import groups
from services.monitor.columns import Columns
from services.monitor.groups import GROUP, Groups

Array = NDArray[Any]
MINUTE: Final = 60
_SECOND, _VALUE = np.dtype("<u2"), np.dtype("<f4")
_KEPT: Final = ("min", "max", "total", "last", "good", "count")


def single(second: Array, value: Array) -> Groups:
    """A group for each reading; its second since 1970 is in the place of a step."""
    second = second.astype(np.int64)
    return groups.single(Columns(second, second.astype(np.float64), np.zeros_like(second), value.astype(np.float64)))


def grouped(readings: Groups, width: float) -> Groups:
    """Groups that are `width` seconds wide, from second 0 on; empty ones are left out. readings: at least one, in rising seconds."""
    return groups.merge(readings, np.flatnonzero(np.diff((readings["step"] // width).astype(np.int64), prepend=-1)))


def seal(hour: int, second: Array, value: Array) -> tuple[bytes, bytes]:
    """An hour's points, in rising seconds, as `raw` and `minutes`."""
    raw = _pack(second - hour, value)
    minutes = grouped(single(second, value), MINUTE)
    return raw, _pack(minutes["step"] - hour, *(minutes[name] for name in _KEPT))


def unseal(hour: int, raw: bytes) -> tuple[Array, Array]:
    """Seconds and values."""
    second, value = _unpack(raw, 1)
    return second + hour, value


def unseal_minutes(hour: int, minutes: bytes) -> Groups:
    second, *kept = _unpack(minutes, len(_KEPT))
    readings = np.zeros(len(second), GROUP)
    readings["step"] = second + hour
    for name, values in zip(_KEPT, kept, strict=True):
        readings[name] = values
    return readings


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
