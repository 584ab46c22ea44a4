"""Who goes next, and where: a run that is ready gets all its slots on one worker in one transaction, or none and a reason in words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.orm import Session

from services.api.giving_way import ask_to_give_way, holders
from services.api.line import Line, Waiting, busy_slots, waiting_runs, weights
from services.api.models import Attempt, Run, Slot, Worker
from services.api.offers import Offer, Offers
from services.api.outbox import record
from services.api.preemption import Preemption
from services.api.queue_models import EmergencyStop, QueuePause
from services.api.retries import told, wait_after
from services.api.rows import batches, locked, rows_changed
from services.api.standing import closed, standing
from services.api.states import change_state
from serving.database import Database
from serving.ids import new_id
from shared.conversation import SlotReport
from shared.names import RunState
from shared.run_events import AttemptPlaced

ROUND: Final = 200
"""So many are placed at most before the scheduler looks at the queue, and at what fell silent, again: about a second's work."""


@dataclass(frozen=True)
class Placed:
    attempt_id: str
    worker: str


def place(database: Database, *, now: float, lease_seconds: float, tell: Callable[[str], object] = lambda _worker: None) -> list[Placed]:
    """Place what fits, in order of priority, then the project's busy slots by its weight, then age; have others give way where that makes
    a run of higher priority fit, and tell the rest why they wait. `tell` is called with each worker that has something new to hear.
    """
    with database.reading() as session:
        waiting = waiting_runs(session)
        if not waiting:
            return []
        if why_closed := _closed(session):
            ready, reasons = [], dict.fromkeys((run.id for run in waiting if run.prepared_id), why_closed)
        else:
            ready = [run for run in waiting if run.may_start(now)]
            reasons = _reasons_to_retry(session, [run for run in waiting if run.prepared_id and not run.may_start(now)])
        offers = Offers(_offers(session, now - lease_seconds) if ready else ())
        line = Line(ready, busy_slots(session), weights(session))
    placed, why = _place_in_order(database, line, offers, tell, now)
    tell_reasons(database, reasons | why, {run.id: run.reason for run in waiting})
    return placed


def _closed(session: Session) -> str:
    """Why nothing is placed; an emergency stop is told before a pause."""
    if stop := standing(session):
        return closed(stop)
    pause = session.get(QueuePause, 1)
    return paused(pause) if pause else ""


def paused(pause: QueuePause) -> str:
    return f"the queue is paused by {pause.paused_by}" + (f": {pause.reason}" if pause.reason else "")


def _place_in_order(
    database: Database, line: Line, offers: Offers, tell: Callable[[str], object], now: float
) -> tuple[list[Placed], dict[str, str]]:
    """No more than a round's; those behind are looked at in the next one."""
    preemption = Preemption(offers.usable, partial(holders, database))
    placed: list[Placed] = []
    reasons: dict[str, str] = {}
    for run in line:
        if len(placed) == ROUND:
            break
        offer = offers.best(run)
        if offer is None:
            decision = preemption.decide(run)
            reasons[run.id] = decision.reason if decision else offers.reason_to_wait(run)
            for worker in ask_to_give_way(database, run, decision.victims if decision else (), now):
                tell(worker)
        elif attempt := _place_one(database, run, offer, now):
            placed.append(attempt)
            offers.take(offer, run.processes)
            line.placed(run)
    return placed, reasons


def _reasons_to_retry(session: Session, runs: Sequence[Waiting]) -> dict[str, str]:
    """Of runs whose next attempt has to wait: what was written when the last one failed, unless something else was told meanwhile."""
    begins = {run.id: told(wait_after(run.fruitless), run.attempt_count + 1) for run in runs}
    other = [run for run in runs if not run.reason.startswith(begins[run.id])]
    reasons: dict[str, str] = {}
    for some in batches(other):
        last = (Run.id.in_([run.id for run in some]), Attempt.number == Run.attempt_count)
        query = select(Run.id, Attempt.number, Attempt.reason).join(Attempt, Attempt.run_id == Run.id).where(*last)
        reasons |= {run_id: f"{begins[run_id]}attempt {number} failed: {why}" for run_id, number, why in session.execute(query)}
    return reasons


