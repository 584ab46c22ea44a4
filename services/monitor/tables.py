"""Points of a run as rows of a file: CSV, JSON lines, Parquet. Each is made while it is sent, a block at a time.

All three have the same columns, one row per point (`COLUMNS`). A value that is not finite stays what it is: `NaN`, `inf` and `-inf` in CSV,
the strings "NaN", "Infinity" and "-Infinity" in JSON lines, which has no numbers for them, and itself in Parquet.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.monitor.columns import Columns

if TYPE_CHECKING:
    import pyarrow

COLUMNS: Final = ("run_id", "attempt", "step", "tokens", "time", "name", "value")
"""`time`: seconds since 1970, UTC. `tokens`: read since the run's first step."""
ROW_GROUP: Final = 1 << 16
"""Rows that a Parquet file keeps together; so many are held in memory, about 10 MB."""


@dataclass(frozen=True)
class Block:
    """Some neighbouring points of one series."""

    run_id: str
    name: str
    attempt: int
    points: Columns


def csv(blocks: Iterable[Block]) -> Iterator[bytes]:
    """RFC 4180 but for the line ends, which are plain newlines. Numbers are the shortest text that reads back as the same number."""
    yield (",".join(COLUMNS) + "\n").encode()
    for block in blocks:
        head, name = f"{_quoted(block.run_id)},{block.attempt}", _quoted(block.name)
        yield _rows(block, f"{head},%d,%d,%r,{_literal(name)},%s\n", _csv_number)


def jsonl(blocks: Iterable[Block]) -> Iterator[bytes]:
    """An object per line, in UTF-8."""
    for block in blocks:
        run_id, name = (_literal(json.dumps(text, ensure_ascii=False)) for text in (block.run_id, block.name))
        head = f'{{"run_id": {run_id}, "attempt": {block.attempt}, "step": %d, "tokens": %d, "time": %r'
        yield _rows(block, f'{head}, "name": {name}, "value": %s}}\n', _json_number)


def parquet(blocks: Iterable[Block]) -> Iterator[bytes]:
    """Compressed by zstd, in row groups of about `ROW_GROUP`. Its end holds the directory, so one that broke off cannot be opened."""
    import pyarrow
    import pyarrow.parquet

    pipe = Pipe()
    with pyarrow.parquet.ParquetWriter(pyarrow.PythonFile(pipe, mode="w"), _schema(), compression="zstd") as writer:
        for group in _groups(blocks):
            writer.write_table(pyarrow.concat_tables([_table(block) for block in group]))
            yield pipe.taken()
    yield pipe.taken()


class Pipe:
    """A file that is only written to: what was written can be taken away, and nothing of it is kept."""

    closed = False

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.position = 0

    def write(self, data: bytes) -> int:
        """`data`: anything with bytes in it, which may change once this has returned."""
        self.parts.append(bytes(data))
        self.position += len(self.parts[-1])
        return len(self.parts[-1])

    def tell(self) -> int:
        return self.position

    def flush(self) -> None:
        """There is nothing behind it."""

    def close(self) -> None:
        self.closed = True

    def taken(self) -> bytes:
        taken = b"".join(self.parts)
        self.parts.clear()
        return taken


def _rows(block: Block, row: str, number: Callable[[float], str]) -> bytes:
    points = block.points
    columns = (points.step.tolist(), points.tokens.tolist(), points.at.tolist(), map(number, points.value.tolist()))
    return "".join([row % values for values in zip(*columns, strict=True)]).encode()


def _csv_number(value: float) -> str:
    return "NaN" if math.isnan(value) else repr(value)


def _json_number(value: float) -> str:
    return repr(value) if math.isfinite(value) else '"NaN"' if math.isnan(value) else '"Infinity"' if value > 0 else '"-Infinity"'


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\r\n') else text


def _literal(text: str) -> str:
    """As it is to stand in a format for `%`."""
    return text.replace("%", "%%")


def _groups(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    group, rows = list[Block](), 0
    for block in blocks:
        group.append(block)
        rows += len(block.points)
        if rows >= ROW_GROUP:
            yield group
            group, rows = [], 0
    if group:
        yield group


def _schema() -> "pyarrow.Schema":
    import pyarrow

    text, whole, real = pyarrow.string(), pyarrow.int64(), pyarrow.float64()
    kinds = (text, pyarrow.int32(), whole, whole, real, text, real)
    return pyarrow.schema([pyarrow.field(name, kind, nullable=False) for name, kind in zip(COLUMNS, kinds, strict=True)])


def _table(block: Block) -> "pyarrow.Table":
    import pyarrow

    points, schema = block.points, _schema()
    same = [pyarrow.repeat(pyarrow.scalar(text), len(points)) for text in (block.run_id, block.name)]
    attempt = pyarrow.repeat(pyarrow.scalar(block.attempt, pyarrow.int32()), len(points))
    numbers = (pyarrow.array(column) for column in (points.step, points.tokens, points.at))
    return pyarrow.table([same[0], attempt, *numbers, same[1], pyarrow.array(points.value)], schema=schema)
