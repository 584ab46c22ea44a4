"""What the ingester does with events, without Redis: `take` writes a batch and the new positions in the caller's one transaction."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import islice
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.monitor import columns, groups
from services.monitor.columns import CHUNK_POINTS
from services.monitor.error_lines import count_errors
from services.monitor.metric_names import MetricNames
from services.monitor.models import LogChunk, MetricChunk, MetricRollup, Position, Producer, StoredEvent
from services.monitor.points import Points, Series
from services.monitor.samples import store
from shared.cluster_events import HostSampled
from shared.events import Record, unpack
from shared.run_events import RunDeleted
from shared.training_events import EvaluationCompleted, LogWritten, StepCompleted

log = logging.getLogger(__name__)

Entries = Sequence[tuple[int, bytes]]
"""`(seq, packed record)` of one topic, in rising order of seq."""
_SERIES_AT_ONCE: Final = 500


@dataclass
class Place:
    """A topic's `Position` while its events are taken: a row of the database would note each of its many changes."""

    topic: str
    epoch: str
    seq: int = 0
    events: int = 0
    next_line: int = 0
    deleted: bool = False
    refused: int = 0
    refused_reason: str = ""


_FIELDS: Final = tuple(field.name for field in fields(Place))


@dataclass
class Batch:
    """What is written of one transaction's events."""

    session: Session
    points: Points


def take(session: Session, epoch: str, entries: Mapping[str, Entries], names: MetricNames | None = None) -> int:
    """Write what is new in a batch; the number of events written. `names` is kept from one batch to the next to save reading it again.

    Safe to repeat in any way: what lies behind the stored position is skipped, and so is, when Redis has forgotten and events come again
    under new numbers, what its producer has been heard saying.
    """
    batch = Batch(session, Points(session, names or MetricNames()))
    taken = sum(_take_topic(batch, epoch, topic, entries[topic]) for topic in sorted(entries))
    _append_all(session, batch.points.series())
    return taken


def step_over(session: Session, epoch: str, topic: str, seq: int, reason: str) -> None:
    """Write that this event is left out, and why; nothing where it lies behind the stored position."""
    place = _place(session, epoch, topic)
    if seq > place.seq:
        place.seq = seq
        _refuse(place, 1, f"event {seq} cannot be stored: {reason}")
        session.merge(Position(**asdict(place)))


def _place(session: Session, epoch: str, topic: str) -> Place:
    """Locked until the transaction ends."""
    position = session.get(Position, topic, with_for_update=True)
    place = Place(topic, epoch) if position is None else Place(**{field: getattr(position, field) for field in _FIELDS})
    if place.epoch != epoch:
        place.epoch, place.seq = epoch, 0
    return place


def _take_topic(batch: Batch, epoch: str, topic: str, entries: Entries) -> int:
    session = batch.session
    place = _place(session, epoch, topic)
    producers = {row.producer: row for row in session.scalars(select(Producer).where(Producer.topic == topic))}
    heard = {name: row.producer_seq for name, row in producers.items()}
    before = place.events
    for seq, packed in entries:
        if seq <= place.seq:
            continue
        place.seq = seq
        record = _read(place, packed)
        if record is not None and _is_new(heard, record) and not place.deleted:
            _write(batch, place, record, packed)
            place.events += 1
    session.merge(Position(**asdict(place)))
    for name, last in heard.items():
        if name not in producers or last != producers[name].producer_seq:
            session.merge(Producer(topic=topic, producer=name, producer_seq=last))
    return place.events - before


def _read(place: Place, packed: bytes) -> Record | None:
    """None for bytes that no version of ours has written, or only a newer one; they must not stop all others."""
    try:
        record = Record(**unpack(packed))
        if record.run_id != place.topic:
            raise ValueError(f"it says that it belongs to {record.run_id}")
    except (TypeError, ValueError) as error:
        log.error("event %s of topic %s is skipped, it cannot be read: %s", place.seq, place.topic, error)
        _refuse(place, 1, f"event {place.seq} cannot be read: {error}")
        return None
    return record


def _refuse(place: Place, count: int, reason: str) -> None:
    place.refused, place.refused_reason = place.refused + count, reason.replace("\0", "\ufffd")[:500]


def _is_new(heard: dict[str, int], record: Record) -> bool:
    """`heard`: the last event taken of each producer."""
    last = heard.get(record.producer, 0)
    if record.producer_seq <= last:
        return False
    if record.producer_seq > last + 1:
        log.warning("topic %s: %s goes from %s to %s", record.run_id, record.producer, last, record.producer_seq)
    heard[record.producer] = record.producer_seq
    return True