def _offers(session: Session, alive_since: float) -> Iterable[Offer]:
    alive = func.coalesce(Worker.last_heartbeat, Worker.started_at) >= alive_since
    free = func.count() - func.count(Slot.attempt_id)
    query = select(Slot.worker, Slot.device, func.count(), free, Worker.draining, Worker.halted).join(Worker, Worker.name == Slot.worker)
    query = query.where(Worker.state == "online", alive).group_by(Slot.worker, Slot.device, Worker.draining, Worker.halted)
    return [Offer(*row) for row in session.execute(query)]


class _SlotsTaken(Exception):
    """Somebody else was faster, the worker takes nothing now or the queue has been closed; the transaction is undone."""


def _place_one(database: Database, run: Waiting, offer: Offer, now: float) -> Placed | None:
    """One transaction; what it writes goes to the database in as few statements as can be."""
    try:
        with database.writing() as session, session.no_autoflush:
            return _take(session, run.id, offer, now)
    except _SlotsTaken:
        return None


def _take(session: Session, run_id: str, offer: Offer, now: float) -> Placed | None:
    run = locked(session, Run, run_id)
    if run is None or run.state != RunState.QUEUED or (run.not_before or 0) > now:
        return None
    slots = _free_slots(session, offer, run.processes)
    run.attempt_count += 1
    attempt = Attempt(
        id=new_id("att"),
        run_id=run.id,
        number=run.attempt_count,
        state="placed",
        worker=offer.worker,
        slots=[slot.model_dump() for slot in slots],
        placed_at=now,
    )
    taken = update(Slot).where(Slot.id.in_([slot.id for slot in slots]), Slot.attempt_id.is_(None)).values(attempt_id=attempt.id)
    if rows_changed(session, taken.execution_options(synchronize_session=False)) != run.processes:
        raise _SlotsTaken
    session.add(attempt)
    run.current_attempt_id = attempt.id
    change_state(session, run, RunState.STARTING, by="scheduler", now=now)
    slot_ids = [slot.id for slot in slots]
    record(session, run.id, AttemptPlaced(attempt=attempt.number, worker=offer.worker, slots=slot_ids), now)
    return Placed(attempt.id, offer.worker)


def _free_slots(session: Session, offer: Offer, count: int) -> list[SlotReport]:
    """Ours until the transaction ends. None where the worker was withheld or the queue closed since the offer was read."""
    withheld = exists().where(Worker.name == offer.worker, or_(Worker.draining, Worker.halted != ""))
    shut = or_(exists().where(QueuePause.id == 1), exists().where(EmergencyStop.id == 1))
    still = (Slot.attempt_id.is_(None), ~withheld, ~shut)
    free = select(Slot.id, Slot.device, Slot.name).where(
        Slot.worker == offer.worker, Slot.device == offer.device, Slot.attempt_id.is_(None)
    )
    rows = session.execute(free.where(*still).order_by(Slot.id).limit(count).with_for_update(skip_locked=True, of=Slot))
    return [SlotReport.model_validate(dict(row)) for row in rows.mappings()]


def tell_reasons(database: Database, reasons: Mapping[str, str], told_before: Mapping[str, str]) -> None:
    """Write down why runs wait, where that has changed: a statement for each reason, since many runs wait for the same.

    Rows that others hold at the moment are left for the next round, so that two schedulers never wait for each other.
    """
    changed: dict[str, list[str]] = {}
    for run_id, why in reasons.items():
        if told_before.get(run_id) != why:
            changed.setdefault(why, []).append(run_id)
    if not changed:
        return
    with database.writing() as session:
        for why, run_ids in changed.items():
            for some in batches(run_ids):
                queued = select(Run.id).where(Run.id.in_(some), Run.state == RunState.QUEUED).with_for_update(skip_locked=True)
                session.execute(update(Run).where(Run.id.in_(queued)).values(reason=why).execution_options(synchronize_session=False))
