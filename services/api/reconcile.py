"""What nobody reports: workers that fell silent, attempts that nobody took up."""

from sqlalchemy import func, select, update

from services.api.attempts import lose
from services.api.models import Attempt, Run, Worker
from services.api.outbox import record
from services.api.rows import rows_changed
from serving.database import Database
from shared.events import WorkerLost
from shared.names import CLUSTER_TOPIC


def reconcile(database: Database, *, now: float, lease_seconds: float) -> None:
    """End the lease of silent workers; what they worked on, and what was never taken up, goes back to the queue."""
    _lose_silent_workers(database, now, lease_seconds)
    for attempt_id, reason in _abandoned(database, now, lease_seconds):
        with database.writing() as session:
            lose(session, attempt_id, reason, now)


def _lose_silent_workers(database: Database, now: float, lease_seconds: float) -> None:
    last_sign = func.coalesce(Worker.last_heartbeat, Worker.started_at)  # NULL is never smaller than anything
    silent = (Worker.state == "online", last_sign < now - lease_seconds)
    with database.reading() as session:
        names = list(session.scalars(select(Worker.name).where(*silent)))
    for name in names:
        with database.writing() as session:
            if rows_changed(session, update(Worker).where(Worker.name == name, *silent).values(state="lost")):
                record(session, CLUSTER_TOPIC, WorkerLost(worker=name, reason=f"silent for {lease_seconds:g} s"), now)


def _abandoned(database: Database, now: float, lease_seconds: float) -> list[tuple[str, str]]:
    current = select(Attempt.id, Attempt.worker).join(Run, Run.current_attempt_id == Attempt.id)
    on_lost_workers = current.join(Worker, Worker.name == Attempt.worker).where(Worker.state == "lost")
    never_claimed = current.where(Attempt.fence.is_(None), Attempt.placed_at < now - lease_seconds)
    with database.reading() as session:
        lost = [(row.id, f"worker {row.worker} was silent for {lease_seconds:g} s") for row in session.execute(on_lost_workers)]
        unclaimed = [(row.id, f"worker {row.worker} did not take it up") for row in session.execute(never_claimed)]
    return lost + unclaimed
