"""The detectors' way around Redis: read a batch, feed the watches, write what they found with how far they have come."""

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final

import redis
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.monitor import alerting
from services.monitor.alert_models import WatchedTopic
from services.monitor.alerting import Found
from services.monitor.detectors.detector import Finding
from services.monitor.detectors.surroundings import Surroundings
from services.monitor.detectors.watch import Watch
from services.monitor.ingest import Entries
from services.monitor.lease import Holder
from services.monitor.models import StoredEvent
from services.monitor.notifications import notify
from services.monitor.reading import StreamReader
from serving.database import Database
from shared import bus
from shared.cluster_events import HostSampled
from shared.events import Record, unpack
from shared.names import FINAL_STATES, RunState, is_run
from shared.run_events import RunDeleted, RunStateChanged

log = logging.getLogger(__name__)

SAVE_SECONDS: Final = 2.0
"""The memory is written at least so often. What was seen since is seen again after a kill, and says the same."""
OLD_SECONDS: Final = 86_400.0
"""What happened so long ago is no news to webhooks: Redis has told an old stream again."""


@dataclass
class Topic:
    """What is known of a topic. `missed`: events that came never, by the numbers of their producers, which know no epochs. `deleted`: the
    run is gone, with all its alerts."""

    watch: Watch | Surroundings
    seq: int = 0
    producers: dict[str, int] = field(default_factory=dict)
    missed: int = 0
    dirty: bool = False
    deleted: bool = False

    def may_stall(self) -> bool:
        """Its silence is watched, also where it is so long that the ingester has retired the topic."""
        return isinstance(self.watch, Watch) and self.watch.state == RunState.RUNNING and not self.deleted


@dataclass
class News:
    """What a batch has brought, in order; all of it is written together."""

    found: list[Found] = field(default_factory=list)
    ended: list[tuple[str, str, Record, RunStateChanged]] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.found or self.ended or self.deleted)


