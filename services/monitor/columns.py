"""Points of one series as columns: `step`, `at`, `tokens`, `value`, one after the other, 8 bytes little endian each; zlib once sealed."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CHUNK_POINTS: Final = 4096
_INT, _FLOAT = np.dtype("<i8"), np.dtype("<f8")


@dataclass(frozen=True)
class Columns:
    """Four arrays of the same length, shape (points,)."""

    step: Ints
    at: Floats
    tokens: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.step)

    def __getitem__(self, which: Any) -> "Columns":
        return Columns(self.step[which], self.at[which], self.tokens[which], self.value[which])


def from_places(places: Sequence[tuple[int, float, int]]) -> tuple[Ints, Floats, Ints]:
    """Steps, times and tokens of points. Raises OverflowError where a step or a token count does not fit in 64 bits."""
    step, at, tokens = zip(*places, strict=True)
    return np.array(step, _INT), np.array(at, _FLOAT), np.array(tokens, _INT)


def join(parts: Sequence[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    return Columns(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("step", "at", "tokens", "value")))


def encode(columns: Columns, *, sealed: bool) -> bytes:
    plain = b"".join(column.tobytes() for column in (columns.step, columns.at, columns.tokens, columns.value))
    return zlib.compress(plain, 1) if sealed else plain


def decode(data: bytes, *, sealed: bool) -> Columns:
    plain = zlib.decompress(data) if sealed else data
    size = len(plain) // 4
    step, at, tokens, value = (plain[index * size : (index + 1) * size] for index in range(4))
    return Columns(np.frombuffer(step, _INT), np.frombuffer(at, _FLOAT), np.frombuffer(tokens, _INT), np.frombuffer(value, _FLOAT))
