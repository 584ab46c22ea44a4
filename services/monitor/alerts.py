"""`/api/v1/alerts`: what the detectors have found, and that somebody has seen it."""

import time
from typing import Any, Literal

from flask import Response, current_app
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from services.monitor.alert_models import Alert
from serving.database import Database
from serving.paging import PageQuery
from serving.principal import principal
from serving.times import iso, iso_or_none
from shared.alerts import Severity
from shared.errors import NotFound

api = APIBlueprint("alerts", __name__)


class AlertPath(BaseModel):
    alert_id: str = Field(max_length=300, pattern=r"^[A-Za-z0-9_.:-]+$")


class AlertsQuery(PageQuery):
    run_id: str | None = Field(None, max_length=200, description="of this run; `cluster` and `worker.<name>` have some, too")
    open: bool | None = Field(None, description="true: those that have not passed yet; false: those that have")
    severity: Severity | None = None


class AcknowledgeBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    note: str = Field("", max_length=2000, pattern=r"^[^\x00]*$", description="what is known about it")


class AlertActionAnswer(BaseModel):
    """`state`: none where nothing but telling was asked for; pending, requested (see the command), or refused with the reason."""

    kind: Literal["annotate", "notify", "pause", "rollback"]
    state: Literal["none", "pending", "requested", "refused"]
    command_id: str
    reason: str


class AlertAnswer(BaseModel):
    """`value` and `threshold` are null where they are no finite number."""

    alert_id: str
    run_id: str
    run_name: str
    attempt: int
    detector: str
    severity: Severity
    step: int
    metric: str
    value: float | None
    threshold: float | None
    window: dict[str, float | None]
    message: str
    remedy: str
    fired_at: str
    cleared_at: str | None
    cleared: str
    acknowledged_at: str | None
    acknowledged_by: str
    note: str
    action: AlertActionAnswer


class AlertPage(BaseModel):
    items: list[AlertAnswer]
    next_cursor: str | None


@api.get("/api/v1/alerts", responses={200: AlertPage})
def list_alerts(query: AlertsQuery) -> Response:
    """What the detectors have found, newest first"""
    rows = select(Alert).order_by(Alert.id.desc())
    if query.run_id is not None:
        rows = rows.where(Alert.run_id == query.run_id)
    if query.open is not None:
        rows = rows.where(Alert.cleared_at.is_(None) if query.open else Alert.cleared_at.is_not(None))
    if query.severity is not None:
        rows = rows.where(Alert.severity == query.severity)
    if query.cursor is not None:
        rows = rows.where(Alert.id < query.position)
    with _database().reading() as session:
        found = session.scalars(rows.limit(query.limit + 1)).all()
    page = found[: query.limit]
    cursor = str(page[-1].id) if len(found) > query.limit else None
    return _json(AlertPage(items=[alert_answer(alert) for alert in page], next_cursor=cursor))


@api.post("/api/v1/alerts/<alert_id>/acknowledge", responses={200: AlertAnswer})
def acknowledge(path: AlertPath, body: AcknowledgeBody) -> Response:
    """Say that it was seen; it stays open until it passes. The first word stays, but a note may be added to."""
    with _database().writing() as session:
        alert = session.scalar(select(Alert).where(Alert.alert_id == path.alert_id))
        if alert is None:
            raise NotFound(f"there is no alert {path.alert_id}", remedy="GET /api/v1/alerts lists them")
        if alert.acknowledged_at is None:
            alert.acknowledged_at, alert.acknowledged_by = time.time(), principal().name
        alert.note = body.note or alert.note
        return _json(alert_answer(alert))


def alert_answer(alert: Alert) -> AlertAnswer:
    told: dict[str, Any] = {name: value for name, value in alert.body.items() if name not in {"type", "actions"}}
    action = AlertActionAnswer.model_validate(
        {"kind": alert.action, "state": alert.action_state, "command_id": alert.command_id, "reason": alert.action_reason}
    )
    own = {name: getattr(alert, name) for name in ("run_id", "run_name", "attempt", "cleared", "acknowledged_by", "note")}
    times = {
        "fired_at": iso(alert.fired_at),
        "cleared_at": iso_or_none(alert.cleared_at),
        "acknowledged_at": iso_or_none(alert.acknowledged_at),
    }
    return AlertAnswer.model_validate({**told, **own, **times, "action": action})


def _database() -> Database:
    database: Database = current_app.extensions["database"]
    return database


def _json(answer: BaseModel) -> Response:
    """By pydantic, which writes null for NaN."""
    return Response(answer.model_dump_json(), content_type="application/json")
