"""Two ways to touch rows that others may touch at the same moment."""

from typing import Any, TypeVar, cast

from sqlalchemy import CursorResult, Delete, Insert, Update, select
from sqlalchemy.orm import Session

from services.api.models import Base

Row = TypeVar("Row", bound=Base)


def rows_changed(session: Session, statement: Insert | Update | Delete) -> int:
    """Run a conditional statement; says how many rows fulfilled its condition."""
    return cast(CursorResult[Any], session.execute(statement)).rowcount


def locked(session: Session, model: type[Row], key: str) -> Row | None:
    """The row with this primary key as it is now, and ours alone until the transaction ends.

    On SQLite the transaction has the one write lock anyway. Order: a run before its slots, slots by id, outbox counters last.
    """
    primary_key = next(iter(model.__table__.primary_key))
    query = select(model).where(primary_key == key).with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()
