"""The emergency stop: every attempt ends at once, wherever it runs, and the queue is closed until a person reopens it."""

import logging
import threading
from typing import Annotated, Final, Literal

import redis
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from services.api.endings import end_attempt, rest
from services.api.models import Attempt, IdempotencyKey, Run
from services.api.outbox import record
from services.api.parts import parts
from services.api.queue_models import EmergencyAttempt, EmergencyStop
from services.api.rows import locked, rows_changed
from services.api.standing import EmergencyAnswer, current_attempts, emergency_answer, order_of, standing, why
from serving.database import Database
from serving.idempotency import Answer, once
from serving.ids import new_id
from serving.principal import principal, require
from shared.cluster_events import EmergencyEnded, EmergencyStopped
from shared.conversation import EmergencyOrder
from shared.names import CLUSTER_TOPIC, EMERGENCY_CHANNEL, Role

log = logging.getLogger(__name__)
api = APIBlueprint("emergency", __name__)
_PUBLISH_SECONDS: Final = 2.0
"""The answer does not wait longer for a Redis that hangs; the heartbeats carry the order, too."""
_CLOSE: Final = text(
    "INSERT INTO emergency_stop (id, stop_id, reason, stopped_by, stopped_at, attempts) "
    "VALUES (1, :stop_id, :reason, :by, :now, :attempts) ON CONFLICT (id) DO NOTHING"
)


class EmergencyBody(BaseModel):
    """`confirm`: what a person typed."""

    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$", description="what the stopped runs say")] = ""
    confirm: Literal["stop everything"] | None = None


@api.get("/api/v1/emergency-stop", responses={200: EmergencyAnswer})
def show_emergency_stop() -> Answer:
    """Show whether an emergency stop stands, and what is not known to be gone"""
    with parts().database.reading() as session:
        return emergency_answer(session).model_dump(), 200


@api.post("/api/v1/emergency-stop", responses={202: EmergencyAnswer})
def stop_everything(body: EmergencyBody) -> Answer:
    """Kill every attempt at once and close the queue until it is reopened (admin)

    Nothing is saved; checkpoints stay good. Runs become paused, to be resumed one by one; those that were stopping end as was wished. While
    one stands another changes nothing, but is told to the workers again.
    """
    require(Role.ADMIN)
    database, now = parts().database, parts().clock()
    answer = once(database, IdempotencyKey, lambda session: _close(session, body.reason, by=principal().name, now=now))
    with database.reading() as session:
        stop = standing(session)
    if stop:
        _tell_workers(parts().redis, order_of(stop))
    end_all(database, now)
    return answer


@api.delete("/api/v1/emergency-stop", responses={204: None})
def end_emergency_stop() -> tuple[str, int]:
    """Reopen the queue after an emergency stop (admin); the runs stay paused, a queue that is open stays so"""
    require(Role.ADMIN)
    with parts().database.writing() as session:
        if rows_changed(session, delete(EmergencyStop).where(EmergencyStop.id == 1)):
            session.execute(delete(EmergencyAttempt))
            record(session, CLUSTER_TOPIC, EmergencyEnded(by=principal().name), parts().clock())
    return "", 204


def _close(session: Session, reason: str, *, by: str, now: float) -> Answer:
    """From its commit on nothing is placed or claimed, and every heartbeat is told."""
    attempts = current_attempts(session)
    values = {"stop_id": new_id("stop"), "reason": reason, "by": by, "now": now, "attempts": attempts}
    if rows_changed(session, _CLOSE.bindparams(**values)):
        record(session, CLUSTER_TOPIC, EmergencyStopped(by=by, reason=reason, attempts=attempts), now)
    return emergency_answer(session).model_dump(), 202


def _tell_workers(client: redis.Redis, order: EmergencyOrder) -> None:
    """Workers listen on Redis: they have it within milliseconds, where it is up."""

    def publish() -> None:
        try:
            client.publish(EMERGENCY_CHANNEL, order.model_dump_json())
        except redis.RedisError as error:
            log.warning("the emergency stop goes to the workers with their heartbeats only: %s", error)

    thread = threading.Thread(target=publish, name="emergency", daemon=True)
    thread.start()
    thread.join(_PUBLISH_SECONDS)


def end_all(database: Database, now: float) -> None:
    """End every current attempt while a stop stands, each in a transaction of its own: the scheduler goes on where a request broke off.

    What is wrong with one run keeps no other from being ended.
    """
    with database.reading() as session:
        if standing(session) is None:
            return
        runs = list(session.scalars(select(Run.id).where(Run.current_attempt_id.is_not(None)).order_by(Run.id)))
    for run_id in runs:
        try:
            with database.writing() as session:
                _end_one(session, run_id, now)
        except Exception:
            log.exception("the emergency stop cannot end the attempt of run %s; the scheduler tries again", run_id)


def _end_one(session: Session, run_id: str, now: float) -> None:
    run, stop = locked(session, Run, run_id), standing(session)
    if run is None or run.current_attempt_id is None or stop is None:
        return
    attempt = session.get_one(Attempt, run.current_attempt_id, populate_existing=True)
    if attempt.fence is not None:
        session.add(EmergencyAttempt(attempt_id=attempt.id, worker=attempt.worker))
    end_attempt(session, run, attempt, outcome="killed", reason=why(stop), now=now)
    rest(session, run, by=stop.stopped_by, reason=why(stop), now=now)
