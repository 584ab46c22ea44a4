"""The scheduler: prepares and places, looks for what fell silent, tells the others (events through Redis, hints to workers), and
deletes checkpoints that nothing needs any more.

Several may run at once: each write is conditional, and publishing twice is harmless.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import redis
from sqlalchemy import ColumnElement, select, update

from services.api.emergency import end_all
from services.api.housekeeping import Housekeeping
from services.api.models import Attempt, Command, Run
from services.api.outbox import OUTBOX
from services.api.placement import place
from services.api.preparing import Preparing
from services.api.reconcile import reconcile
from services.api.rows import rows_changed
from services.api.settings import DEFAULTS, KeepingSettings
from serving.database import Database
from serving.outbox import Relay
from shared.settings import Settings
from shared.storage_client import StorageClient

log = logging.getLogger(__name__)
TICK_SECONDS: Final = 0.3


class Scheduler:
    """`send_hint(worker)` may raise; hints are best effort."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        storage: StorageClient,
        *,
        client: redis.Redis,
        send_hint: Callable[[str], None],
        keeping: KeepingSettings = DEFAULTS,
    ) -> None:
        self.database, self.send_hint = database, send_hint
        self.lease_seconds = settings.lease_seconds
        self.preparing = Preparing(database, storage)
        self.housekeeping = Housekeeping(database, storage, keeping, self._step)
        self.failing: set[str] = set()
        self.last_tick = self.reconciled_at = 0.0
        self.watching_since = 0.0
        self.to_hint: deque[str] = deque()
        self.relay = Relay(OUTBOX, database, client)

    def run(self, stop: threading.Event) -> None:
        """Redis and the housekeeping have threads of their own, so that nothing else waits for them where they hang."""
        others = {"messenger": self.tell, "housekeeper": lambda: self.housekeeping.tick(time.time, stop)}
        threads = [threading.Thread(target=self._repeat, args=(stop, work), name=name) for name, work in others.items()]
        for thread in threads:
            thread.start()
        self._repeat(stop, lambda: self.tick(time.time()))
        for thread in threads:
            thread.join()

    def _repeat(self, stop: threading.Event, work: Callable[[], None]) -> None:
        while not stop.is_set():
            work()
            stop.wait(TICK_SECONDS)

    def tick(self, now: float) -> None:
        self._notice_gaps(now)
        self._step("emergency", lambda: end_all(self.database, now))
        self._step("preparing", lambda: self.preparing.step(now))
        self._step("placing", lambda: self._place(now))
        if now - self.reconciled_at >= min(5.0, self.lease_seconds / 4):
            self.reconciled_at = now
            self._step("leases", lambda: self._reconcile(now))

    def tell(self) -> None:
        self._step("hints", self._send_hints)
        self._step("outbox", self.relay.step)

    def _notice_gaps(self, now: float) -> None:
        """Silence counts only while we listen: a laptop that slept, or a start of everything, must not end anybody's lease."""
        if not 0 <= now - self.last_tick <= self.lease_seconds / 2:
            self.watching_since = now
        self.last_tick = now

    def _step(self, name: str, work: Callable[[], object]) -> None:
        """One step's failure must not keep the others from working; it is logged when it begins and when it ends."""
        try:
            work()
        except Exception:
            if name not in self.failing:
                log.exception("%s fails; it is tried again with every tick", name)
            self.failing.add(name)
            return
        if name in self.failing:
            log.info("%s works again", name)
            self.failing.discard(name)

    def _place(self, now: float) -> None:
        for attempt in place(self.database, now=now, lease_seconds=self.lease_seconds, tell=self.to_hint.append):
            log.info("attempt %s is placed on %s", attempt.attempt_id, attempt.worker)

    def _send_hints(self) -> None:
        """Each new assignment, command and preemption is announced once; after that the heartbeat carries it."""
        current = select(Run.id, Attempt.id, Attempt.worker).join(Attempt, Attempt.id == Run.current_attempt_id)
        with self.database.reading() as session:
            placed = session.execute(current.where(Attempt.state == "placed", Attempt.hinted.is_(False))).all()
            new_command = select(Command.run_id).where(Command.state == "requested", Command.hinted.is_(False))
            asked = session.execute(current.where(Run.id.in_(new_command))).all()
        preempted = {self.to_hint.popleft() for _ in range(len(self.to_hint))}
        if not placed and not asked and not preempted:
            return
        self._note_hinted(Attempt, Attempt.id.in_([row[1] for row in placed]))
        self._note_hinted(Command, Command.run_id.in_([row[0] for row in asked]), Command.state == "requested")
        for worker in sorted({row[2] for row in (*placed, *asked)} | preempted):
            self.send_hint(worker)

    def _note_hinted(self, table: type[Attempt | Command], *which: ColumnElement[bool]) -> None:
        """Rows that others hold are left for the next time: they belong to runs, whose locks are not ours."""
        free = select(table.id).where(*which).with_for_update(skip_locked=True)
        with self.database.writing() as session:
            rows_changed(session, update(table).where(table.id.in_(free)).values(hinted=True).execution_options(synchronize_session=False))

    def _reconcile(self, now: float) -> None:
        if now - self.watching_since >= self.lease_seconds:
            reconcile(self.database, now=now, lease_seconds=self.lease_seconds)
