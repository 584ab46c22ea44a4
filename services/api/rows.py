"""Ways to touch rows: those that others may touch at the same moment, and many at once."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeVar, cast

from sqlalchemy import CursorResult, Delete, Insert, TextClause, Update, select
from sqlalchemy.orm import Session

from services.api.models import Base

Row = TypeVar("Row", bound=Base)
Item = TypeVar("Item")
_AT_ONCE: Final = 500
"""Rows named in one statement."""


def rows_changed(session: Session, statement: Insert | Update | Delete | TextClause) -> int:
    """Run a conditional statement; says how many rows fulfilled its condition."""
    return cast(CursorResult[Any], session.execute(statement)).rowcount


def locked(session: Session, model: type[Row], key: str) -> Row | None:
    """The row with this primary key as it is now, and ours alone until the transaction ends.

    On SQLite the transaction has the one write lock anyway. Order: a run before its slots, slots by id, outbox counters last.
    """
    primary_key = next(iter(model.__table__.primary_key))
    query = select(model).where(primary_key == key).with_for_update().execution_options(populate_existing=True)
    return session.scalars(query).one_or_none()


def lock_all(session: Session, model: type[Row], keys: Iterable[str | None]) -> None:
    """Several rows of one table, in the order of their keys, so that nobody waits in a circle. None names none."""
    for key in sorted({key for key in keys if key}):
        locked(session, model, key)


def storable(text: str) -> str:
    """Without NUL, which PostgreSQL has no place for."""
    return text.replace("\0", "")


def batches(items: Sequence[Item], size: int = _AT_ONCE) -> Iterator[Sequence[Item]]:
    """So many at a time; unless told otherwise, as many as one statement may well name."""
    return (items[start : start + size] for start in range(0, len(items), size))
