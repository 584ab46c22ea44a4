"""The gateway asks who is asking: a bearer token or a browser's session, answered with name and role."""

from typing import Final
from urllib.parse import urlsplit

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel
from sqlalchemy import or_, select, update

from services.api.models import Token
from services.api.parts import parts
from services.api.rows import rows_changed
from services.api.tokens import digest
from serving.idempotency import Answer
from serving.principal import CREDENTIAL_HEADER, PRINCIPAL_HEADER, ROLE_HEADER, SAFE_METHODS
from serving.problems import problem_response
from shared.errors import NotAllowed, NotAuthenticated, NotFound
from shared.internal import RightsAnswer, RightsQuestion
from shared.settings import Settings, host_name

api = APIBlueprint("auth", __name__, url_prefix="/internal", doc_ui=False)
COOKIE: Final = "groundup_session"
USE_NOTED_EVERY: Final = 60.0
_AT_ONCE: Final = 500


class StatusPath(BaseModel):
    status: int


@api.get("/auth")
def authenticate() -> Response:
    token = _who(*_shown())
    return Response(status=200, headers={PRINCIPAL_HEADER: token.name, ROLE_HEADER: token.role, CREDENTIAL_HEADER: token.id})


@api.post("/rights")
def answer_rights(body: RightsQuestion) -> Answer:
    """The monitor asks which of its sockets' holders may still read."""
    now, found = parts().clock(), set[str]()
    with parts().database.reading() as session:
        for first in range(0, len(body.credentials), _AT_ONCE):
            asked = body.credentials[first : first + _AT_ONCE]
            valid = or_(Token.expires_at.is_(None), Token.expires_at > now)
            found.update(session.scalars(select(Token.id).where(Token.id.in_(asked), valid)))
    return RightsAnswer(valid=sorted(found)).model_dump(), 200


@api.get("/problem/<int:status>")
def problem(path: StatusPath) -> Response:
    """The body of the gateway's own 401 and 403; auth_request passes on a status only."""
    if path.status == 401:
        return problem_response(no_valid_token())
    if path.status == 403:
        return problem_response(foreign_origin())
    raise NotFound(f"there is no problem {path.status}")


def no_valid_token() -> NotAuthenticated:
    remedy = "send 'Authorization: Bearer <token>' (data/admin-token holds the first one), or log in by `groundup login-link`"
    return NotAuthenticated("the token or session is missing, wrong or expired", remedy=remedy)


def foreign_origin() -> NotAllowed:
    remedy = "add the page's host to GROUNDUP_ALLOWED_HOSTS if it is yours"
    return NotAllowed("a page of another origin may not act with this browser's session", remedy=remedy, code="foreign-origin")


def _shown() -> tuple[str, str]:
    """What was shown, and its kind. A bearer token counts before a cookie."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer":
            raise no_valid_token()
        return secret.strip(), "token"
    if cookie := request.cookies.get(COOKIE):
        if request.headers.get("X-Original-Method", "POST").upper() not in SAFE_METHODS:
            check_origin(parts().settings, request.headers.get("X-Original-Host", ""))
        return cookie, "session"
    raise no_valid_token()


def check_origin(settings: Settings, asked: str) -> None:
    """Browsers name the page that sends a writing request; a cookie counts only for our own.

    Cookies know no ports, so another port of this host is another's page: the origin has to be where the request went (`asked`, host and
    port), or the public address where a proxy in front of the gateway has a name of its own.
    """
    page = urlsplit(request.headers.get("Origin", "")).netloc.lower()
    ours = {asked.lower(), urlsplit(settings.public_url).netloc.lower()}
    if not page or page not in ours or host_name(page) not in settings.allowed_hosts:
        raise foreign_origin()


def _who(secret: str, kind: str) -> Token:
    now = parts().clock()
    valid = or_(Token.expires_at.is_(None), Token.expires_at > now)
    with parts().database.reading() as session:
        token = session.scalar(select(Token).where(Token.digest == digest(secret), Token.kind == kind, valid))
    if token is None:
        raise no_valid_token()
    if token.last_used_at is None or token.last_used_at < now - USE_NOTED_EVERY:
        with parts().database.writing() as session:
            rows_changed(session, update(Token).where(Token.id == token.id).values(last_used_at=now))
    return token
