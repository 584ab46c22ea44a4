"""The ingester's way around Redis: read a batch, take it in one transaction, let Redis forget it."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final, cast

import redis
from sqlalchemy import select
from sqlalchemy.exc import DataError, IntegrityError

from services.monitor.ingest import Entries, take
from services.monitor.models import Position
from serving.database import Database
from shared import bus
from shared.names import WORKER_TOPIC

log = logging.getLogger(__name__)

KEPT_ENTRIES: Final = 10_000
"""Newest entries of a topic that stay in Redis for clients that come back."""
KEPT_SAMPLES: Final = 600
"""The same of a worker's readings, which nobody needs one by one for long."""
BATCH_ENTRIES: Final = 10_000
DRAINED_SECONDS: Final = 3600.0
_POISON: Final = (DataError, IntegrityError, ValueError, OverflowError)


class Ingester:
    """Holds nothing that the database does not have; after an error `forget` and go on. `client` must be made for reads that block."""

    def __init__(
        self, client: redis.Redis, database: Database, *, kept: int = KEPT_ENTRIES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.client, self.database, self.kept, self.clock = client, database, kept, clock
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
            kept = min(self.kept, KEPT_SAMPLES) if topic.startswith(WORKER_TOPIC) else self.kept
            bus.commit(self.client, topic, self.epoch, entries[-1][0], keep=kept)
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
        count = max(100, BATCH_ENTRIES // len(offsets))
        reply = cast(Any, self.client.xread(offsets, count=count, block=int(block_seconds * 1000)))
        return {
            names[name]: [(int(entry_id.split(b"-")[0]), fields[b"r"]) for entry_id, fields in entries] for name, entries in reply or ()
        }

    def _take(self, batch: dict[str, Entries]) -> None:
        try:
            with self.database.writing() as session:
                take(session, self.epoch, batch)
        except _POISON:
            log.exception("a batch was refused by the database; its events are taken one by one")
            self._take_singly(batch)

    def _take_singly(self, batch: dict[str, Entries]) -> None:
        """One event that cannot be stored must not stop all others."""
        for topic, entries in batch.items():
            for seq, packed in entries:
                try:
                    with self.database.writing() as session:
                        take(session, self.epoch, {topic: [(seq, packed)]})
                except _POISON:
                    log.exception("event %s of topic %s cannot be stored and is skipped", seq, topic)
