"""Who asked to change what, and what came of it: one row for each writing request to the API."""

import logging

from flask import Flask, Response, g, request

from services.api.auth import SAFE_METHODS
from services.api.models import AuditRow
from services.api.parts import Parts

log = logging.getLogger(__name__)


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
