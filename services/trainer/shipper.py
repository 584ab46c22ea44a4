"""The thread that brings a host's spools to Redis."""

import logging
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Final

import redis

from services.trainer.tail import Tail
from services.trainer.unread import look_after

log = logging.getLogger(__name__)
TICK_SECONDS: Final = 0.1
OUTAGE_SECONDS: Final = 0.5


class Shipper:
    """One thread for all spools of a host."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.shipped = 0  # records, repeated ones included
        self.tails: list[Tail] = []
        self.lock = Lock()
        self.stopping = Event()
        self.thread = Thread(target=self._run, name="shipper", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(10)

    def add(self, tail: Tail) -> Tail:
        with self.lock:
            self.tails.append(tail)
        return tail

    def drop(self, tail: Tail) -> None:
        """It is looked after by the archive from now on, if all of it was sent."""
        if tail.shipped.is_set() and (tail.sent or tail.again):
            look_after(tail.spool, tail.sent)
        with self.lock:
            self.tails = [kept for kept in self.tails if kept is not tail]

    def ships(self, folder: Path) -> bool:
        """Whether a spool in there is still on its way."""
        with self.lock:
            return any(tail.spool.parent == folder and not tail.shipped.is_set() for tail in self.tails)

    def waiting_bytes(self) -> int:
        with self.lock:
            return sum(tail.waiting_bytes() for tail in self.tails)

    def _run(self) -> None:
        down = False
        while not self.stopping.wait(OUTAGE_SECONDS if down else TICK_SECONDS):
            try:
                self._ship_all()
                if down:
                    log.info("Redis answers again")
                down = False
            except redis.RedisError as error:
                if not down:
                    log.warning("Redis does not take events (%s); they wait in their spools", error)
                down = True
            except Exception:
                log.exception("shipping failed; trying again")
                down = True

    def _ship_all(self) -> None:
        with self.lock:
            tails = list(self.tails)
        for tail in tails:
            try:
                while not self.stopping.is_set() and (records := tail.ship(self.client)):
                    self.shipped += records
                tail.failing = False
            except (redis.ResponseError, OSError, ValueError) as error:  # of this topic or spool only; the others go on
                if not tail.failing:
                    log.error("%s: its events wait: %s", tail.spool, error)
                tail.failing = True
