"""The emergency stop: every attempt is killed, and nothing is placed or claimed until a person reopens. Checkpoints stay as they are.

What was running is paused, so that each run goes on when somebody wants it to; what was queued waits.
"""

import logging
from typing import Annotated, Final

import redis
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from services.api.endings import end_attempt, rest
from services.api.models import Attempt, Run
from services.api.outbox import record
from services.api.parts import parts
from services.api.queue_models import EmergencyStop
from services.api.rows import locked, rows_changed
from serving.database import Database
from serving.idempotency import Answer
from serving.ids import new_id
from serving.principal import principal, require
from serving.times import iso
from shared.cluster_events import EmergencyEnded, EmergencyStopped
from shared.conversation import EmergencyOrder
from shared.errors import Conflict
from shared.names import CLUSTER_TOPIC, EMERGENCY_CHANNEL, Role

log = logging.getLogger(__name__)
api = APIBlueprint("emergency", __name__)
_STOP: Final = text(
    "INSERT INTO emergency_stop (id, stop_id, reason, stopped_by, stopped_at, attempts) "
    "VALUES (1, :stop_id, :reason, :by, :now, :attempts) ON CONFLICT (id) DO NOTHING"
)


class StopBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*$", description="what everybody is told")]


class EmergencyAnswer(BaseModel):
    """`attempts`: how many were running when it came. `ending`: how many are not ended yet; workers kill processes at once."""

    active: bool
    by: str = ""
    reason: str = ""
    since: str | None = None
    attempts: int = 0
    ending: int = 0


@api.post("/api/v1/emergency-stop", responses={202: EmergencyAnswer})
def stop_everything(body: StopBody) -> Answer:
    """Kill every training process on every worker, and close the queue (admin)

    Its runs are paused; their checkpoints stay. Where it stands already, nothing changes.
    """
    require(Role.ADMIN)
    who, now = principal().name, parts().clock()
    with parts().database.writing() as session:
        attempts = session.scalar(select(func.count()).select_from(Run).where(Run.current_attempt_id.is_not(None))) or 0
        values = {"stop_id": new_id("stop"), "reason": body.reason, "by": who, "now": now, "attempts": attempts}
        if session.execute(_STOP, values).rowcount:  # type: ignore[attr-defined]
            record(session, CLUSTER_TOPIC, EmergencyStopped(by=who, reason=body.reason, attempts=attempts), now)
        order = standing(session)
    if order:
        _publish(parts().redis, order)
    end_everything(parts().database, now)
    return _answer(), 202


@api.get("/api/v1/emergency-stop", responses={200: EmergencyAnswer})
def show_emergency() -> Answer:
    """Show whether an emergency stop stands"""
    return _answer(), 200


@api.delete("/api/v1/emergency-stop", responses={204: None})
def reopen() -> tuple[str, int]:
    """Reopen after an emergency stop (admin): queued runs are placed again; paused ones wait to be resumed"""
    require(Role.ADMIN)
    with parts().database.writing() as session:
        if rows_changed(session, delete(EmergencyStop).where(EmergencyStop.id == 1)):
            record(session, CLUSTER_TOPIC, EmergencyEnded(by=principal().name), parts().clock())
    return "", 204


def standing(session: Session) -> EmergencyOrder | None:
    row = session.get(EmergencyStop, 1, populate_existing=True)
    return EmergencyOrder(id=row.stop_id, reason=row.reason, by=row.stopped_by) if row else None


def must_be_open(session: Session) -> None:
    """Raises Conflict while an emergency stop stands."""
    if order := standing(session):
        raise Conflict(f"{told(order)}; nothing may be claimed", remedy="reopen the queue first", code="emergency-stop")


def told(order: EmergencyOrder) -> str:
    return f"emergency stop by {order.by}: {order.reason}"


def end_everything(database: Database, now: float) -> None:
    """End all attempts while a stop stands, one transaction for each run. Safe to repeat: the scheduler does, where this was cut short."""
    with database.reading() as session:
        order = standing(session)
        run_ids = list(session.scalars(select(Run.id).where(Run.current_attempt_id.is_not(None)))) if order else []
    for run_id in sorted(run_ids):
        with database.writing() as session:
            run = locked(session, Run, run_id)
            if order is None or run is None or run.current_attempt_id is None or standing(session) is None:
                continue
            attempt = session.get_one(Attempt, run.current_attempt_id, populate_existing=True)
            end_attempt(session, run, attempt, outcome="killed", reason=told(order), now=now)
            rest(session, run, by=order.by, reason=told(order), now=now)


def _publish(client: redis.Redis, order: EmergencyOrder) -> None:
    try:
        client.publish(EMERGENCY_CHANNEL, order.model_dump_json())
    except redis.RedisError as error:
        log.warning("the emergency stop goes out with the heartbeats alone: %s", error)


def _answer() -> dict[str, object]:
    with parts().database.reading() as session:
        row = session.get(EmergencyStop, 1)
        ending = session.scalar(select(func.count()).select_from(Run).where(Run.current_attempt_id.is_not(None))) or 0
    if row is None:
        return EmergencyAnswer(active=False).model_dump()
    return EmergencyAnswer(
        active=True, by=row.stopped_by, reason=row.reason, since=iso(row.stopped_at), attempts=row.attempts, ending=ending
    ).model_dump()
