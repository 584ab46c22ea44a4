"""`Idempotency-Key`: a POST that is repeated with the same key gets the first answer and creates nothing twice."""

import hashlib
from collections.abc import Callable
from typing import Any

from flask import json, request
from sqlalchemy import JSON, String
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from serving.database import Database
from serving.principal import principal
from shared.errors import InvalidField

Answer = tuple[dict[str, Any], int]


class IdempotencyColumns:
    """Columns of a service's `idempotency_keys` table."""

    principal: Mapped[str] = mapped_column(String(200), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    request_digest: Mapped[str] = mapped_column(String(64))
    status: Mapped[int]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


def repeated(database: Database, table: Any) -> Answer | None:
    """The remembered answer to a request that is repeated; for endpoints that ask others before they call `once`."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    with database.reading() as session:
        return _remembered(session, table, key)


def once(database: Database, table: Any, create: Callable[[Session], Answer]) -> Answer:
    """Run `create` and remember its answer in the same transaction, or repeat the remembered answer."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        with database.writing() as session:
            return create(session)
    if not 1 <= len(key) <= 200:
        raise InvalidField("Idempotency-Key", "must have 1 to 200 characters")
    try:
        return _create_or_repeat(database, table, key, create)
    except IntegrityError:  # the same key at the same moment: the other one won
        return _create_or_repeat(database, table, key, create)


def _create_or_repeat(database: Database, table: Any, key: str, create: Callable[[Session], Answer]) -> Answer:
    with database.writing() as session:
        if seen := _remembered(session, table, key):
            return seen
        body, status = create(session)
        stored = json.loads(json.dumps(body))
        session.add(table(principal=principal().name, key=key, request_digest=_digest(), status=status, body=stored))
        return body, status


def _remembered(session: Session, table: Any, key: str) -> Answer | None:
    seen = session.get(table, (principal().name, key))
    if seen is None:
        return None
    if seen.request_digest != _digest():
        raise InvalidField("Idempotency-Key", "was used for another request", remedy="use a new key", code="idempotency-key-reused")
    return seen.body, seen.status


def _digest() -> str:
    return hashlib.sha256(f"{request.method} {request.path}\n".encode() + request.get_data()).hexdigest()
