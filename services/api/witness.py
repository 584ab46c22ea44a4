"""What this database can vouch for: which runs it has deleted, and during which times it was there to see what was committed."""

from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from services.api.models import Base
from services.api.rows import rows_changed

LONGEST_GAP: Final = 120.0
"""Seconds between two signs of life that count as one watch: a restart."""


class DeletedRun(Base):
    """What is left of one: its id, so that objects below it are known to be nobody's."""

    __tablename__ = "deleted_runs"
    id: Mapped[str] = mapped_column(primary_key=True)
    deleted_at: Mapped[float]
    deleted_by: Mapped[str]


class Watch(Base):
    """A time without a gap. A database that was restored from a backup has not seen what came after the backup."""

    __tablename__ = "watches"
    began_at: Mapped[float] = mapped_column(primary_key=True)
    seen_at: Mapped[float]


def watch(session: Session, now: float) -> None:
    """Note that this database is alive."""
    going = update(Watch).where(Watch.seen_at >= now - LONGEST_GAP, Watch.seen_at <= now)
    if rows_changed(session, going.values(seen_at=now)) == 0 and session.get(Watch, now) is None:
        session.add(Watch(began_at=now, seen_at=now))


def was_there(session: Session, at: float) -> bool:
    during = (Watch.began_at <= at, Watch.seen_at > at)
    return session.scalar(select(Watch.began_at).where(*during).limit(1)) is not None
