"""What nobody reports: workers that fell silent, attempts that nobody took up."""

from collections.abc import Callable

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from services.api.attempts import lose
from services.api.models import Attempt, Run, Worker
from services.api.outbox import record
from services.api.rows import rows_changed
from serving.database import Database
from shared.cluster_events import WorkerLost
from shared.names import CLUSTER_TOPIC


def reconcile(database: Database, *, now: float, lease_seconds: float) -> None:
    """End the lease of silent workers; what they worked on, and what was never taken up, goes back to the queue."""
    _lose_silent_workers(database, now, lease_seconds)
    current = select(Attempt.id, Attempt.worker).join(Run, Run.current_attempt_id == Attempt.id)
    on_lost_workers = current.join(Worker, Worker.name == Attempt.worker).where(Worker.state != "online")
    _lose_all(database, on_lost_workers, f"was silent for {lease_seconds:g} s", still=_is_on_a_lost_worker, now=now)
    never_claimed = current.where(Attempt.fence.is_(None), Attempt.placed_at < now - lease_seconds)
    _lose_all(database, never_claimed, "did not take it up", still=_is_unclaimed, now=now)


def _lose_silent_workers(database: Database, now: float, lease_seconds: float) -> None:
    last_sign = func.coalesce(Worker.last_heartbeat, Worker.started_at)  # NULL is never smaller than anything
    silent = (Worker.state == "online", last_sign < now - lease_seconds)
    with database.reading() as session:
        names = list(session.scalars(select(Worker.name).where(*silent)))
    for name in names:
        with database.writing() as session:
            if rows_changed(session, update(Worker).where(Worker.name == name, *silent).values(state="lost")):
                record(session, CLUSTER_TOPIC, WorkerLost(worker=name, reason=f"silent for {lease_seconds:g} s"), now)


def _lose_all(database: Database, query: Select[str, str], reason: str, *, still: Callable[[Session, Attempt], bool], now: float) -> None:
    with database.reading() as session:
        found = session.execute(query).all()
    for attempt_id, worker in found:
        with database.writing() as session:
            lose(session, attempt_id, f"worker {worker} {reason}", still=still, now=now)


def _is_on_a_lost_worker(session: Session, attempt: Attempt) -> bool:
    return session.get_one(Worker, attempt.worker, populate_existing=True).state != "online"


def _is_unclaimed(_: Session, attempt: Attempt) -> bool:
    return attempt.fence is None
