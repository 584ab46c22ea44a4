"""Logging a browser in: a link with a one-time code, exchanged for a session cookie."""

import secrets
from typing import Final
from urllib.parse import urlsplit

from flask import Response, jsonify, request
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from services.api.auth import COOKIE, check_origin
from services.api.models import LoginCode, Token
from services.api.parts import parts
from services.api.rows import rows_changed
from services.api.tokens import DAY, digest, new_token
from serving.idempotency import Answer
from serving.principal import principal
from shared.errors import NotAuthenticated
from shared.names import Role

api = APIBlueprint("login", __name__, url_prefix="/api/v1")
CODE_SECONDS: Final = 600
SESSION_DAYS: Final = 30


class MeAnswer(BaseModel):
    name: str
    role: Role


class LoginLink(BaseModel):
    """The link works once, within `expires_in` seconds."""

    url: str
    expires_in: int


class LoginBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    code: str = Field(min_length=1, max_length=200)


@api.get("/me", responses={200: MeAnswer})
def me() -> Answer:
    """Who am I?"""
    return MeAnswer(name=principal().name, role=principal().role).model_dump(mode="json"), 200


@api.post("/login-links", responses={201: LoginLink})
def create_login_link() -> Answer:
    """Make a link that logs a browser in as who asks for it"""
    code, who, now = secrets.token_urlsafe(32), principal(), parts().clock()
    with parts().database.writing() as session:
        session.execute(delete(LoginCode).where(LoginCode.expires_at < now - DAY))
        session.add(LoginCode(digest=digest(code), name=who.name, role=who.role, expires_at=now + CODE_SECONDS))
    url = f"{parts().settings.public_url.rstrip('/')}/login#code={code}"
    return LoginLink(url=url, expires_in=CODE_SECONDS).model_dump(), 201


@api.post("/login", responses={200: MeAnswer})
def login(body: LoginBody) -> Response:
    """Exchange a login link's code for a session cookie"""
    if "Origin" in request.headers:
        check_origin(parts().settings, request.host)
    now = parts().clock()
    with parts().database.writing() as session:
        code = _use(session, body.code, now)
        session.execute(delete(Token).where(Token.kind == "session", Token.expires_at < now))
        row, cookie = new_token(session, code.name, Role(code.role), by=code.name, now=now, kind="session")
        row.expires_at = _session_end(session, code.name, now)
        max_age = int(row.expires_at - now)
    answer = jsonify(MeAnswer(name=code.name, role=Role(code.role)).model_dump(mode="json"))
    secure = "https" in {request.headers.get("X-Forwarded-Proto"), urlsplit(parts().settings.public_url).scheme}
    answer.set_cookie(COOKIE, cookie, max_age=max_age, httponly=True, samesite="Strict", secure=secure, path="/")
    return answer


def _use(session: Session, code: str, now: float) -> LoginCode:
    unused = (LoginCode.digest == digest(code), LoginCode.used_at.is_(None), LoginCode.expires_at > now)
    if rows_changed(session, update(LoginCode).where(*unused).values(used_at=now)) != 1:
        remedy = "make a new link: `groundup login-link`, or POST /api/v1/login-links with a token"
        raise NotAuthenticated("this login link was used already, is too old or never existed", remedy=remedy)
    return session.get_one(LoginCode, digest(code))


def _session_end(session: Session, name: str, now: float) -> float:
    """A session does not outlive the token it comes from."""
    token_end = session.scalar(select(Token.expires_at).where(Token.name == name, Token.kind == "token"))
    return min(now + SESSION_DAYS * DAY, token_end or float("inf"))


@api.post("/logout", responses={204: None})
def logout() -> Response:
    """End this browser's session"""
    if cookie := request.cookies.get(COOKIE):
        with parts().database.writing() as session:
            session.execute(delete(Token).where(Token.digest == digest(cookie), Token.kind == "session"))
    answer = Response(status=204)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
    return answer
