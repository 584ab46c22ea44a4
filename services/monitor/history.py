"""Reading curves: from the chunks in range to buckets."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from services.monitor import columns
from services.monitor.buckets import bucket
from services.monitor.columns import Columns
from services.monitor.models import MetricChunk
from shared.names import Metric

Axis = Literal["step", "tokens", "time"]
_EXTENT: Final[dict[Axis, tuple[InstrumentedAttribute[Any], InstrumentedAttribute[Any]]]] = {
    "step": (MetricChunk.first_step, MetricChunk.last_step),
    "tokens": (MetricChunk.first_tokens, MetricChunk.last_tokens),
    "time": (MetricChunk.first_at, MetricChunk.last_at),
}


@dataclass(frozen=True)
class Zoom:
    """The part of a curve that is asked for. `first` and `last` belong to it; time counts seconds from the run's first point."""

    x: Axis = "step"
    first: float | None = None
    last: float | None = None
    buckets: int = 500


@dataclass(frozen=True)
class Timeline:
    """`started`: seconds since 1970 of the run's first point. `reached`: (attempt, step) of its newest one; nothing before it is missing.

    superseded: per name and attempt, the step from which on a later attempt counts: that of its first point of the name, or the first
    step it took. An attempt that resumes behind step 120 evaluates 120 again, but takes 121 first.
    """

    started: float
    reached: tuple[int, int]
    superseded: dict[tuple[str, int], int]


def read_series(
    session: Session, run_id: str, names: list[str] | None, zoom: Zoom, *, all_attempts: bool = False
) -> tuple[list[dict[str, Any]], tuple[int, int] | None]:
    """The curves of a run by name, one per name (the highest attempt wins on a step) or one per name and attempt. Unknown names are
    left out. And how far the history reaches, None where it has not begun."""
    # The timeline first: what is written meanwhile may be in the curves, but is not promised.
    timeline = _timeline(session, run_id)
    if timeline is None:
        return [], None
    rows = session.execute(_chunks(run_id, names, zoom, timeline.started)).yield_per(32)
    series = []
    for (name, attempt), group in groupby(rows, key=lambda row: (row.name, row.attempt if all_attempts else None)):
        curve = _Curve(zoom, timeline, hide=not all_attempts)
        curve.read(group)
        if curve.parts:
            series.append({"name": name, "attempt": curve.attempt if attempt is None else attempt, **curve.buckets()})
    return series, timeline.reached


def _timeline(session: Session, run_id: str) -> Timeline | None:
    first, last, at = func.min(MetricChunk.first_step), func.max(MetricChunk.last_step), func.min(MetricChunk.first_at)
    query = select(MetricChunk.name, MetricChunk.attempt, first, last, at).where(MetricChunk.run_id == run_id)
    rows = session.execute(query.group_by(MetricChunk.name, MetricChunk.attempt)).all()
    if not rows:
        return None
    firsts: dict[str, dict[int, int]] = {}
    for name, attempt, step, *_ in rows:
        firsts.setdefault(name, {})[attempt] = step
    reached = max((row[1], row[3]) for row in rows)
    return Timeline(min(row[4] for row in rows), reached, _superseded(firsts))


def _superseded(firsts: dict[str, dict[int, int]]) -> dict[tuple[str, int], int]:
    """firsts: per name and attempt, the first step of its points."""
    taken = firsts.get(Metric.TRAIN_LOSS, {})
    return {
        (name, attempt): min(steps)
        for name, own in firsts.items()
        for attempt in own
        if (steps := [step for beginnings in (own, taken) for later, step in beginnings.items() if later > attempt])
    }


def _chunks(run_id: str, names: list[str] | None, zoom: Zoom, started: float) -> Select[Any]:
    low, high = _EXTENT[zoom.x]
    # A second more on each side: x is computed by a subtraction, which rounds.
    offset, slack = (started, 1) if zoom.x == "time" else (0, 0)
    query: Any = select(MetricChunk.name, MetricChunk.attempt, MetricChunk.first_step, MetricChunk.sealed, MetricChunk.data)
    query = query.where(MetricChunk.run_id == run_id).order_by(MetricChunk.name, MetricChunk.attempt, MetricChunk.id)
    if names is not None:
        query = query.where(MetricChunk.name.in_(names))
    if zoom.first is not None:
        query = query.where(high >= zoom.first + offset - slack)
    if zoom.last is not None:
        query = query.where(low <= zoom.last + offset + slack)
    return cast(Select[Any], query)


class _Curve:
    """The points of one curve, gathered from its chunks."""

    def __init__(self, zoom: Zoom, timeline: Timeline, *, hide: bool) -> None:
        self.zoom, self.started, self.hidden_from = zoom, timeline.started, timeline.superseded if hide else {}
        self.parts: list[tuple[NDArray[Any], columns.Floats]] = []
        self.attempt = 0

    def read(self, rows: Iterable[Any]) -> None:
        for row in rows:
            for x, value in self._visible(row):
                self.parts.append((x, value))
                self.attempt = row.attempt
            time.sleep(0)  # long curves take turns with the sockets of the same process

    def _visible(self, row: Any) -> Iterator[tuple[NDArray[Any], columns.Floats]]:
        hidden_from = self.hidden_from.get((row.name, row.attempt))
        if hidden_from is not None and row.first_step >= hidden_from:
            return
        points = columns.decode(row.data, sealed=row.sealed)
        x = self._axis(points)
        keep = np.ones(len(points), bool)
        if hidden_from is not None:
            keep &= points.step < hidden_from
        if self.zoom.first is not None:
            keep &= x >= self.zoom.first
        if self.zoom.last is not None:
            keep &= x <= self.zoom.last
        if keep.any():
            yield x[keep], points.value[keep]

    def _axis(self, points: Columns) -> NDArray[Any]:
        if self.zoom.x == "time":
            return points.at - self.started
        return points.step if self.zoom.x == "step" else points.tokens

    def buckets(self) -> dict[str, list[Any]]:
        x, value = (np.concatenate(arrays) for arrays in zip(*self.parts, strict=True))
        order = np.argsort(x, kind="stable")
        return bucket(x[order], value[order], self.zoom.buckets)
