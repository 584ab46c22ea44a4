"""The scheduler's slow work on checkpoints, in a thread of its own: nothing that trains waits for it.

Everything here may be cut short at any point, and may run in several processes at once.
"""

import logging
from collections.abc import Callable
from threading import Event
from typing import Final

from services.api.damage import scrub
from services.api.deletion import Refused, finish_deletions
from services.api.expiry import expire
from services.api.orphans import Orphans
from services.api.room import measure, tell_level
from services.api.settings import KeepingSettings
from services.api.witness import watch
from serving.database import Database
from shared.errors import GroundupError
from shared.storage_client import Capacity, StorageClient

log = logging.getLogger(__name__)
EXPIRE_EVERY: Final = 15.0
ORPHANS_EVERY: Final = 3600.0
SCRUB_EVERY: Final = 60.0
"""Seconds between two checkpoints that are read back, so that this never takes much of the disk."""
Step = Callable[[str, Callable[[], object]], None]


class Housekeeping:
    """`step(name, work)` runs one piece of work and takes in its failure."""

    def __init__(self, database: Database, storage: StorageClient, keeping: KeepingSettings, step: Step) -> None:
        self.database, self.storage, self.keeping, self.step = database, storage, keeping, step
        self.orphans = Orphans(database, storage)
        self.refused = Refused()
        self.pressed = False
        self.done_at: dict[str, float] = {}

    def tick(self, clock: Callable[[], float], stop: Event) -> None:
        now = clock()
        if self._is_due("room", EXPIRE_EVERY, now):
            self.step("watch", lambda: self._watch(now))
            self.step("room", lambda: self._look(now))
            self.step("retention", lambda: expire(self.database, self._grace(), now=now))
        self.step("deletions", lambda: finish_deletions(self.database, self.storage, now=now, refused=self.refused))
        if not stop.is_set() and self._is_due("orphans", ORPHANS_EVERY, now):
            self.step("orphans", lambda: self.orphans.collect(self.keeping.orphan_age, now=now))
        if not stop.is_set() and self._is_due("scrub", SCRUB_EVERY, now):
            self.step("scrub", lambda: scrub(self.database, self.storage, self.keeping.scrub, clock=clock, stop=stop.is_set))

    def _is_due(self, name: str, every: float, now: float) -> bool:
        if abs(now - self.done_at.get(name, float("-inf"))) < every:
            return False
        self.done_at[name] = now
        return True

    def _grace(self) -> float:
        return min(self.keeping.grace, self.keeping.short_grace) if self.pressed else self.keeping.grace

    def _watch(self, now: float) -> None:
        with self.database.writing() as session:
            watch(session, now)

    def _look(self, now: float) -> None:
        """Raises where storage cannot tell; what is known otherwise still counts."""
        fault: GroundupError | None = None
        try:
            capacity: Capacity | None = self.storage.capacity()
        except GroundupError as error:
            capacity, fault = None, error
        with self.database.reading() as session:
            room = measure(session, self.keeping.quota, capacity)
        self.pressed = room.level != "ok"
        if fault:
            raise fault
        with self.database.writing() as session:
            if tell_level(session, room, now):
                log.warning("room for checkpoints: %s: %s", room.level, room.message)
