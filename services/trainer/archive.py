"""Spools of attempts that are over, kept for a history that is lost: `spools/<attempt>/` beside the folder of the run directories.

They are sent again when somebody asks for it (shared.bus.forget), and when Redis lost them before the history had them (unread.py). All of
them together get as much room as the spool of one attempt; the oldest go first, and all when they have been there for 30 days.
"""

import logging
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from threading import Event, Thread
from typing import Final

import redis

from services.trainer.rundir import RunDirectory, write_whole
from services.trainer.shipper import Shipper
from services.trainer.tail import Tail
from services.trainer.unread import Unread
from shared import bus

log = logging.getLogger(__name__)
LOOK_SECONDS: Final = 5.0
KEPT_SECONDS: Final = 30 * 86_400.0
"""Also where there is room: a worker does not hear which runs have been deleted."""


def retire(folder: Path) -> None:
    """Remove a run directory, all but its spools."""
    place = archive_of(folder.parent) / folder.name
    spools = [*folder.glob("spool*"), *folder.glob("agent.spool*")]
    try:
        for spool in (spool for spool in spools if spool.stat().st_size):
            place.mkdir(parents=True, exist_ok=True)
            spool.replace(place / spool.name)
    except OSError as error:
        log.warning("%s: its spools are not kept: %s", folder.name, error)
    shutil.rmtree(folder, ignore_errors=True)


def archive_of(attempts_folder: Path) -> Path:
    return attempts_folder.parent / "spools"


class Archive:
    """A thread that looks every few seconds whether somebody wants the events again, and keeps the room. limit: bytes."""

    def __init__(self, attempts_folder: Path, limit: int, client: redis.Redis, shipper: Shipper) -> None:
        self.attempts_folder, self.folder, self.limit = attempts_folder, archive_of(attempts_folder), limit
        self.client, self.shipper = client, shipper
        self.on_their_way: list[Tail] = []
        self.unread = Unread(client)
        self.answer = self.folder / "answered"
        self.stopping = Event()
        self.thread = Thread(target=self._run, name="archive", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(10)

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                self.look()
            except (redis.RedisError, OSError, ValueError) as error:
                log.info("the archive of events waits: %s", error)
            self.stopping.wait(LOOK_SECONDS)

    def look(self) -> None:
        """Send what is wanted; what has arrived is forgotten, what is beyond the limit removed. Raises redis.RedisError, OSError."""
        for tail in [tail for tail in self.on_their_way if tail.shipped.is_set()]:
            self.shipper.drop(tail)
            self.on_their_way.remove(tail)
        if not self.on_their_way:
            self._make_room()
            asked = bus.wanted(self.client)
            if asked and asked != self._answered():
                self._send(self._spools())
                log.warning("the history asks for its events again; %d spools of attempts that are over are sent", len(self.on_their_way))
                write_whole(self.answer, asked)
            elif lost := [spool for spool in self._spools() if self._is_lost(spool)]:
                self._send(lost)
                log.warning("Redis has lost events before the history had them; %d spools of attempts that are over are sent", len(lost))

    def _spools(self) -> list[Path]:
        """Of attempts that are over. Whose attempt goes on is asked by Redis itself (shipper.py)."""
        ended = [folder for folder in self.attempts_folder.glob("*") if folder.is_dir() and not self.shipper.ships(folder)]
        directories = [RunDirectory(folder) for folder in (*self._kept(), *ended)]
        return [spool for directory in directories for spool in (directory.spool, directory.agent_spool)]

    def _is_lost(self, spool: Path) -> bool:
        """One that cannot be looked at does not stop the others."""
        try:
            return self.unread.is_lost(spool)
        except (redis.ResponseError, OSError, ValueError) as error:
            log.warning("%s: whether Redis still has its events is not known: %s", spool, error)
            return False

    def _send(self, spools: Iterable[Path]) -> None:
        for spool in spools:
            self.on_their_way.append(self.shipper.add(Tail(spool, lambda: None, again=True)))
            self.on_their_way[-1].close()

    def _answered(self) -> str:
        return self.answer.read_text() if self.answer.exists() else ""

    def _kept(self) -> list[Path]:
        """Oldest first."""
        return sorted((folder for folder in self.folder.glob("*") if folder.is_dir()), key=lambda folder: folder.stat().st_mtime)

    def _make_room(self) -> None:
        kept = [(folder, sum(file.stat().st_size for file in folder.iterdir())) for folder in self._kept()]
        used = sum(size for _, size in kept)
        for folder, size in kept:
            if used <= self.limit and time.time() < folder.stat().st_mtime + KEPT_SECONDS:
                return
            log.info("the events of %s are kept no longer: %d bytes are kept, at most %d are to be", folder.name, used, self.limit)
            shutil.rmtree(folder, ignore_errors=True)
            used -= size