def _write(batch: Batch, place: Place, record: Record, packed: bytes) -> None:
    """Evaluations are few, and people want to see them as points and in the list of what happened."""
    session, event = batch.session, record.event
    if isinstance(event, RunDeleted) and record.run_id == event.run_id:
        place.deleted = True
        batch.points.forget(event.run_id)
        _delete_history(session, event.run_id)
        return
    if isinstance(event, HostSampled):
        store(session, record, event)
        return
    if isinstance(event, StepCompleted | EvaluationCompleted):
        table = batch.points.add(record, event)
        if table.refused:
            _refuse(place, table.refused, table.reason)
    if isinstance(event, LogWritten):
        session.add(_log_chunk(place, record, event))
    elif not isinstance(event, StepCompleted):
        session.add(_stored_event(place, record, event.type, packed))


def _delete_history(session: Session, run_id: str) -> None:
    """All but the positions, so that events which come once more are still known to be old."""
    session.execute(delete(MetricChunk).where(MetricChunk.run_id == run_id))
    session.execute(delete(MetricRollup).where(MetricRollup.run_id == run_id))
    session.execute(delete(LogChunk).where(LogChunk.run_id == run_id))
    session.execute(delete(StoredEvent).where(StoredEvent.topic == run_id))


def _log_chunk(place: Place, record: Record, event: LogWritten) -> LogChunk:
    text = "\n".join(event.lines)
    count = text.count("\n") + 1
    first_line, place.next_line = place.next_line, place.next_line + count
    attempt, data = record.attempt or 0, text.encode()
    where = {"run_id": record.run_id, "first_line": first_line, "count": count, "rank": event.rank, "attempt": attempt}
    return LogChunk(**where, at=record.at, text=data, errors=count_errors(text))


def _stored_event(place: Place, record: Record, kind: str, packed: bytes) -> StoredEvent:
    return StoredEvent(
        topic=record.run_id,
        epoch=place.epoch,
        seq=place.seq,
        attempt=record.attempt,
        producer=record.producer,
        producer_seq=record.producer_seq,
        at=record.at,
        type=kind,
        body=packed,
    )


def _append_all(session: Session, series: Mapping[Series, columns.Columns]) -> None:
    """Fill each series' open chunk, seal it when it is full, open the next."""
    filled: list[tuple[MetricChunk, columns.Columns]] = []
    with session.no_autoflush:
        for first in range(0, len(series), _SERIES_AT_ONCE):
            some = dict(islice(series.items(), first, first + _SERIES_AT_ONCE))
            chunks = _open_chunks(session, some)
            for name, fresh in some.items():
                filled += _append(session, name, chunks.get(name), fresh)
        session.flush()  # new chunks get their ids
        for chunk, points in filled:
            session.add_all(_rollups(chunk, points))


def _open_chunks(session: Session, series: Iterable[Series]) -> dict[Series, MetricChunk]:
    found: dict[Series, MetricChunk] = {}
    for run_id, attempt in {(run_id, attempt) for run_id, _, attempt in series}:
        names = [name for run, name, number in series if (run, number) == (run_id, attempt)]
        where = (MetricChunk.run_id == run_id, MetricChunk.attempt == attempt, MetricChunk.sealed.is_(False), MetricChunk.name.in_(names))
        found |= {(run_id, chunk.name, attempt): chunk for chunk in session.scalars(select(MetricChunk).where(*where))}
    return found


def _append(
    session: Session, series: Series, chunk: MetricChunk | None, points: columns.Columns
) -> list[tuple[MetricChunk, columns.Columns]]:
    """The chunks that are full now and can be grouped, and their points."""
    run_id, name, attempt = series
    if chunk is not None:
        points = columns.join([columns.decode(chunk.data, sealed=False), points])
    filled = []
    for first in range(0, len(points), CHUNK_POINTS):
        if chunk is None:
            chunk = MetricChunk(run_id=run_id, name=name, attempt=attempt)
            session.add(chunk)
        part = points[first : first + CHUNK_POINTS]
        _fill(chunk, part)
        if chunk.sealed and groups.can_be_grouped(part):
            filled.append((chunk, part))
        chunk = None
    return filled


def _fill(chunk: MetricChunk, points: columns.Columns) -> None:
    chunk.count, chunk.sealed = len(points), len(points) == CHUNK_POINTS
    chunk.first_step, chunk.last_step = int(points.step.min()), int(points.step.max())
    chunk.first_tokens, chunk.last_tokens = int(points.tokens.min()), int(points.tokens.max())
    chunk.first_at, chunk.last_at = float(points.at.min()), float(points.at.max())
    chunk.data = columns.encode(points, sealed=chunk.sealed)


def _rollups(chunk: MetricChunk, points: columns.Columns) -> list[MetricRollup]:
    return [
        MetricRollup(chunk_id=chunk.id, size=size, run_id=chunk.run_id, data=groups.encode(groups.of_points(points, size)))
        for size in groups.SIZES
    ]
