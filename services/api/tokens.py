"""Bearer tokens: 256 random bits, shown once, stored as SHA-256."""

import hashlib
import logging
import os
import secrets
from pathlib import Path
from typing import Final

from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from services.api.models import LoginCode, Token
from services.api.paging import newest_first
from services.api.parts import parts
from services.api.paths import TokenPath
from serving.database import Database
from serving.idempotency import Answer
from serving.ids import new_id
from serving.paging import PageQuery
from serving.principal import principal, require
from serving.times import iso, iso_or_none
from shared.errors import InvalidField, NotFound
from shared.names import Role
from shared.spec import Name

log = logging.getLogger(__name__)
api = APIBlueprint("tokens", __name__)
DAY: Final = 86_400.0
ADMIN_NAME: Final = "admin"


class TokenBody(BaseModel):
    """`expires_in_days` null: never."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    role: Role
    expires_in_days: int | None = Field(None, ge=1, le=3650)


class TokenAnswer(BaseModel):
    id: str
    name: str
    role: Role
    created_at: str
    created_by: str
    expires_at: str | None
    last_used_at: str | None


class NewTokenAnswer(TokenAnswer):
    """`token` is shown this once."""

    token: str


class TokenPage(BaseModel):
    items: list[TokenAnswer]
    next_cursor: str | None


@api.get("/api/v1/tokens", responses={200: TokenPage})
def list_tokens(query: PageQuery) -> Answer:
    """List tokens (admin); the tokens themselves are not kept"""
    require(Role.ADMIN)
    with parts().database.reading() as session:
        rows, cursor = newest_first(session, select(Token).where(Token.kind == "token"), Token, query)
    items = [TokenAnswer.model_validate(_told(row)) for row in rows]
    return TokenPage(items=items, next_cursor=cursor).model_dump(mode="json"), 200


@api.post("/api/v1/tokens", responses={201: NewTokenAnswer})
def create_token(body: TokenBody) -> Answer:
    """Create a token (admin)

    The answer is not remembered for an `Idempotency-Key`, since the token must not be stored: a repeated name is refused instead.
    """
    require(Role.ADMIN)
    now = parts().clock()
    expires_at = None if body.expires_in_days is None else now + body.expires_in_days * DAY
    with parts().database.writing() as session:
        if session.scalar(select(Token.id).where(Token.name == body.name, Token.kind == "token")):
            raise InvalidField("name", f"there is a token '{body.name}' already", remedy="choose another name, or delete that token first")
        row, token = new_token(session, body.name, body.role, by=principal().name, now=now)
        row.expires_at = expires_at
        return NewTokenAnswer.model_validate({**_told(row), "token": token}).model_dump(mode="json"), 201


@api.delete("/api/v1/tokens/<token_id>", responses={204: None})
def delete_token(path: TokenPath) -> tuple[str, int]:
    """Delete a token (admin); browsers that were logged in with it are logged out"""
    require(Role.ADMIN)
    with parts().database.writing() as session:
        token = session.get(Token, path.token_id)
        if token is None or token.kind != "token":
            raise NotFound(f"there is no token {path.token_id}")
        session.execute(delete(Token).where(Token.name == token.name))
        session.execute(delete(LoginCode).where(LoginCode.name == token.name))
    return "", 204


def new_token(session: Session, name: str, role: Role, *, by: str, now: float, kind: str = "token") -> tuple[Token, str]:
    """The row, and what its holder has to show."""
    token = "gu_" + secrets.token_urlsafe(32)
    row = Token(id=new_id("tok"), kind=kind, name=name, role=role, digest=digest(token), created_at=now, created_by=by)
    session.add(row)
    return row, token


def digest(secret: str) -> str:
    """256 random bits need no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def ensure_admin_token(database: Database, data_dir: Path, now: float) -> None:
    """At the first start, and whenever no admin token is valid any more: a new one in `data_dir`/admin-token, readable by us alone."""
    with database.writing() as session:
        valid = or_(Token.expires_at.is_(None), Token.expires_at > now)
        if session.scalar(select(Token.id).where(Token.kind == "token", Token.role == Role.ADMIN, valid)):
            return
        session.execute(delete(Token).where(Token.name == ADMIN_NAME))
        _, token = new_token(session, ADMIN_NAME, Role.ADMIN, by="platform", now=now)
        _write_private(data_dir / "admin-token", token + "\n")
    log.info("wrote a new admin token to %s", data_dir / "admin-token")


def _write_private(file: Path, text: str) -> None:
    """Readable by us alone from its first byte, and whole whenever it is there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:  # noqa: PTH123  (a Path cannot set the mode)
        out.write(text)
    draft.rename(file)


def _told(row: Token) -> dict[str, object]:
    told = {name: getattr(row, name) for name in ("id", "name", "role", "created_by")}
    times = {"expires_at": iso_or_none(row.expires_at), "last_used_at": iso_or_none(row.last_used_at)}
    return {**told, **times, "created_at": iso(row.created_at)}
