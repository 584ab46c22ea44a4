"""How long the history keeps what takes most of its room: every single point, and the lines of logs.

A run whose points are gone still has its curves, in groups of 16 points with their least, greatest and mean; its events stay.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from sqlalchemy import CursorResult, delete, exists, select, update
from sqlalchemy.orm import Session, aliased

from services.monitor.groups import SIZES
from services.monitor.models import HAS_POINTS, LogChunk, MetricChunk, MetricRollup
from serving.database import Database
from shared.errors import EnvironmentFault

EVERY_SECONDS: Final = 60.0
DAY: Final = 86_400.0
NO_POINTS: Final = b""
"""The data of a chunk whose points are gone."""
_AT_ONCE: Final = 200
"""Chunks in a transaction, so that the ingester never waits long for the database."""


@dataclass(frozen=True)
class Keeping:
    """Seconds after which single points and logs go; None: never."""

    points: float | None = None
    logs: float | None = None

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Keeping":
        return cls(_days(environ, "GROUNDUP_KEEP_POINTS_DAYS"), _days(environ, "GROUNDUP_KEEP_LOGS_DAYS"))


class Keeper:
    """`turn` does one small transaction, or nothing until it is time again; whether it did something. `clock` tells seconds since 1970.

    work: a part of what is due, in that transaction; whether there was any.
    """

    def __init__(self, database: Database, work: Callable[[Session, float], bool], clock: Callable[[], float] = time.time) -> None:
        self.database, self.work, self.clock = database, work, clock
        self.idle_until = 0.0

    def turn(self) -> bool:
        now = self.clock()
        if now < self.idle_until <= now + EVERY_SECONDS:
            return False
        with self.database.writing() as session:
            busy = self.work(session, now)
        self.idle_until = 0.0 if busy else now + EVERY_SECONDS
        return busy


def let_go(keeping: Keeping, session: Session, now: float) -> bool:
    """A part of what is older than it is kept for; whether there was any."""
    gone = 0
    if keeping.points is not None:
        gone += _let_points_go(session, now - keeping.points)
    if keeping.logs is not None:
        gone += _let_logs_go(session, now - keeping.logs)
    return gone > 0


def _let_points_go(session: Session, before: float) -> int:
    """Of sealed chunks that have groups; the last points of a curve are in an open one."""
    grouped = exists().where(MetricRollup.chunk_id == MetricChunk.id, MetricRollup.size == SIZES[0])
    some = select(MetricChunk.id).where(HAS_POINTS, MetricChunk.last_at < before, grouped).limit(_AT_ONCE)
    return _changed(session, update(MetricChunk).where(MetricChunk.id.in_(some)).values(data=NO_POINTS))


def _let_logs_go(session: Session, before: float) -> int:
    """But of no run the last chunk, from which on its lines are counted."""
    later = aliased(LogChunk)
    followed = exists().where(later.run_id == LogChunk.run_id, later.first_line > LogChunk.first_line)
    old = select(LogChunk.run_id, LogChunk.first_line).where(LogChunk.at < before, followed).limit(_AT_ONCE)
    gone = 0
    for run_id, first_line in session.execute(old).all():
        gone += _changed(session, delete(LogChunk).where(LogChunk.run_id == run_id, LogChunk.first_line == first_line))
    return gone


def _changed(session: Session, statement: Any) -> int:
    return cast("CursorResult[Any]", session.execute(statement, execution_options={"synchronize_session": False})).rowcount


def _days(environ: Mapping[str, str], name: str) -> float | None:
    text = environ.get(name, "")
    if not text:
        return None
    if not text.isdigit() or int(text) < 1:
        raise EnvironmentFault(f"{name}: '{text}' is not a whole number of days above 0", remedy=f"unset {name} to keep all")
    return int(text) * DAY
