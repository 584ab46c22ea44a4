"""Workers that take nothing: halted by hand on their host, or of another version."""

import re
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.api.attempts import lose
from services.api.models import Attempt, Run, Worker
from services.api.rows import locked, storable
from serving.database import Database
from shared.cluster_events import EmergencyEnded, WorkerHalted
from shared.errors import GroundupError
from shared.events import AnyEvent
from shared.spec import NAME


def note_halted(worker: Worker, halted: str) -> list[AnyEvent]:
    """What its heartbeat says of it, and the event where that is news."""
    halted, before = storable(halted), worker.halted if worker.state != "refused" else ""
    worker.halted = halted
    if halted and halted != before:
        return [WorkerHalted(worker=worker.name, reason=halted)]
    if before and not halted:
        return [EmergencyEnded(by=worker.name, worker=worker.name)]
    return []


def give_back_unclaimed(database: Database, worker: str, halted: str, now: float) -> None:
    """What was placed on a halted worker and not yet claimed need not wait for its lease to end."""
    unclaimed = select(Attempt.id).join(Run, Run.current_attempt_id == Attempt.id).where(Attempt.worker == worker, Attempt.fence.is_(None))
    with database.reading() as session:
        found = list(session.scalars(unclaimed.where(Attempt.ended_at.is_(None))))

    def is_unclaimed(_: Session, attempt: Attempt) -> bool:
        return attempt.fence is None

    reason = storable(f"worker {worker} is halted: {halted}")
    for attempt_id in found:
        with database.writing() as session:
            lose(session, attempt_id, reason, still=is_unclaimed, now=now)


def note_refused(database: Database, name: str, message: object, refusal: GroundupError, now: float) -> None:
    """So that a worker of another version is seen, with the reason. One that was let in before stays what it is until its lease ends."""
    host = message.get("host") if isinstance(message, Mapping) else None
    reason = f"{refusal.detail}; {refusal.remedy}"
    if not re.fullmatch(NAME, name):
        return
    with database.writing() as session:
        worker = locked(session, Worker, name)
        if worker is None:
            told = storable(host)[:200] if isinstance(host, str) else ""
            session.add(Worker(name=name, instance="", host=told, state="refused", started_at=now, halted=reason))
        elif worker.state != "online":
            worker.state, worker.halted = "refused", reason
