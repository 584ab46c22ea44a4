"""Preemption carried out: who holds slots, and the word to those that are to give them back."""

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session

from services.api.attempts import end_unclaimed
from services.api.endings import give_way
from services.api.journal import OPEN
from services.api.line import Waiting
from services.api.models import Attempt, Command, Run
from services.api.outbox import record
from services.api.preemption import Holder
from services.api.rows import locked
from serving.database import Database
from shared.commands import CommandType
from shared.names import RunState
from shared.run_events import AttemptPreempted

_MAY_BE_ASKED = (RunState.STARTING, RunState.RUNNING, RunState.PAUSED)
"""A paused run that has an attempt holds its slots. What is stopping, or pausing without holding them, gives them back by itself."""


def holders(database: Database, priority: int) -> Iterator[Holder]:
    """Attempts whose slots a run of this priority could get, and those whose slots are on their way."""
    leaving = or_(Attempt.preempted_at.is_not(None), Run.state == RunState.STOPPING, and_(Run.state == RunState.PAUSING, ~_is_to_hold()))
    columns = (Attempt.id, Attempt.run_id, Run.name, Attempt.worker, Attempt.slots, Run.priority, Attempt.placed_at, Run.state)
    preemptible = Run.spec["compute"]["preemptible"].as_boolean()
    query = select(*columns, preemptible, leaving).join(Attempt, Attempt.id == Run.current_attempt_id)
    with database.reading() as session:
        rows = session.execute(query.where(or_(Run.priority < priority, leaving))).all()
    for attempt_id, run_id, name, worker, slots, own, placed_at, state, may_be, goes in rows:
        willing = may_be is not False and state in _MAY_BE_ASKED
        yield Holder(attempt_id, run_id, name, worker, slots[0]["device"], own, len(slots), placed_at, willing, bool(goes))


def _is_to_hold() -> ColumnElement[bool]:
    """Whether the run has been asked to pause with its slots."""
    asked = (Command.run_id == Run.id, Command.type == CommandType.PAUSE, Command.state.in_(OPEN))
    return exists().where(*asked, Command.arguments["hold"].as_boolean())


def ask_to_give_way(database: Database, run: Waiting, victims: Sequence[Holder], now: float) -> set[str]:
    """One transaction for each; says which workers have something to hear. What no worker has taken up gives its slots back at once."""
    workers = set()
    for victim in victims:
        with database.writing() as session:
            if _ask(session, run, victim, now):
                workers.add(victim.worker)
    return workers


def _ask(session: Session, waiting: Waiting, victim: Holder, now: float) -> bool:
    run = locked(session, Run, victim.run_id)
    if run is None or run.current_attempt_id != victim.attempt_id or run.state not in _MAY_BE_ASKED:
        return False
    attempt = session.get_one(Attempt, victim.attempt_id, populate_existing=True)
    still_waits = session.scalar(select(Run.state).where(Run.id == waiting.id)) == RunState.QUEUED
    if attempt.preempted_at is not None or not still_waits:
        return False
    attempt.preempted_at, attempt.preempt_reason = now, f"run '{waiting.name}' (priority {waiting.priority})"
    reason = f"gives its slots to {attempt.preempt_reason}"
    record(session, run.id, AttemptPreempted(attempt=attempt.number, reason=reason), now)
    if end_unclaimed(session, run, attempt.id, "preempted", now):
        give_way(session, run, by="scheduler", reason=f"preempted by {attempt.preempt_reason}", now=now)
        return False
    return True
