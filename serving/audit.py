"""Who asked to change what, and what came of it: one row for each writing request to a service, which keeps them in a table of its own."""

import logging
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, g, request
from pydantic import BaseModel
from sqlalchemy import BigInteger, Float, String, Text, literal, select
from sqlalchemy.orm import Mapped, mapped_column

from serving.database import Database
from serving.idempotency import Answer
from serving.paging import PageQuery
from serving.principal import SAFE_METHODS, require
from serving.times import iso
from shared.names import Role

log = logging.getLogger(__name__)


class AuditColumns:
    """Columns of a service's `audit` table. `at`: seconds since the epoch."""

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[float] = mapped_column(Float(53))
    who: Mapped[str] = mapped_column(String(200))
    role: Mapped[str] = mapped_column(String(200))
    method: Mapped[str] = mapped_column(String(200))
    path: Mapped[str] = mapped_column(Text)
    status: Mapped[int]


class AuditAnswer(BaseModel):
    """`who` and `role` are empty where nobody was known. `status`: of the answer."""

    at: str
    who: str
    role: str
    method: str
    path: str
    status: int


class AuditPage(BaseModel):
    items: list[AuditAnswer]
    next_cursor: str | None


def audit_page(database: Database, table: Any, query: PageQuery) -> Answer:
    """Newest first; for admins."""
    require(Role.ADMIN)
    newest = select(table).order_by(table.id.desc()).limit(query.limit + 1)
    if query.cursor is not None:
        newest = newest.where(table.id < literal(query.position, BigInteger))
    with database.reading() as session:
        rows = list(session.scalars(newest))
    shown = rows[: query.limit]
    cursor = str(shown[-1].id) if len(rows) > query.limit else None
    return AuditPage(items=[_told(row) for row in shown], next_cursor=cursor).model_dump(), 200


def _told(row: Any) -> AuditAnswer:
    return AuditAnswer(at=iso(row.at), who=row.who, role=row.role, method=row.method, path=row.path, status=row.status)


def install_audit(
    app: Flask, database: Database, table: Any, *, clock: Callable[[], float] = time.time, but: frozenset[str] = frozenset()
) -> None:
    """`but`: paths whose POST changes nothing."""

    def note(response: Response) -> Response:
        if request.path.startswith("/api/") and request.method not in SAFE_METHODS and request.path not in but:
            who, role = (g.principal.name, g.principal.role) if "principal" in g else ("", "")
            asked = {"method": request.method, "path": request.path[:1000], "status": response.status_code}
            _write(database, table(at=clock(), who=who, role=role, **asked))
        return response

    app.after_request(note)


def _write(database: Database, row: Any) -> None:
    """The request has had its effect; that its row cannot be written must not turn the answer into an error."""
    told = f"{row.method} {row.path} by '{row.who}' ({row.status})"
    try:
        with database.writing() as session:
            session.add(row)
    except Exception:
        log.exception("no audit row for %s", told)
