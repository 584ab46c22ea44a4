"""The queue as people see it: who waits, in which order and why; and the pause that holds all of it."""

from collections import Counter
from itertools import islice
from typing import Annotated, Final

from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, text
from sqlalchemy.orm import Session

from services.api.line import Line, Waiting, busy_slots, waiting_runs, weights
from services.api.models import IdempotencyKey
from services.api.outbox import record
from services.api.parts import parts
from services.api.queue_models import QueuePause
from services.api.rows import rows_changed
from services.api.standing import EmergencyAnswer, emergency_answer
from serving.idempotency import Answer, once
from serving.paging import PageQuery
from serving.principal import principal, require
from serving.times import iso, iso_or_none
from shared.cluster_events import QueuePaused, QueueReopened
from shared.names import CLUSTER_TOPIC, Role

api = APIBlueprint("queue", __name__)
_PAUSE: Final = text(
    "INSERT INTO queue_pause (id, reason, paused_by, paused_at) VALUES (1, :reason, :by, :now) "
    "ON CONFLICT (id) DO UPDATE SET reason = :reason, paused_by = :by"
)


class PauseBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    reason: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$", description="what the waiting runs say")] = ""


class PauseAnswer(BaseModel):
    """`since`: nothing has been placed from then on."""

    by: str
    reason: str
    since: str


class ShareInQueue(BaseModel):
    """The less `busy_slots` by `weight`, the sooner the project's next run, among those of equal priority."""

    project: str
    weight: float
    busy_slots: int
    waiting: int


class WaitingAnswer(BaseModel):
    """`position`: from 1, the order in which the runs go if nothing changes meanwhile. `not_before`: of a run that is to be tried again."""

    position: int
    run_id: str
    name: str
    project: str
    priority: int
    processes: int
    device: str
    reason: str
    created_at: str
    not_before: str | None


class QueueAnswer(BaseModel):
    """`pause`: null while the queue is not paused. `emergency`: the stop that closes it, or null. `waiting`: how many runs, over all pages.
    `shares`: projects with runs or a weight.
    """

    pause: PauseAnswer | None
    emergency: EmergencyAnswer | None
    waiting: int
    shares: list[ShareInQueue]
    items: list[WaitingAnswer]
    next_cursor: str | None


@api.get("/api/v1/queue", responses={200: QueueAnswer})
def show_queue(query: PageQuery) -> Answer:
    """Show who waits, in order and why, and whether the queue is paused"""
    with parts().database.reading() as session:
        waiting, busy, weight = waiting_runs(session), busy_slots(session), weights(session)
        pause, emergency = session.get(QueuePause, 1), emergency_answer(session)
    counts = Counter(run.project for run in waiting)
    end, now = query.position + query.limit, parts().clock()
    line = Line(waiting, busy, weight)
    items = [_waiting_answer(place, run, line, now) for place, run in enumerate(islice(line, end), 1)]
    answer = QueueAnswer(
        pause=_pause_answer(pause) if pause else None,
        emergency=emergency if emergency.active else None,
        waiting=len(waiting),
        shares=[
            ShareInQueue(project=project, weight=weight.get(project, 1.0), busy_slots=busy.get(project, 0), waiting=counts[project])
            for project in sorted(busy.keys() | weight.keys() | counts.keys())
        ],
        items=items[query.position :],
        next_cursor=str(end) if end < len(waiting) else None,
    )
    return answer.model_dump(), 200


@api.post("/api/v1/queue/pause", responses={200: PauseAnswer})
def pause_queue(body: PauseBody) -> Answer:
    """Pause the queue: nothing is placed until it is reopened (admin)

    What runs goes on. Where it is paused already, the new reason counts.
    """
    require(Role.ADMIN)
    who, now = principal().name, parts().clock()

    def pause(session: Session) -> Answer:
        session.execute(_PAUSE, {"reason": body.reason, "by": who, "now": now})
        record(session, CLUSTER_TOPIC, QueuePaused(by=who, reason=body.reason), now)
        return _pause_answer(session.get_one(QueuePause, 1)).model_dump(), 200

    return once(parts().database, IdempotencyKey, pause)


@api.delete("/api/v1/queue/pause", responses={204: None})
def reopen_queue() -> tuple[str, int]:
    """Reopen the queue (admin); one that is open stays so"""
    require(Role.ADMIN)
    with parts().database.writing() as session:
        if rows_changed(session, delete(QueuePause).where(QueuePause.id == 1)):
            record(session, CLUSTER_TOPIC, QueueReopened(by=principal().name), parts().clock())
    return "", 204


def _pause_answer(pause: QueuePause) -> PauseAnswer:
    return PauseAnswer(by=pause.paused_by, reason=pause.reason, since=iso(pause.paused_at))


def _waiting_answer(position: int, run: Waiting, line: Line, now: float) -> WaitingAnswer:
    """As if it were placed: what comes behind is ordered by that."""
    line.placed(run)
    told = {name: getattr(run, name) for name in ("name", "project", "priority", "processes", "device", "reason")}
    times = {"created_at": iso(run.created_at), "not_before": iso_or_none(run.not_before if (run.not_before or 0) > now else None)}
    return WaitingAnswer(position=position, run_id=run.id, **told, **times)
