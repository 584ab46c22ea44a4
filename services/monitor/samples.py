"""The readings of workers' hosts in the history: a row for each second while it is fresh, then a row for each hour and metric."""

import logging
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from services.monitor import sealed
from services.monitor.buckets import as_lists
from services.monitor.groups import Groups
from services.monitor.models import WorkerHour, WorkerSample
from shared.cluster_events import HostSampled
from shared.events import Record, pack, unpack
from shared.names import worker_topic

log = logging.getLogger(__name__)

HOUR: Final = 3600
SETTLED_SECONDS: Final = 900
"""How long after its end an hour is sealed: what waited for Redis in an agent is in by then."""
MOST_NAMES: Final = 1000
_NAME: Final = re.compile(r"system/[a-z0-9_.]{1,100}")
_END_OF_TIME: Final = 1 << 40


def store(session: Session, record: Record, event: HostSampled) -> None:
    """A second that is there already stays as it is."""
    second, metrics = int(record.at), {name: value for name, value in event.metrics.items() if _NAME.fullmatch(name)}
    if record.run_id != worker_topic(event.worker) or len(metrics) != len(event.metrics) or not 0 < len(metrics) <= MOST_NAMES:
        log.warning("a sample on topic %s is not as agents send it, and is skipped", record.run_id)
    elif 0 <= second < _END_OF_TIME and session.get(WorkerSample, (event.worker, second)) is None:
        session.add(WorkerSample(worker=event.worker, second=second, body=pack(metrics)))
        session.flush()


def seal_one(session: Session, now: float) -> bool:
    """Seal one hour of one worker; whether there was one."""
    oldest = select(WorkerSample.worker, func.min(WorkerSample.second)).group_by(WorkerSample.worker)
    for worker, second in session.execute(oldest):
        hour = second // HOUR * HOUR
        if hour + HOUR + SETTLED_SECONDS <= now:
            _seal(session, worker, hour)
            return True
    return False


def _seal(session: Session, worker: str, hour: int) -> None:
    """Joined with what of that hour was sealed before, where a part came late."""
    sealed_before = {
        row.name: row for row in session.scalars(select(WorkerHour).where(WorkerHour.worker == worker, WorkerHour.hour == hour))
    }
    for name, (seconds, values) in _open_points(session, worker, hour, hour + HOUR - 1, None).items():
        second, value = np.array(seconds, np.int64), np.array(values, np.float64)
        row = sealed_before.get(name)
        if row is None:
            row = WorkerHour(worker=worker, name=name, hour=hour)
            session.add(row)
        else:
            known = sealed.unseal(hour, row.raw)
            second, value = np.concatenate([known[0], second]), np.concatenate([known[1], value])
        second, first = np.unique(second, return_index=True)
        row.raw, row.minutes = sealed.seal(hour, second, value[first])
    session.execute(delete(WorkerSample).where(WorkerSample.worker == worker, WorkerSample.second.between(hour, hour + HOUR - 1)))


def expire_one(session: Session, before: float) -> bool:
    """Delete one hour, of all workers, that ended before a moment; whether there was one."""
    hour = session.scalar(select(func.min(WorkerHour.hour)))
    if hour is None or hour + HOUR > before:
        return False
    session.execute(delete(WorkerHour).where(WorkerHour.hour == hour))
    return True


def read_worker(
    session: Session, worker: str, names: Sequence[str] | None, span: tuple[float, float], buckets: int
) -> list[dict[str, Any]]:
    """Curves by name between two moments, both in seconds since 1970 and part of it, in at most `buckets` buckets each and one more at an
    edge. From minutes where that is fine enough."""
    low, high = span
    width = max((high - low) / buckets, 1.0)
    parts: dict[str, list[Groups]] = defaultdict(list)
    for name, part in _sealed_parts(session, worker, names, span, coarse=width >= sealed.MINUTE):
        parts[name].append(part)
    for name, (seconds, values) in _open_points(session, worker, int(np.ceil(low)), int(high), names).items():
        parts[name].append(sealed.single(np.array(seconds), np.array(values)))
    curves = {name: sealed.grouped(_in_order(parts[name]), width) for name in sorted(parts)}
    return [{"name": name, **as_lists(curve["step"], curve)} for name, curve in curves.items()]


def extent(session: Session, worker: str) -> tuple[int, int] | None:
    """The first and the last second there is, the first to the hour."""
    ends: Any = select(func.min(WorkerSample.second), func.max(WorkerSample.second)).where(WorkerSample.worker == worker)
    first, last = session.execute(ends).one()
    hours: Any = select(func.min(WorkerHour.hour), func.max(WorkerHour.hour)).where(WorkerHour.worker == worker)
    first_hour, last_hour = session.execute(hours).one()
    if first_hour is None:
        return None if first is None else (first, last)
    if last is None:
        query = select(WorkerHour.raw).where(WorkerHour.worker == worker, WorkerHour.hour == last_hour)
        last = max(int(sealed.unseal(last_hour, raw)[0][-1]) for raw in session.scalars(query))
    return min(first_hour, first or first_hour), last


def _sealed_parts(
    session: Session, worker: str, names: Sequence[str] | None, span: tuple[float, float], *, coarse: bool
) -> Iterator[tuple[str, Groups]]:
    low, high = span
    query = select(WorkerHour.name, WorkerHour.hour, WorkerHour.minutes if coarse else WorkerHour.raw)
    query = query.where(WorkerHour.worker == worker, WorkerHour.hour > low - HOUR, WorkerHour.hour <= high)
    if names is not None:
        query = query.where(WorkerHour.name.in_(names))
    for name, hour, data in session.execute(query.order_by(WorkerHour.name, WorkerHour.hour)).yield_per(64):
        points = sealed.unseal_minutes(hour, data) if coarse else sealed.single(*sealed.unseal(hour, data))
        points = points[(points["step"] >= low) & (points["step"] <= high)]
        if len(points):
            yield name, points
        time.sleep(0)  # long curves take turns with the sockets of the same process


def _open_points(
    session: Session, worker: str, first: int, last: int, names: Sequence[str] | None
) -> dict[str, tuple[list[int], list[float]]]:
    """Seconds and values by name, in rising seconds."""
    wanted = None if names is None else set(names)
    points: dict[str, tuple[list[int], list[float]]] = defaultdict(lambda: ([], []))
    query = select(WorkerSample.second, WorkerSample.body).where(WorkerSample.worker == worker, WorkerSample.second.between(first, last))
    for rows in session.execute(query.order_by(WorkerSample.second)).partitions(300):
        for second, body in rows:
            for name, value in unpack(body).items():
                if wanted is None or name in wanted:
                    seconds, values = points[name]
                    seconds.append(second)
                    values.append(value)
        time.sleep(0)
    return points


def _in_order(parts: Sequence[Groups]) -> Groups:
    """A late part of a sealed hour may still lie open."""
    joined = np.concatenate(parts)
    return joined[np.argsort(joined["step"], kind="stable")]
