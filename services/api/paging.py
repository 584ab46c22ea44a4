"""Lists in pages, newest first. A cursor names the last row of its page, so pages neither overlap nor skip while rows are added."""

import base64
from typing import Any, TypeVar

from sqlalchemy import Select, tuple_
from sqlalchemy.orm import Session

from services.api.checkpoint_models import Checkpoint
from services.api.models import Command, Run, Token
from serving.paging import PageQuery, foreign_cursor

Aged = TypeVar("Aged", Run, Checkpoint, Command, Token)


def newest_first(session: Session, query: Select[Aged], model: type[Aged], page: PageQuery) -> tuple[list[Aged], str | None]:
    """One page of `query`, and the cursor of the next. Raises InvalidField for a cursor that is none of ours."""
    place: Any = tuple_(model.created_at, model.id)
    if page.cursor is not None:
        query = query.where(place < _read_cursor(page.cursor))
    rows = list(session.scalars(query.order_by(model.created_at.desc(), model.id.desc()).limit(page.limit + 1)))
    more = len(rows) > page.limit
    rows = rows[: page.limit]
    return rows, _cursor(rows[-1].created_at, rows[-1].id) if more else None


def _cursor(created_at: float, row_id: str) -> str:
    return base64.urlsafe_b64encode(f"{created_at!r} {row_id}".encode()).decode()


def _read_cursor(cursor: str) -> tuple[float, str]:
    try:
        created_at, row_id = base64.b64decode(cursor, altchars=b"-_", validate=True).decode("ascii").split(" ")
        if not row_id.isprintable():
            raise ValueError(row_id)
        return float(created_at), row_id
    except ValueError:
        raise foreign_cursor() from None
