"""`/api/v1/notifications`: where alerts and the ends of runs are told, and whether they have arrived."""

import secrets
import time
from typing import Any, Literal
from urllib.parse import urlsplit

from flask import current_app
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from services.monitor.alert_models import Delivery, NotificationTarget
from services.monitor.notifications import queue
from services.monitor.request_models import IdempotencyKey
from serving.database import Database
from serving.idempotency import Answer, once, repeated
from serving.ids import new_id
from serving.outgoing import destination
from serving.paging import PageQuery
from serving.principal import principal, require
from serving.times import iso, iso_or_none
from shared.errors import Conflict, NotFound
from shared.names import Role

api = APIBlueprint("notifications", __name__)
MAX_TARGETS = 50
Topic = Literal[
    "alert.critical", "alert.warning", "alert.info", "alert.cleared", "run.failed", "run.succeeded", "run.stopped", "run.killed"
]
_DEFAULT: list[Topic] = ["alert.critical", "alert.warning", "run.failed"]


class TargetPath(BaseModel):
    target_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")


class TargetBody(BaseModel):
    """`secret`: signs what a webhook is sent (docs/alerts.md); without it one is made and shown this once."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*$")
    kind: Literal["webhook", "slack"] = "webhook"
    url: str = Field(max_length=2000, pattern=r"^[!-~]+$", description="https://...")
    secret: str = Field("", max_length=200, pattern=r"^[!-~]*$")
    events: list[Topic] = Field(_DEFAULT, min_length=1, max_length=20)

    @model_validator(mode="after")
    def check_secret(self) -> "TargetBody":
        if self.secret and self.kind == "slack":
            raise ValueError("secret: Slack checks no signature; leave it out")
        if self.secret and len(self.secret) < 16:
            raise ValueError("secret: use at least 16 characters, or leave it out to have one made")
        return self


class TargetAnswer(BaseModel):
    """Neither the secret nor the path of the address, which may be one: `host` says where it goes. `waiting`, `failed`: deliveries."""

    id: str
    name: str
    kind: Literal["webhook", "slack"]
    host: str
    events: list[Topic]
    created_at: str
    created_by: str
    waiting: int
    failed: int
    last_error: str


class NewTargetAnswer(TargetAnswer):
    secret: str = Field(description="shown this once, where it was made here; empty for Slack and where it was given")


class TargetPage(BaseModel):
    items: list[TargetAnswer]
    next_cursor: str | None = None


class DeliveryQuery(PageQuery):
    target_id: str | None = Field(None, max_length=100)
    state: Literal["pending", "delivered", "dead", "dropped"] | None = None


class DeliveryAnswer(BaseModel):
    """`state`: dead is given up after the last try, dropped was never queued since too many waited."""

    delivery_id: str
    target_id: str
    type: str
    subject: str
    state: Literal["pending", "delivered", "dead", "dropped"]
    tries: int
    error: str
    created_at: str
    next_at: str | None
    ended_at: str | None


class DeliveryPage(BaseModel):
    items: list[DeliveryAnswer]
    next_cursor: str | None


@api.get("/api/v1/notifications", responses={200: TargetPage})
def list_targets() -> dict[str, Any]:
    """Where notifications go. For admins."""
    require(Role.ADMIN)
    with _database().reading() as session:
        targets = session.scalars(select(NotificationTarget).order_by(NotificationTarget.created_at, NotificationTarget.id)).all()
        return TargetPage(items=[TargetAnswer.model_validate(_answer(session, target)) for target in targets]).model_dump()


@api.post("/api/v1/notifications", responses={201: NewTargetAnswer})
def create_target(body: TargetBody) -> Answer:
    """Add one. Its address has to be on the public internet, unless GROUNDUP_WEBHOOK_ALLOW names its host. For admins."""
    require(Role.ADMIN)
    if answer := repeated(_database(), IdempotencyKey):
        return answer
    destination(body.url, allowed=current_app.extensions["webhook_allow"])
    return once(_database(), IdempotencyKey, lambda session: _create(session, body))


@api.delete("/api/v1/notifications/<target_id>", responses={204: None})
def delete_target(path: TargetPath) -> tuple[str, int]:
    """Remove one, with what waits for it. For admins."""
    require(Role.ADMIN)
    with _database().writing() as session:
        session.delete(_target(session, path.target_id))
        session.execute(delete(Delivery).where(Delivery.target_id == path.target_id))
    return "", 204


@api.post("/api/v1/notifications/<target_id>/test", responses={202: DeliveryAnswer})
def test_target(path: TargetPath) -> Answer:
    """Send a test, behind what already waits; its delivery tells whether it arrived. For admins."""
    require(Role.ADMIN)
    return once(_database(), IdempotencyKey, lambda session: _test(session, path.target_id))


@api.get("/api/v1/notifications/deliveries", responses={200: DeliveryPage})
def list_deliveries(query: DeliveryQuery) -> dict[str, Any]:
    """What was sent, waits or was given up, newest first. For admins."""
    require(Role.ADMIN)
    rows = select(Delivery).order_by(Delivery.id.desc())
    if query.target_id is not None:
        rows = rows.where(Delivery.target_id == query.target_id)
    if query.state is not None:
        rows = rows.where(Delivery.state == query.state)
    if query.cursor is not None:
        rows = rows.where(Delivery.id < query.position)
    with _database().reading() as session:
        found = session.scalars(rows.limit(query.limit + 1)).all()
    page = found[: query.limit]
    cursor = str(page[-1].id) if len(found) > query.limit else None
    return DeliveryPage(items=[_delivery(row) for row in page], next_cursor=cursor).model_dump()


def _create(session: Session, body: TargetBody) -> Answer:
    if (session.scalar(select(func.count()).select_from(NotificationTarget)) or 0) >= MAX_TARGETS:
        raise Conflict(f"there are {MAX_TARGETS} already", remedy="delete one that is not needed")
    made = secrets.token_hex(32) if body.kind == "webhook" and not body.secret else ""
    given = body.model_dump(exclude={"secret"})
    now, by = time.time(), principal().name
    target = NotificationTarget(id=new_id("ntf"), **given, secret=body.secret or made, created_at=now, created_by=by)
    session.add(target)
    session.flush()
    return NewTargetAnswer.model_validate({**_answer(session, target), "secret": made}).model_dump(), 201


def _test(session: Session, target_id: str) -> Answer:
    target = _target(session, target_id)
    subject, now = f"test.{new_id('try')}", time.time()
    queue(session, target, subject, {"type": "Test", "topic": "test", "at": now}, now)
    delivery = session.scalars(select(Delivery).where(Delivery.target_id == target.id, Delivery.subject == subject)).one()
    return _delivery(delivery).model_dump(), 202


def _target(session: Session, target_id: str) -> NotificationTarget:
    target = session.get(NotificationTarget, target_id)
    if target is None:
        raise NotFound(f"there is no notification target {target_id}", remedy="GET /api/v1/notifications lists them")
    return target


def _answer(session: Session, target: NotificationTarget) -> dict[str, Any]:
    own = {name: getattr(target, name) for name in ("id", "name", "kind", "events", "created_by")}
    states = select(Delivery.state, func.count()).where(Delivery.target_id == target.id).group_by(Delivery.state)
    counts: dict[str, int] = {row[0]: row[1] for row in session.execute(states)}
    last = select(Delivery.error).where(Delivery.target_id == target.id, Delivery.tries > 0).order_by(Delivery.id.desc()).limit(1)
    failed = counts.get("dead", 0) + counts.get("dropped", 0)
    figures = {"waiting": counts.get("pending", 0), "failed": failed, "last_error": session.scalar(last) or ""}
    return {**own, **figures, "host": urlsplit(target.url).hostname or "", "created_at": iso(target.created_at)}


def _delivery(row: Delivery) -> DeliveryAnswer:
    own = {name: getattr(row, name) for name in ("target_id", "type", "subject", "state", "tries", "error")}
    times = {"created_at": iso(row.created_at), "next_at": iso_or_none(row.next_at), "ended_at": iso_or_none(row.ended_at)}
    return DeliveryAnswer.model_validate({**own, **times, "delivery_id": f"{row.target_id}.{row.id}"})


def _database() -> Database:
    database: Database = current_app.extensions["database"]
    return database