class Detecting:
    """Holds nothing that the database and Redis do not have; after an error `forget` and go on. `client` is for blocking reads."""

    def __init__(self, client: redis.Redis, database: Database, holder: Holder, *, clock: Callable[[], float] = time.time) -> None:
        self.client, self.database, self.holder, self.clock = client, database, holder, clock
        self.reader = StreamReader(client)
        self.forget()

    def forget(self) -> None:
        self.epoch = ""
        self.topics: dict[str, Topic] = {}
        self.saved_at = self.clock()
        self.reader.forget()

    def step(self, block_seconds: float = 0.5) -> int:
        """Take one batch; the number of events in it. Raises RedisError, SQLAlchemyError or LeaseLost; then nothing was taken, or all."""
        self._find_topics()
        batch = self.reader.read({name: topic.seq for name, topic in self.topics.items()}, block_seconds)
        if bus.epoch(self.client) != self.epoch:
            return 0
        now, news = self.clock(), News()
        for name, entries in batch.items():
            self._feed(name, entries, now, news)
        for name, topic in self.topics.items():
            if silences := topic.watch.look(now):
                news.found += [self._found(name, topic, finding, finding.step, now) for finding in silences]
                topic.dirty = True
        if news or now - self.saved_at >= SAVE_SECONDS:
            self._save(news, now)
        return sum(map(len, batch.values()))

    # --- topics -----------------------------------------------------------------------------------------------------------------

    def _find_topics(self) -> None:
        epoch = bus.epoch(self.client)
        if epoch != self.epoch:
            self.forget()
            self.epoch = epoch
        members = self.reader.topics()
        gone = [name for name, topic in self.topics.items() if name not in members and not topic.dirty and not topic.may_stall()]
        for name in gone:
            del self.topics[name]
        if new := members - self.topics.keys():
            rows = self._rows(new)
            with self.database.reading() as session:
                self.topics |= {name: self._topic(session, name, rows.get(name)) for name in sorted(new)}

    def _rows(self, names: Collection[str]) -> dict[str, WatchedTopic]:
        """Of those that were watched before. A row that cannot be unpacked is removed: it must not keep all others from being watched."""
        try:
            with self.database.reading() as session:
                return {row.topic: row for row in session.scalars(select(WatchedTopic).where(WatchedTopic.topic.in_(names)))}
        except ValueError:
            rows = {name: self._row_of(name) for name in names}
            return {name: row for name, row in rows.items() if row is not None}

    def _row_of(self, name: str) -> WatchedTopic | None:
        try:
            with self.database.reading() as session:
                return session.get(WatchedTopic, name)
        except ValueError:
            log.exception("what was remembered of topic %s cannot be read; it is watched anew", name)
        with self.database.writing() as session:
            self.holder.insist(session, self.clock())
            session.execute(delete(WatchedTopic).where(WatchedTopic.topic == name))
        return None

    def _topic(self, session: Session, name: str, row: WatchedTopic | None) -> Topic:
        kind: type[Watch] | type[Surroundings] = Watch if is_run(name) else Surroundings
        if row is not None:
            try:
                watch = kind.recalled(row.memory) if row.memory else kind()
                watch.hear(self.clock())
                seq = row.seq if row.epoch == self.epoch else 0
                return Topic(watch, seq, dict(row.producers), row.missed, deleted=not row.memory)
            except Exception:
                log.exception("what was remembered of topic %s makes no sense; it is watched anew", name)
        topic = Topic(kind())
        self._begin(session, name, topic)
        return topic

    def _begin(self, session: Session, name: str, topic: Topic) -> None:
        """What the run is watched for was told at its birth, which Redis may have forgotten by now."""
        born = select(StoredEvent.seq, StoredEvent.body).where(StoredEvent.topic == name, StoredEvent.type == "RunCreated").limit(1)
        for seq, body in session.execute(born):
            if record := _record(name, seq, body):
                _findings(topic, record, self.clock())

    # --- events -----------------------------------------------------------------------------------------------------------------

    def _feed(self, name: str, entries: Entries, now: float, news: News) -> None:
        topic = self.topics[name]
        topic.dirty, before = True, topic.missed
        for seq, packed in entries:
            topic.seq = seq
            record = _record(name, seq, packed)
            if record is None or topic.deleted or (known := topic.producers.get(record.producer, 0)) >= record.producer_seq:
                continue
            topic.missed += record.producer_seq - known - 1
            topic.producers[record.producer] = record.producer_seq
            self._take(name, topic, record, now, news)
        if topic.missed > before:
            log.warning("topic %s: %d events were gone before they were watched", name, topic.missed - before)

    def _take(self, name: str, topic: Topic, record: Record, now: float, news: News) -> None:
        event = record.event
        if isinstance(event, RunDeleted) and event.run_id == name:
            topic.deleted = True
            news.deleted.append(name)
            return
        for finding in _findings(topic, record, now):
            number = finding.step or (int(record.at) if isinstance(event, HostSampled) else record.producer_seq)
            news.found.append(self._found(name, topic, finding, number, record.at))
        if isinstance(event, RunStateChanged) and name == event.run_id and event.new in FINAL_STATES:
            news.ended.append((name, topic.watch.name, record, event))

    def _found(self, name: str, topic: Topic, finding: Finding, number: int, at: float) -> Found:
        watch = topic.watch
        attempt, most = (watch.attempt, watch.spec.max_rollbacks) if isinstance(watch, Watch) else (0, 0)
        return Found(finding, name, watch.name, attempt, number, at, watch.action_of(finding.detector), most)

    # --- writing ----------------------------------------------------------------------------------------------------------------

    def _save(self, news: News, now: float) -> None:
        """What was found first, so that an end closes also what was found in its own batch."""
        with self.database.writing() as session:
            self.holder.insist(session, now)
            for found in news.found:
                alerting.tell(session, found, now)
            for name, run_name, record, event in news.ended:
                self._tell_end(session, name, run_name, record, event)
            for name in news.deleted:
                alerting.forget(session, name)
            for name, topic in self.topics.items():
                if topic.dirty:
                    session.merge(self._row(name, topic))
        self.saved_at = now
        for topic in self.topics.values():
            topic.dirty = False

    def _tell_end(self, session: Session, name: str, run_name: str, record: Record, event: RunStateChanged) -> None:
        now = self.clock()
        alerting.close_all(session, name, f"the run has {'succeeded' if event.new == 'succeeded' else f'ended: {event.new}'}", 0, now)
        if now - record.at <= OLD_SECONDS:
            body = {"type": "RunEnded", "run_id": name, "run_name": run_name, "state": event.new, "reason": event.reason, "by": event.by}
            notify(session, f"run.{event.new}", f"{name}.{event.new}", body, now)

    def _row(self, name: str, topic: Topic) -> WatchedTopic:
        memory = {} if topic.deleted else topic.watch.memory()
        producers = dict(topic.producers)
        return WatchedTopic(topic=name, epoch=self.epoch, seq=topic.seq, producers=producers, memory=memory, missed=topic.missed)


def _findings(topic: Topic, record: Record, now: float) -> list[Finding]:
    """A fault of ours in one detector must not keep all runs from being watched."""
    try:
        return topic.watch.take(record, now)
    except Exception:
        log.exception("event %d of %s on topic %s is not watched", record.producer_seq, record.producer, record.run_id)
        return []


def _record(topic: str, seq: int, packed: bytes) -> Record | None:
    """None for what only a newer version can read."""
    try:
        return Record(**unpack(packed))
    except (TypeError, ValueError) as error:
        log.error("event %s of topic %s is not watched, it cannot be read: %s", seq, topic, error)
        return None
