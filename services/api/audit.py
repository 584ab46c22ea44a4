"""Who asked to change what, and what came of it: one row for each writing request to the API."""

import logging

from flask import Flask, Response, g, request
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel
from sqlalchemy import BigInteger, literal, select

from services.api.auth import SAFE_METHODS
from services.api.models import AuditRow
from services.api.parts import Parts, parts
from serving.idempotency import Answer
from serving.paging import PageQuery
from serving.principal import require
from serving.times import iso
from shared.names import Role

log = logging.getLogger(__name__)
api = APIBlueprint("audit", __name__)


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


@api.get("/api/v1/audit", responses={200: AuditPage})
def list_audit(query: PageQuery) -> Answer:
    """List who asked to change what, newest first (admin)"""
    require(Role.ADMIN)
    newest = select(AuditRow).order_by(AuditRow.id.desc()).limit(query.limit + 1)
    if query.cursor is not None:
        newest = newest.where(AuditRow.id < literal(query.position, BigInteger))
    with parts().database.reading() as session:
        rows = list(session.scalars(newest))
    shown = rows[: query.limit]
    cursor = str(shown[-1].id) if len(rows) > query.limit else None
    return AuditPage(items=[_told(row) for row in shown], next_cursor=cursor).model_dump(), 200


def _told(row: AuditRow) -> AuditAnswer:
    return AuditAnswer(at=iso(row.at), who=row.who, role=row.role, method=row.method, path=row.path, status=row.status)


def install_audit(app: Flask, parts: Parts) -> None:
    def note(response: Response) -> Response:
        if request.path.startswith("/api/") and request.method not in SAFE_METHODS:
            _write(parts, response.status_code)
        return response

    app.after_request(note)


def _write(parts: Parts, status: int) -> None:
    """The request has had its effect; that its row cannot be written must not turn the answer into an error."""
    who, role = (g.principal.name, g.principal.role) if "principal" in g else ("", "")
    row = AuditRow(at=parts.clock(), who=who, role=role, method=request.method, path=request.path[:1000], status=status)
    try:
        with parts.database.writing() as session:
            session.add(row)
    except Exception:
        log.exception("no audit row for %s %s by '%s' (%d)", request.method, request.path, who, status)
