"""Metric points of a batch of events, turned from events' rows into columns, so that every series is written once.

Nearly all steps of a run have the same metrics. They are gathered as one table, and a point costs one float of a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy.orm import Session

from services.monitor import columns
from services.monitor.columns import Columns, Ints
from services.monitor.metric_names import MetricNames
from shared.events import Record
from shared.training_events import EvaluationCompleted, StepCompleted

Series = tuple[str, str, int]
"""run, name, attempt"""


@dataclass
class Table:
    """Events with the same metrics. `taken`: the column of each name that the history takes; `refused`: how many it does not, and why."""

    taken: Mapping[str, int]
    refused: int
    reason: str
    order: list[int] = field(default_factory=list)
    places: list[tuple[int, float, int]] = field(default_factory=list)
    """step, at (seconds since 1970, UTC), tokens"""
    values: list[list[float]] = field(default_factory=list)


class Points:
    def __init__(self, session: Session, names: MetricNames) -> None:
        self.session, self.names = session, names
        self._tables: dict[tuple[str, int, tuple[str, ...]], Table] = {}
        self._count = 0

    def add(self, record: Record, event: StepCompleted | EvaluationCompleted) -> Table:
        """The table it went to."""
        key = (record.run_id, record.attempt or 0, tuple(event.metrics))
        table = self._tables.get(key)
        if table is None:
            table = self._tables[key] = self._table(record.run_id, key[2])
        self._count += 1
        table.order.append(self._count)
        table.places.append((event.step, record.at, event.tokens))
        table.values.append(list(event.metrics.values()))
        return table

    def _table(self, run_id: str, names: tuple[str, ...]) -> Table:
        taken, reason = self.names.split(self.session, run_id, names)
        return Table({name: column for column, name in enumerate(names) if name in taken}, len(names) - len(taken), reason)

    def forget(self, run_id: str) -> None:
        self.names.forget(run_id)
        for key in [key for key in self._tables if key[0] == run_id]:
            del self._tables[key]

    def series(self) -> dict[Series, Columns]:
        """Points by series, in the order in which they were added. Raises OverflowError for a step or tokens of more than 64 bits."""
        parts: dict[Series, list[tuple[Ints, Columns]]] = {}
        for (run_id, attempt, _), table in self._tables.items():
            step, at, tokens = columns.from_places(table.places)
            order, values = np.array(table.order, np.int64), np.array(table.values, np.float64)
            for name, column in table.taken.items():
                part = Columns(step, at, tokens, np.ascontiguousarray(values[:, column]))
                parts.setdefault((run_id, name, attempt), []).append((order, part))
        return {series: _in_order(some) for series, some in parts.items()}


def _in_order(parts: list[tuple[Ints, Columns]]) -> Columns:
    """Of a metric that only some steps have, parts of several tables interleave."""
    if len(parts) == 1:
        return parts[0][1]
    order = np.argsort(np.concatenate([order for order, _ in parts]), kind="stable")
    return columns.join([part for _, part in parts])[order]
