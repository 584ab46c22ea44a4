"""What the ingester does with events, without Redis: `take` writes a batch and the new positions in the caller's one transaction."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.monitor import columns
from services.monitor.columns import CHUNK_POINTS, Point
from services.monitor.error_lines import count_errors
from services.monitor.models import LogChunk, MetricChunk, Position, Producer, StoredEvent
from shared.events import Record, unpack
from shared.run_events import RunDeleted
from shared.training_events import EvaluationCompleted, LogWritten, StepCompleted

log = logging.getLogger(__name__)

Entries = Sequence[tuple[int, bytes]]
"""`(seq, packed record)` of one topic, in rising order of seq."""
Series = tuple[str, str, int]
"""run, name, attempt"""


@dataclass
class Points:
    """Metric points of a batch, gathered so that every series is written once."""

    series: dict[Series, list[Point]] = field(default_factory=lambda: defaultdict(list))

    def forget(self, run_id: str) -> None:
        for series in [series for series in self.series if series[0] == run_id]:
            del self.series[series]

    def add(self, record: Record, event: StepCompleted | EvaluationCompleted) -> None:
        for name, value in event.metrics.items():
            self.series[record.run_id, name, record.attempt or 0].append((event.step, record.at, event.tokens, value))


def take(session: Session, epoch: str, batch: Mapping[str, Entries]) -> int:
    """Write what is new in a batch; the number of events written.

    Safe to repeat in any way: what lies behind the stored position is skipped, and so is, when Redis has forgotten and events come again
    under new numbers, what its producer has been heard saying.
    """
    points = Points()
    taken = sum(_take_topic(session, epoch, topic, batch[topic], points) for topic in sorted(batch))
    for series, fresh in points.series.items():
        _append(session, series, fresh)
    return taken


def _take_topic(session: Session, epoch: str, topic: str, entries: Entries, points: Points) -> int:
    position = session.get(Position, topic, with_for_update=True)
    if position is None:
        position = Position(topic=topic, epoch=epoch, seq=0, events=0, next_line=0)
        session.add(position)
    if position.epoch != epoch:
        position.epoch, position.seq = epoch, 0
    producers = {row.producer: row for row in session.scalars(select(Producer).where(Producer.topic == topic))}
    before = position.events
    for seq, packed in entries:
        if seq <= position.seq:
            continue
        position.seq = seq
        record = _read(topic, seq, packed)
        if record is not None and _is_new(session, producers, record):
            _write(session, position, record, packed, points)
            position.events += 1
    return position.events - before


def _read(topic: str, seq: int, packed: bytes) -> Record | None:
    """None for bytes that no version of ours has written, or only a newer one; they must not stop all others."""
    try:
        record = Record(**unpack(packed))
        if record.run_id != topic:
            raise ValueError(f"it says that it belongs to {record.run_id}")
    except (TypeError, ValueError) as error:
        log.error("event %s of topic %s is skipped, it cannot be read: %s", seq, topic, error)
        return None
    return record


def _is_new(session: Session, producers: dict[str, Producer], record: Record) -> bool:
    known = producers.get(record.producer)
    if known is None:
        known = producers[record.producer] = Producer(topic=record.run_id, producer=record.producer, producer_seq=0)
        session.add(known)
    if record.producer_seq <= known.producer_seq:
        return False
    if record.producer_seq > known.producer_seq + 1:
        log.warning("topic %s: %s goes from %s to %s", record.run_id, record.producer, known.producer_seq, record.producer_seq)
    known.producer_seq = record.producer_seq
    return True


def _write(session: Session, position: Position, record: Record, packed: bytes, points: Points) -> None:
    """Evaluations are few, and people want to see them as points and in the list of what happened."""
    event = record.event
    if isinstance(event, RunDeleted) and record.run_id == event.run_id:
        points.forget(event.run_id)
        _delete_history(session, event.run_id)
        return
    if isinstance(event, StepCompleted | EvaluationCompleted):
        points.add(record, event)
    if isinstance(event, LogWritten):
        session.add(_log_chunk(position, record, event))
    elif not isinstance(event, StepCompleted):
        session.add(_stored_event(position, record, event.type, packed))


def _delete_history(session: Session, run_id: str) -> None:
    """All but the positions, so that events which come once more are still known to be old."""
    session.execute(delete(MetricChunk).where(MetricChunk.run_id == run_id))
    session.execute(delete(LogChunk).where(LogChunk.run_id == run_id))
    session.execute(delete(StoredEvent).where(StoredEvent.topic == run_id))


def _log_chunk(position: Position, record: Record, event: LogWritten) -> LogChunk:
    text = "\n".join(event.lines)
    count = text.count("\n") + 1
    first_line, position.next_line = position.next_line, position.next_line + count
    attempt, data = record.attempt or 0, text.encode()
    where = {"run_id": record.run_id, "first_line": first_line, "count": count, "rank": event.rank, "attempt": attempt}
    return LogChunk(**where, at=record.at, text=data, errors=count_errors(text))


def _stored_event(position: Position, record: Record, kind: str, packed: bytes) -> StoredEvent:
    return StoredEvent(
        topic=record.run_id,
        epoch=position.epoch,
        seq=position.seq,
        attempt=record.attempt,
        producer=record.producer,
        producer_seq=record.producer_seq,
        at=record.at,
        type=kind,
        body=packed,
    )


def _append(session: Session, series: Series, fresh: Sequence[Point]) -> None:
    """Fill the series' open chunk, seal it when it is full, open the next."""
    run_id, name, attempt = series
    where = (MetricChunk.run_id == run_id, MetricChunk.name == name, MetricChunk.attempt == attempt, MetricChunk.sealed.is_(False))
    chunk = session.scalars(select(MetricChunk).where(*where)).one_or_none()
    points = columns.from_points(fresh)
    if chunk is not None:
        points = columns.join([columns.decode(chunk.data, sealed=False), points])
    for first in range(0, len(points), CHUNK_POINTS):
        if chunk is None:
            chunk = MetricChunk(run_id=run_id, name=name, attempt=attempt)
            session.add(chunk)
        _fill(chunk, points[first : first + CHUNK_POINTS])
        chunk = None


def _fill(chunk: MetricChunk, points: columns.Columns) -> None:
    chunk.count, chunk.sealed = len(points), len(points) == CHUNK_POINTS
    chunk.first_step, chunk.last_step = int(points.step.min()), int(points.step.max())
    chunk.first_tokens, chunk.last_tokens = int(points.tokens.min()), int(points.tokens.max())
    chunk.first_at, chunk.last_at = float(points.at.min()), float(points.at.max())
    chunk.data = columns.encode(points, sealed=chunk.sealed)
