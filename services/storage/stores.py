"""What every endpoint and task of this service works with."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

from flask import current_app, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.storage.models import CheckpointFile, Part
from services.storage.objects import ObjectStore
from serving.database import Database

Enqueue = Callable[..., None]
"""`enqueue(task_name, *arguments)`: a hint to the worker, which may get lost; the rows and the sweep make up for it."""


@dataclass(frozen=True)
class Stores:
    database: Database
    objects: ObjectStore
    enqueue: Enqueue


def has_no_objects(database: Database) -> bool:
    """Whether none was ever verified, so that an empty bucket is no loss."""
    verified = (select(Part.sha256).where(Part.verified_at.is_not(None)), select(CheckpointFile.name))
    with database.reading() as session:
        return all(session.scalar(rows.limit(1)) is None for rows in verified)


def stores() -> Stores:
    """Those of the application that serves the present request."""
    return cast(Stores, current_app.extensions["stores"])


def public_origin() -> str:
    """Where whoever sent the present request reads and writes objects: as they called us, unless told otherwise.

    The gateway's own public address says how it was reached; X-Forwarded-Proto does not where TLS ends in front of the gateway.
    """
    if elsewhere := stores().objects.settings.public_url:
        return elsewhere
    gateway = urlsplit(cast(str, current_app.extensions["public_url"]))
    if gateway.netloc.lower() == request.host.lower():
        return f"{gateway.scheme}://{request.host}"
    scheme = request.headers.get("X-Forwarded-Proto", request.scheme)
    return f"{'https' if scheme == 'https' else 'http'}://{request.host}"


def lock(session: Session, name: str) -> None:
    """Until the transaction ends, nobody else holds `name`. On SQLite every writing transaction already excludes the others."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))


def now() -> float:
    return time.time()
