"""What attempts that are over have said is looked after until the history has it: Redis may lose it before, and nobody else says it again.

A note beside a spool (`spool.unread`) names the last event that was sent of it. It goes when the history has that event.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import redis
from pydantic import BaseModel

from services.trainer.rundir import write_whole
from shared import bus

log = logging.getLogger(__name__)
NOTE: Final = ".unread"


class LastSent(BaseModel):
    """The last event of a producer that Redis has taken."""

    topic: str
    producer: str
    producer_seq: int


def note_of(spool: Path) -> Path:
    return spool.with_name(f"{spool.name}{NOTE}")


@contextmanager
def as_old_as_before(folder: Path) -> Iterator[None]:
    """The archive tells by a folder's time when its attempt ended."""
    before = folder.stat()
    yield
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))


def look_after(spool: Path, last: LastSent | None) -> None:
    """None: nothing of it can be sent. Where there is no room for the note the events are with Redis alone."""
    try:
        with as_old_as_before(spool.parent):
            if last is None:
                note_of(spool).unlink(missing_ok=True)
            else:
                write_whole(note_of(spool), last.model_dump_json())
    except OSError as error:
        log.warning("%s: if Redis loses its events before the history has them, they are not sent again: %s", spool, error)


class Unread:
    """`places`: of each spool, in which epoch Redis was seen to have all of it, and the newest seq of its topic then."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client
        self.places: dict[Path, tuple[str, int]] = {}

    def is_lost(self, spool: Path) -> bool:
        """Whether Redis lacks something of what it was sent, so that the spool has to be sent again. Forgets a spool that the history has.
        Raises redis.RedisError, OSError.
        """
        note = note_of(spool)
        if not note.exists():
            return False
        last = LastSent.model_validate_json(note.read_bytes())
        now = bus.read_range(self.client, last.topic, 0, 1)
        if self.places.get(spool, ("", 0))[0] != now.epoch:
            if bus.last_of(self.client, last.topic, last.producer) < last.producer_seq:
                return True
            behind = bus.read_range(self.client, last.topic, 0, 1)
            if behind.epoch != now.epoch:
                return False  # it has just been restarted: the next look tells
            self.places[spool], now = (now.epoch, behind.newest), behind
        if now.committed >= self.places[spool][1]:
            with as_old_as_before(spool.parent):
                note.unlink()
            del self.places[spool]
        return False
