"""The ingester's way around Redis: read a batch, take it in one transaction, let Redis forget it."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import redis
from sqlalchemy import select
from sqlalchemy.exc import DataError, IntegrityError

from services.monitor.ingest import Entries, step_over, take
from services.monitor.metric_names import MetricNames
from services.monitor.models import Position
from services.monitor.reading import StreamReader
from serving.database import Database
from shared import bus
from shared.names import WORKER_TOPIC

log = logging.getLogger(__name__)

KEPT_ENTRIES: Final = 10_000
"""Newest entries of a topic that stay in Redis for clients that come back."""
KEPT_BYTES: Final = 16 << 20
"""About so much of a topic stays, where that is fewer entries."""
SIZED_ENTRIES: Final = 1000
KEPT_SAMPLES: Final = 600
"""The same of a worker's readings, which nobody needs one by one for long."""
DRAINED_SECONDS: Final = 3600.0
_POISON: Final = (DataError, IntegrityError, ValueError, OverflowError)


class Ingester:
    """Holds nothing that the database does not have; after an error `forget` and go on. `client` must be made for reads that block."""

    def __init__(
        self, client: redis.Redis, database: Database, *, kept: int = KEPT_ENTRIES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.client, self.database, self.kept, self.clock = client, database, kept, clock
        self.names, self.reader = MetricNames(), StreamReader(client)
        self.forget()

    def forget(self) -> None:
        self.epoch = ""
        self.positions: dict[str, int] = {}
        self.last_heard: dict[str, float] = {}
        self.mean_bytes: dict[str, float] = {}
        self.reader.forget()

    def step(self, block_seconds: float = 0.5) -> int:
        """Take one batch and return its number of entries. Raises RedisError or SQLAlchemyError; then nothing was taken, or all of it."""
        self._find_topics()
        self._retire_drained()
        batch = self._read(block_seconds)
        # What was read belongs to one epoch only if it was the same before and after: a client that reconnects does so silently.
        if not batch or bus.epoch(self.client) != self.epoch:
            return 0
        self._take(batch)
        for topic, entries in batch.items():
            self.positions[topic], self.last_heard[topic] = entries[-1][0], self.clock()
            bus.commit(self.client, topic, self.epoch, entries[-1][0], keep=self._keep(topic, entries))
        return sum(map(len, batch.values()))

    def _keep(self, topic: str, entries: Entries) -> int:
        """How many entries of the topic fit into KEPT_BYTES, at most as many as are ever kept. By the mean size of about its last
        SIZED_ENTRIES: a single large one must not make all others go."""
        size = sum(len(record) for _, record in entries) / len(entries)
        before = self.mean_bytes.get(topic, size)
        self.mean_bytes[topic] = mean = before + min(len(entries) / SIZED_ENTRIES, 1.0) * (size - before)
        kept = min(self.kept, KEPT_SAMPLES) if topic.startswith(WORKER_TOPIC) else self.kept
        return min(kept, max(int(KEPT_BYTES / max(mean, 1.0)), 1))

    def _find_topics(self) -> None:
        epoch = bus.epoch(self.client)
        if epoch != self.epoch:
            self.forget()
            if self._ask_for_lost(sorted(bus.counted_topics(self.client))):
                return
            self.epoch = epoch
        new = sorted(self.reader.topics() - self.positions.keys())
        if new:
            with self.database.reading() as session:
                stored = {
                    row.topic: row.seq for row in session.scalars(select(Position).where(Position.topic.in_(new), Position.epoch == epoch))
                }
            self.positions |= {topic: stored.get(topic, 0) for topic in new}
            self.last_heard |= dict.fromkeys(new, self.clock())

    def _ask_for_lost(self, topics: Sequence[str]) -> bool:
        """Whether Redis was told that more of these topics had been written than the database has: it is another one, or an older one."""
        notes = bus.noted(self.client, topics)  # before the database, which is written first
        with self.database.reading() as session:
            rows = session.execute(select(Position.topic, Position.epoch, Position.seq)).all()
        taken = {row.topic: (row.epoch, row.seq) for row in rows}
        current = bus.epoch(self.client)  # behind the database, which knows none that is newer
        lost = [topic for topic in topics if _is_behind(*taken.get(topic, ("", 0)), *notes[topic], current)]
        for topic in lost:
            has, (_, noted) = taken.get(topic, ("", 0))[1], notes[topic]
            log.error("the history lacks events of %s (it has %s, Redis noted %s); its producers are asked for all", topic, has, noted)
            bus.forget(self.client, topic, noted)
        return bool(lost)

    def _retire_drained(self) -> None:
        """Topics that have long been silent leave Redis, all but their counters; a new event brings them back."""
        for topic in [topic for topic, heard in self.last_heard.items() if self.clock() - heard > DRAINED_SECONDS]:
            bus.commit(self.client, topic, self.epoch, self.positions.pop(topic), keep=0)
            del self.last_heard[topic]
            self.mean_bytes.pop(topic, None)

    def _read(self, block_seconds: float) -> dict[str, Entries]:
        return self.reader.read(self.positions, block_seconds)

    def _take(self, batch: Mapping[str, Entries]) -> None:
        try:
            with self.database.writing() as session:
                take(session, self.epoch, batch, self.names)
        except _POISON:
            self._take_halves(batch)

    def _take_halves(self, batch: Mapping[str, Entries]) -> None:
        """One event that cannot be stored must not stop all others, nor have each of them written by itself."""
        entries = [(topic, entry) for topic, some in batch.items() for entry in some]
        if len(entries) == 1:
            self._take_alone(*entries[0])
            return
        for half in (entries[: len(entries) // 2], entries[len(entries) // 2 :]):
            part: dict[str, list[tuple[int, bytes]]] = {}
            for topic, entry in half:
                part.setdefault(topic, []).append(entry)
            self._take(part)

    def _take_alone(self, topic: str, entry: tuple[int, bytes]) -> None:
        """Once more, since two ingesters that begin a topic at once are in each other's way; then it is the event's fault. It moves the
        position all the same, or the history would seem to lack what Redis is told to forget."""
        try:
            with self.database.writing() as session:
                take(session, self.epoch, {topic: [entry]}, self.names)
        except _POISON as error:
            seq, reason = entry[0], str(getattr(error, "orig", None) or error)
            log.error("event %s of topic %s cannot be stored and is skipped: %s", seq, topic, reason)
            with self.database.writing() as session:
                step_over(session, self.epoch, topic, seq, reason)


def _is_behind(epoch: str, seq: int, noted_epoch: str, noted: int, current: str) -> bool:
    """Whether a history that stands at `seq` of `epoch` lacks something of what was noted. Only numbers of one epoch can be compared. Who
    has taken something of the current one was compared with the note before; any other is of another life."""
    if not noted_epoch or epoch == noted_epoch:
        return seq < noted
    return noted > 0 and epoch != current
