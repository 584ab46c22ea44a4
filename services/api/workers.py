"""The workers, what their slots are doing, and whether anything new is placed on them."""

import re
from typing import Literal

from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, StrictBool
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.api.models import Attempt, Slot, Worker
from services.api.outbox import record
from services.api.parts import parts
from services.api.rows import locked
from serving.idempotency import Answer
from serving.paging import PageQuery, foreign_cursor
from serving.principal import principal, require
from serving.times import iso_or_none
from shared.cluster_events import WorkerDraining
from shared.conversation import WorkerName
from shared.errors import NotFound
from shared.names import CLUSTER_TOPIC, Role
from shared.spec import NAME

api = APIBlueprint("workers", __name__)


class SlotAnswer(BaseModel):
    id: str
    device: Literal["cpu", "cuda"]
    name: str
    attempt_id: str | None
    run_id: str | None


class WorkerAnswer(BaseModel):
    """`state`: draining where it is online and nothing new is placed on it; halted where it takes nothing by its own word, refused where it
    speaks another version. `halted`: why, in either case. `draining`: that it is to be drained, also while it is lost.
    """

    name: str
    state: Literal["online", "draining", "halted", "refused", "lost"]
    draining: bool
    halted: str
    host: str
    slots: list[SlotAnswer]
    last_heartbeat: str | None


class WorkerPage(BaseModel):
    items: list[WorkerAnswer]
    next_cursor: str | None


class DrainBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    drain: StrictBool


@api.get("/api/v1/workers", responses={200: WorkerPage})
def list_workers(query: PageQuery) -> Answer:
    """List workers by name, with their slots"""
    names = select(Worker).order_by(Worker.name).limit(query.limit + 1)
    if query.cursor is not None:
        if not re.fullmatch(NAME, query.cursor):
            raise foreign_cursor()
        names = names.where(Worker.name > query.cursor)
    with parts().database.reading() as session:
        workers = list(session.scalars(names))
        shown = workers[: query.limit]
        slots = _slots(session, [worker.name for worker in shown])
    cursor = shown[-1].name if len(workers) > query.limit else None
    items = [_worker_answer(worker, slots.get(worker.name, [])) for worker in shown]
    return WorkerPage(items=items, next_cursor=cursor).model_dump(), 200


@api.post("/api/v1/workers/<name>/drain", responses={200: WorkerAnswer})
def drain_worker(path: WorkerName, body: DrainBody) -> Answer:
    """Drain a worker, or offer it again (admin)

    Nothing new is placed on a draining worker; what runs there goes on to its end. It stays so over restarts of the worker.
    """
    require(Role.ADMIN)
    with parts().database.writing() as session:
        worker = locked(session, Worker, path.name)
        if worker is None:
            raise NotFound(f"there is no worker {path.name}", remedy="GET /api/v1/workers lists them")
        if worker.draining != body.drain:
            worker.draining = body.drain
            event = WorkerDraining(worker=worker.name, draining=body.drain, by=principal().name)
            record(session, CLUSTER_TOPIC, event, parts().clock())
        session.flush()
        return _worker_answer(worker, _slots(session, [worker.name]).get(worker.name, [])).model_dump(), 200


def _slots(session: Session, workers: list[str]) -> dict[str, list[SlotAnswer]]:
    query = select(Slot, Attempt.run_id).outerjoin(Attempt, Attempt.id == Slot.attempt_id).where(Slot.worker.in_(workers)).order_by(Slot.id)
    found: dict[str, list[SlotAnswer]] = {}
    for slot, run_id in session.execute(query):
        answer = SlotAnswer(id=slot.id, device=slot.device, name=slot.name, attempt_id=slot.attempt_id, run_id=run_id)
        found.setdefault(slot.worker, []).append(answer)
    return found


def _worker_answer(worker: Worker, slots: list[SlotAnswer]) -> WorkerAnswer:
    """A worker that has been silent for long is lost, whether or not the scheduler has noticed yet."""
    silent = parts().clock() - (worker.last_heartbeat or worker.started_at)
    online = worker.state == "online" and silent < parts().settings.lease_seconds
    return WorkerAnswer(
        name=worker.name,
        state=_state(worker) if online or worker.state == "refused" else "lost",
        draining=worker.draining,
        halted=worker.halted,
        host=worker.host,
        slots=slots,
        last_heartbeat=iso_or_none(worker.last_heartbeat),
    )


def _state(worker: Worker) -> Literal["online", "draining", "halted", "refused"]:
    if worker.state == "refused":
        return "refused"
    return "halted" if worker.halted else "draining" if worker.draining else "online"
