"""Events of the platform: written in the transaction that made them true, published afterwards by whichever scheduler comes first."""

import logging
import time
from typing import Final

import redis
from sqlalchemy import ColumnElement, func, select, text, update
from sqlalchemy.orm import Session

from services.api.models import OutboxRow
from services.api.rows import rows_changed
from serving.database import Database
from shared.bus import Refused, Taken, publish
from shared.events import EVENT, AnyEvent, Record

log = logging.getLogger(__name__)
_PRODUCER: Final = "api"
_BATCH: Final = 500
_NEXT: Final = text(
    "INSERT INTO outbox_counters (topic, last) VALUES (:topic, 1) "
    "ON CONFLICT (topic) DO UPDATE SET last = outbox_counters.last + 1 RETURNING last"
)


def record(session: Session, topic: str, event: AnyEvent, now: float) -> None:
    """Add `event` to the outbox, numbered from 1 without holes per topic: the counter's row stays locked until the transaction ends."""
    seq = session.execute(_NEXT, {"topic": topic}).scalar_one()
    session.add(OutboxRow(topic=topic, seq=seq, at=now, event=event.model_dump()))


def relay(database: Database, client: redis.Redis) -> int:
    """Publish what has not been sent; returns how many events went out. Raises redis.RedisError where Redis is down; the rows wait."""
    unsent = select(OutboxRow.topic).where(OutboxRow.sent_at.is_(None)).group_by(OutboxRow.topic).order_by(func.min(OutboxRow.at))
    with database.reading() as session:
        topics = list(session.scalars(unsent.limit(_BATCH)))
    return sum(_relay_topic(database, client, topic) for topic in topics)


def resend_lost(database: Database, client: redis.Redis, since: float) -> None:
    """After a restart of Redis: show it the last sent event of each topic active since then, so that it asks for what it lost."""
    recent = select(OutboxRow.topic).where(OutboxRow.at >= since, OutboxRow.sent_at.is_not(None)).distinct()
    with database.reading() as session:
        topics = list(session.scalars(recent))
    for topic in topics:
        _relay_rows(database, client, topic, _newest_sent(database, topic))


def _newest_sent(database: Database, topic: str) -> list[OutboxRow]:
    query = select(OutboxRow).where(OutboxRow.topic == topic, OutboxRow.sent_at.is_not(None)).order_by(OutboxRow.seq.desc()).limit(1)
    with database.reading() as session:
        return list(session.scalars(query))


def _relay_topic(database: Database, client: redis.Redis, topic: str) -> int:
    return _relay_rows(database, client, topic, _rows(database, topic, OutboxRow.sent_at.is_(None)))


def _relay_rows(database: Database, client: redis.Redis, topic: str, rows: list[OutboxRow]) -> int:
    """Publish consecutive events, or from where Redis says that it goes on."""
    while rows:
        answer = publish(client, [_as_record(row) for row in rows])
        if isinstance(answer, Taken):
            return _mark_sent(database, topic, min(answer.producer_seq, rows[-1].seq))
        if isinstance(answer, Refused):
            raise RuntimeError(f"Redis refused events of {topic} although they carry no fence")
        log.warning("Redis asks for the events of %s again, from number %d", topic, answer.producer_seq)
        rows = _rows(database, topic, OutboxRow.seq >= answer.producer_seq)
    return 0


def _mark_sent(database: Database, topic: str, last: int) -> int:
    reached = (OutboxRow.topic == topic, OutboxRow.seq <= last, OutboxRow.sent_at.is_(None))
    with database.writing() as session:
        return rows_changed(session, update(OutboxRow).where(*reached).values(sent_at=time.time()))


def _rows(database: Database, topic: str, condition: ColumnElement[bool]) -> list[OutboxRow]:
    """Consecutive ones: what is unsent is always the end of a topic."""
    query = select(OutboxRow).where(OutboxRow.topic == topic, condition).order_by(OutboxRow.seq).limit(_BATCH)
    with database.reading() as session:
        return list(session.scalars(query))


def _as_record(row: OutboxRow) -> Record:
    return Record(run_id=row.topic, producer=_PRODUCER, producer_seq=row.seq, at=row.at, event=EVENT.validate_python(row.event))
