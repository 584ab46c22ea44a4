"""The ingester's way around Redis: read a batch, take it in one transaction, let Redis forget it."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final, cast

import redis
from sqlalchemy import select
from sqlalchemy.exc import DataError, IntegrityError

from services.monitor.ingest import Entries, take
from services.monitor.metric_names import MetricNames
from services.monitor.models import Position
from serving.database import Database
from shared import bus

log = logging.getLogger(__name__)

KEPT_ENTRIES: Final = 10_000
"""Newest entries of a topic that stay in Redis for clients that come back."""
BATCH_ENTRIES: Final = 10_000
BATCH_BYTES: Final = 16 << 20
"""About so much is read at once: steps are a few hundred bytes, blocks of a log up to 64 KiB, and nobody says beforehand which come."""
DRAINED_SECONDS: Final = 3600.0
_POISON: Final = (DataError, IntegrityError, ValueError, OverflowError)


class Ingester:
    """Holds nothing that the database does not have; after an error `forget` and go on. `client` must be made for reads that block."""

    def __init__(
        self, client: redis.Redis, database: Database, *, kept: int = KEPT_ENTRIES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.client, self.database, self.kept, self.clock = client, database, kept, clock
        self.names = MetricNames()
        self.count = BATCH_ENTRIES // 10
        self.forget()

    def forget(self) -> None:
        self.epoch = ""
        self.positions: dict[str, int] = {}
        self.last_heard: dict[str, float] = {}

    def step(self, block_seconds: float = 0.5) -> int:
        """Take one batch and return its number of entries. Raises RedisError or SQLAlchemyError; then nothing was taken, or all of it."""
        self._find_topics()
        self._retire_drained()
        batch = self._read(block_seconds) if self.positions else {}
        # What was read belongs to one epoch only if it was the same before and after: a client that reconnects does so silently.
        if not batch or bus.epoch(self.client) != self.epoch:
            return 0
        self._take(batch)
        for topic, entries in batch.items():
            self.positions[topic], self.last_heard[topic] = entries[-1][0], self.clock()
            bus.commit(self.client, topic, self.epoch, entries[-1][0], keep=self.kept)
        return sum(map(len, batch.values()))

    def _find_topics(self) -> None:
        epoch = bus.epoch(self.client)
        if epoch != self.epoch:
            self.forget()
            self.epoch = epoch
        members = cast(set[bytes], self.client.smembers(bus.TOPICS))
        new = {member.decode() for member in members} - self.positions.keys()
        if new:
            with self.database.reading() as session:
                stored = {
                    row.topic: row.seq for row in session.scalars(select(Position).where(Position.topic.in_(new), Position.epoch == epoch))
                }
            self.positions |= {topic: stored.get(topic, 0) for topic in new}
            self.last_heard |= dict.fromkeys(new, self.clock())

    def _retire_drained(self) -> None:
        """Topics that have long been silent leave Redis, all but their counters; a new event brings them back."""
        for topic in [topic for topic, heard in self.last_heard.items() if self.clock() - heard > DRAINED_SECONDS]:
            bus.commit(self.client, topic, self.epoch, self.positions.pop(topic), keep=0)
            del self.last_heard[topic]

    def _read(self, block_seconds: float) -> dict[str, Entries]:
        names = {bus.stream_key(topic).encode(): topic for topic in self.positions}
        offsets: Any = {name: f"{self.positions[topic]}-0" for name, topic in names.items()}
        count = max(5, self.count // len(offsets))
        reply = cast(Any, self.client.xread(offsets, count=count, block=int(block_seconds * 1000)))
        batch: dict[str, Entries] = {
            names[name]: [(int(entry_id.split(b"-")[0]), fields[b"r"]) for entry_id, fields in entries] for name, entries in reply or ()
        }
        self._adapt(sum(len(packed) for entries in batch.values() for _, packed in entries))
        return batch

    def _adapt(self, size: int) -> None:
        if size > BATCH_BYTES:
            self.count = max(BATCH_ENTRIES // 200, self.count // 4)
        elif size < BATCH_BYTES // 4:
            self.count = min(BATCH_ENTRIES, self.count * 2)

    def _take(self, batch: dict[str, Entries]) -> None:
        try:
            with self.database.writing() as session:
                take(session, self.epoch, batch, self.names)
        except _POISON:
            log.exception("a batch was refused by the database; its events are taken one by one")
            self._take_singly(batch)

    def _take_singly(self, batch: dict[str, Entries]) -> None:
        """One event that cannot be stored must not stop all others."""
        for topic, entries in batch.items():
            for seq, packed in entries:
                try:
                    with self.database.writing() as session:
                        take(session, self.epoch, {topic: [(seq, packed)]}, self.names)
                except _POISON:
                    log.exception("event %s of topic %s cannot be stored and is skipped", seq, topic)
