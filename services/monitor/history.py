"""Reading curves: from the chunks in range, or the groups of their points, to buckets."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from services.monitor import columns, groups
from services.monitor.buckets import bucket, group_size
from services.monitor.groups import SIZES, Groups
from services.monitor.keeping import NO_POINTS
from services.monitor.models import MetricChunk, MetricRollup
from services.monitor.timeline import Timeline, read_timeline

Axis = Literal["step", "tokens", "time"]
_EXTENT: Final[dict[Axis, tuple[InstrumentedAttribute[Any], InstrumentedAttribute[Any]]]] = {
    "step": (MetricChunk.first_step, MetricChunk.last_step),
    "tokens": (MetricChunk.first_tokens, MetricChunk.last_tokens),
    "time": (MetricChunk.first_at, MetricChunk.last_at),
}
_IDS: Final = 500
"""Chunks that are read by one query."""


@dataclass(frozen=True)
class Zoom:
    """The part of a curve that is asked for. `first` and `last` belong to it; time counts seconds from the run's first point."""

    x: Axis = "step"
    first: float | None = None
    last: float | None = None
    buckets: int = 500


def read_series(
    session: Session, run_id: str, names: list[str] | None, zoom: Zoom, *, all_attempts: bool = False
) -> tuple[list[dict[str, Any]], tuple[int, int] | None]:
    """The curves of a run by name, one per name (the highest attempt wins on a step) or one per name and attempt. Unknown names are
    left out. And how far the history reaches, None where it has not begun."""
    # The timeline first: what is written meanwhile may be in the curves, but is not promised.
    timeline = read_timeline(session, run_id)
    if timeline is None:
        return [], None
    rows = session.execute(_chunks(run_id, names, zoom, timeline.started)).all()
    series = []
    for (name, attempt), chunks in groupby(rows, key=lambda row: (row.name, row.attempt if all_attempts else None)):
        curve = _Curve(session, zoom, timeline, hide=not all_attempts)
        curve.read(list(chunks))
        if curve.parts:
            series.append({"name": name, "attempt": curve.attempt if attempt is None else attempt, **curve.buckets()})
    return series, timeline.reached


def _chunks(run_id: str, names: list[str] | None, zoom: Zoom, started: float) -> Select[Any]:
    """All but their points."""
    low, high = _EXTENT[zoom.x]
    # A second more on each side: x is computed by a subtraction, which rounds.
    offset, slack = (started, 1) if zoom.x == "time" else (0, 0)
    wanted = (MetricChunk.id, MetricChunk.name, MetricChunk.attempt, MetricChunk.first_step, MetricChunk.last_step, MetricChunk.count)
    query: Any = select(*wanted, MetricChunk.sealed, low.label("low"), high.label("high"))
    query = query.where(MetricChunk.run_id == run_id).order_by(MetricChunk.name, MetricChunk.attempt, MetricChunk.id)
    if names is not None:
        query = query.where(MetricChunk.name.in_(names))
    if zoom.first is not None:
        query = query.where(high >= zoom.first + offset - slack)
    if zoom.last is not None:
        query = query.where(low <= zoom.last + offset + slack)
    return cast(Select[Any], query)


class _Curve:
    """The points of one curve, or groups of them, gathered from its chunks."""

    def __init__(self, session: Session, zoom: Zoom, timeline: Timeline, *, hide: bool) -> None:
        self.session, self.zoom, self.started = session, zoom, timeline.started
        self.hidden_from = timeline.superseded if hide else {}
        self.parts: list[Groups] = []
        self.attempt = 0

    def read(self, chunks: Sequence[Any]) -> None:
        hidden = {attempt: self.hidden_from.get((chunks[0].name, attempt), np.inf) for attempt in {chunk.attempt for chunk in chunks}}
        seen = {chunk.id: chunk for chunk in chunks if chunk.first_step < hidden[chunk.attempt]}
        size = group_size(sum(chunk.count for chunk in seen.values()), self.zoom.buckets)
        grouped = self._add_groups(seen, self._whole(seen.values(), hidden), size) if size > 1 else set()
        self._add_points(seen, [chunk_id for chunk_id in seen if chunk_id not in grouped], hidden)

    def _whole(self, chunks: Iterable[Any], hidden: Mapping[int, float]) -> list[int]:
        """Those of which all points are asked for."""
        # A second less on each side, as for those that are read at all.
        offset, slack = (self.started, 1) if self.zoom.x == "time" else (0, 0)
        first = -np.inf if self.zoom.first is None else self.zoom.first + offset + slack
        last = np.inf if self.zoom.last is None else self.zoom.last + offset - slack
        return [
            chunk.id
            for chunk in chunks
            if chunk.sealed and first <= chunk.low and chunk.high <= last and chunk.last_step < hidden[chunk.attempt]
        ]

    def _add_groups(self, seen: Mapping[int, Any], ids: Sequence[int], size: int) -> set[int]:
        """Which of the chunks have them."""
        found: set[int] = set()
        for some in _some(ids):
            query = select(MetricRollup.chunk_id, MetricRollup.data).where(MetricRollup.chunk_id.in_(some), MetricRollup.size == size)
            if rows := self.session.execute(query.order_by(MetricRollup.chunk_id)).all():
                self._add(groups.decode([row.data for row in rows]), max(seen[row.chunk_id].attempt for row in rows))
                found.update(row.chunk_id for row in rows)
        return found

    def _add_points(self, seen: Mapping[int, Any], ids: Sequence[int], hidden: Mapping[int, float]) -> None:
        for some in _some(ids):
            coarse = (MetricRollup.chunk_id == MetricChunk.id) & (MetricRollup.size == SIZES[0]) & (MetricChunk.data == NO_POINTS)
            query: Any = select(MetricChunk.id, MetricChunk.data, MetricChunk.sealed, MetricRollup.data.label("groups"))
            query = query.outerjoin(MetricRollup, coarse).where(MetricChunk.id.in_(some)).order_by(MetricChunk.id)
            for row in self.session.execute(query).yield_per(32):
                chunk = seen[row.id]
                points = groups.decode([row.groups]) if row.groups else groups.single(columns.decode(row.data, sealed=row.sealed))
                self._add(points[self._visible(points, hidden[chunk.attempt])], chunk.attempt)
                time.sleep(0)  # long curves take turns with the sockets of the same process

    def _add(self, part: Groups, attempt: int) -> None:
        if len(part):
            self.parts.append(part)
            self.attempt = max(self.attempt, attempt)

    def _visible(self, points: Groups, hidden_from: float) -> NDArray[np.bool_]:
        x = self._axis(points)
        keep: NDArray[np.bool_] = points["step"] < hidden_from
        if self.zoom.first is not None:
            keep &= x >= self.zoom.first
        if self.zoom.last is not None:
            keep &= x <= self.zoom.last
        return keep

    def _axis(self, points: Groups) -> NDArray[Any]:
        if self.zoom.x == "time":
            return cast(NDArray[Any], points["at"] - self.started)
        return points[self.zoom.x]

    def buckets(self) -> dict[str, list[Any]]:
        joined = np.concatenate(self.parts)
        joined = joined[np.argsort(self._axis(joined), kind="stable")]
        return bucket(self._axis(joined), joined, self.zoom.buckets)


def _some(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for first in range(0, len(ids), _IDS):
        yield ids[first : first + _IDS]
