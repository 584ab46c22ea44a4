"""Events of a service: written in the transaction that made them true, published afterwards by whoever comes first.

A service has a table of events (`topic`, `seq`, `at`, `event`, `sent_at`) and one of counters (`topic`, `last`).
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import redis
from sqlalchemy import ColumnElement, CursorResult, func, select, text, update
from sqlalchemy.orm import Session

from serving.database import Database
from shared import bus
from shared.bus import Refused, Taken, publish
from shared.events import EVENT, AnyEvent, Record
from shared.names import CLUSTER_TOPIC

log = logging.getLogger(__name__)
_BATCH: Final = 500
LOOK_SECONDS: Final = 2.0
RESEND_SECONDS: Final = 86_400.0
"""Older events are in the monitor's history."""


@dataclass(frozen=True)
class Outbox:
    """`producer`: under which name its events are published. `rows`, `counters`: the service's tables."""

    producer: str
    rows: Any
    counters: Any

    def record(self, session: Session, topic: str, event: AnyEvent, now: float) -> None:
        """Add `event`, numbered from 1 without holes per topic: the counter's row stays locked until the transaction ends."""
        self.record_all(session, [(topic, event)], now)

    def record_all(self, session: Session, told: Sequence[tuple[str, AnyEvent]], now: float) -> None:
        """Add several events, each with its topic. The cluster's counter, which everybody wants, is locked last."""
        if not told:
            return
        table, counts = self.counters.__tablename__, Counter(topic for topic, _ in told)
        topics = sorted(counts, key=lambda topic: (topic == CLUSTER_TOPIC, topic))
        values = ", ".join(f"(:topic{number}, :count{number})" for number in range(len(topics)))
        following = text(
            f"INSERT INTO {table} (topic, last) VALUES {values} "
            f"ON CONFLICT (topic) DO UPDATE SET last = {table}.last + excluded.last RETURNING topic, last"
        )
        named = {f"topic{number}": topic for number, topic in enumerate(topics)}
        counted = {f"count{number}": counts[topic] for number, topic in enumerate(topics)}
        before = {topic: last - counts[topic] for topic, last in session.execute(following, named | counted)}
        for topic, event in told:
            before[topic] += 1
            session.add(self.rows(topic=topic, seq=before[topic], at=now, event=event.model_dump()))

    def relay(self, database: Database, client: redis.Redis) -> int:
        """Publish what has not been sent; returns how many events went out. Raises redis.RedisError where Redis is down; the rows wait.
        RuntimeError, when all other topics are sent, where events of one cannot be."""
        rows = self.rows
        unsent = select(rows.topic).where(rows.sent_at.is_(None)).group_by(rows.topic).order_by(func.min(rows.at))
        with database.reading() as session:
            topics = list(session.scalars(unsent.limit(_BATCH)))
        return _each(topics, lambda topic: self._publish(database, client, topic, self._read(database, topic, rows.sent_at.is_(None))))

    def resend_lost(self, database: Database, client: redis.Redis, since: float) -> None:
        """After a restart of Redis: show it the last sent event of each topic active since then, so that it asks for what it lost."""
        rows = self.rows
        with database.reading() as session:
            topics = list(session.scalars(select(rows.topic).where(rows.at >= since, rows.sent_at.is_not(None)).distinct()))

        def resend(topic: str) -> int:
            newest = select(rows).where(rows.topic == topic, rows.sent_at.is_not(None)).order_by(rows.seq.desc()).limit(1)
            with database.reading() as session:
                last = list(session.scalars(newest))
            return self._publish(database, client, topic, last)

        _each(topics, resend)

    def _publish(self, database: Database, client: redis.Redis, topic: str, waiting: list[Any]) -> int:
        """Consecutive events, or from where Redis says that it goes on: then to the end, since nobody else offers what was sent before."""
        sent, rewound = 0, False
        while waiting:
            answer = publish(client, [self._as_record(row) for row in waiting])
            if isinstance(answer, Refused):
                raise RuntimeError(f"Redis refused events of {topic} although they carry no fence")
            if isinstance(answer, Taken):
                sent += self._mark_sent(database, topic, min(answer.producer_seq, waiting[-1].seq))
                waiting = self._read(database, topic, self.rows.seq > answer.producer_seq) if rewound else []
                continue
            log.warning("Redis asks for the events of %s again, from number %d", topic, answer.producer_seq)
            rewound, waiting = True, self._read(database, topic, self.rows.seq >= answer.producer_seq)
        return sent

    def _mark_sent(self, database: Database, topic: str, last: int) -> int:
        reached = (self.rows.topic == topic, self.rows.seq <= last, self.rows.sent_at.is_(None))
        with database.writing() as session:
            return cast(CursorResult[Any], session.execute(update(self.rows).where(*reached).values(sent_at=time.time()))).rowcount

    def _read(self, database: Database, topic: str, condition: ColumnElement[bool]) -> list[Any]:
        """Consecutive ones: what is unsent is always the end of a topic."""
        query = select(self.rows).where(self.rows.topic == topic, condition).order_by(self.rows.seq).limit(_BATCH)
        with database.reading() as session:
            return list(session.scalars(query))

    def _as_record(self, row: Any) -> Record:
        event = EVENT.validate_python(row.event)
        return Record(run_id=row.topic, producer=self.producer, producer_seq=row.seq, at=row.at, event=event)


def _each(topics: Sequence[str], send: Callable[[str], int]) -> int:
    """How many events went out. One topic must not hold up the others: raises RuntimeError when all have had their turn."""
    sent, failed = 0, dict[str, Exception]()
    for topic in topics:
        try:
            sent += send(topic)
        except (redis.ResponseError, ValueError, RuntimeError) as error:  # a foreign key, or an event that is too long
            failed[topic] = error
    if failed:
        first, why = next(iter(failed.items()))
        raise RuntimeError(f"events of {len(failed)} topics wait, of {first} because: {why}") from why
    return sent


class Relay:
    """An outbox on its way to Redis. A new epoch means that Redis may have lost what it had; a new word in `wanted` that the history has,
    and asks for all of it. Both are looked at every LOOK_SECONDS."""

    def __init__(self, outbox: Outbox, database: Database, client: redis.Redis) -> None:
        self.outbox, self.database, self.client = outbox, database, client
        self.epoch, self.wanted, self.looked_at = "", "", float("-inf")

    def step(self) -> int:
        """How many events went out. Raises redis.RedisError where Redis is down."""
        if time.monotonic() >= self.looked_at + LOOK_SECONDS:
            self.looked_at, epoch, wanted = time.monotonic(), bus.epoch(self.client), bus.wanted(self.client)
            if (epoch, wanted) != (self.epoch, self.wanted):
                since = time.time() - RESEND_SECONDS if wanted == self.wanted else 0.0
                self.outbox.resend_lost(self.database, self.client, since)
                self.epoch, self.wanted = epoch, wanted
        return self.outbox.relay(self.database, self.client)
