"""Who goes next, and where: a run that is ready gets all its slots on one worker in one transaction, or none and a reason in words."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from sqlalchemy import exists, func, or_, select, update
from sqlalchemy.orm import Session

from services.api.giving_way import ask_to_give_way, holders
from services.api.line import Line, Waiting, busy_slots, waiting_runs, weights
from services.api.models import Attempt, Run, Slot, Worker
from services.api.offers import Offer, Offers
from services.api.outbox import record_all
from services.api.preemption import Holder, Preemption
from services.api.queue_models import EmergencyStop, QueuePause
from services.api.retries import told, wait_after
from services.api.rows import batches
from services.api.standing import closed, standing
from services.api.states import change_states
from serving.database import Database
from serving.ids import new_id
from shared.conversation import SlotReport
from shared.names import RunState
from shared.run_events import AttemptPlaced

ROUND: Final = 200
"""So many are placed at most before the scheduler looks at the queue, and at what fell silent, again: about a second's work."""
TOGETHER: Final = 20
"""So many are placed in one transaction: a statement for all of them costs little more than one for a single run, and their locks are
not held for long."""


@dataclass(frozen=True)
class Placed:
    attempt_id: str
    worker: str


@dataclass
class _Decided:
    """Of one round: who goes where, who gives way to whom, and why the others wait."""

    places: list[tuple[Waiting, Offer]] = field(default_factory=list)
    victims: list[tuple[Waiting, Sequence[Holder]]] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)


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
    decided = _decide(line, offers, Preemption(offers.usable, partial(holders, database)))
    placed, failed = _place_all(database, decided.places, now)
    if len(placed) + len(failed) == len(decided.places):
        for run, victims in decided.victims:
            for worker in ask_to_give_way(database, run, victims, now):
                tell(worker)
        reasons |= decided.reasons
    # else somebody was faster, and slots may be free that were thought taken: nobody gives way for want of them before the next look.
    tell_reasons(database, reasons, {run.id: run.reason for run in waiting})
    if failed:
        raise failed[0]
    return placed


def _closed(session: Session) -> str:
    """Why nothing is placed; an emergency stop is told before a pause."""
    if stop := standing(session):
        return closed(stop)
    pause = session.get(QueuePause, 1)
    return paused(pause) if pause else ""


def paused(pause: QueuePause) -> str:
    return f"the queue is paused by {pause.paused_by}" + (f": {pause.reason}" if pause.reason else "")


def _decide(line: Line, offers: Offers, preemption: Preemption) -> _Decided:
    """No more than a round's; those behind are looked at in the next one."""
    decided = _Decided()
    for run in line:
        if len(decided.places) == ROUND:
            break
        if offer := offers.best(run):
            decided.places.append((run, offer))
            offers.take(offer, run.processes)
            line.placed(run)
            continue
        preempted = preemption.decide(run)
        decided.reasons[run.id] = preempted.reason if preempted else offers.reason_to_wait(run)
        if preempted and preempted.victims:
            decided.victims.append((run, preempted.victims))
    return decided


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


def _place_all(database: Database, chosen: Sequence[tuple[Waiting, Offer]], now: float) -> tuple[list[Placed], list[Exception]]:
    """Many at a time; where that fails each alone, so that one which cannot be placed holds up no other."""
    placed: list[Placed] = []
    failed: list[Exception] = []
    for some in batches(chosen, TOGETHER):
        try:
            placed += _place_some(database, some, now)
        except Exception as error:  # noqa: BLE001  (told by whom it is raised to again, when the others have had their turn)
            if len(some) == 1:
                failed.append(error)
                continue
            for one in some:
                own, why = _place_all(database, [one], now)
                placed, failed = placed + own, failed + why
    return placed, failed


def _place_some(database: Database, chosen: Sequence[tuple[Waiting, Offer]], now: float) -> list[Placed]:
    """One transaction, in as few statements as can be: each run gets all its slots, or none where somebody else was faster."""
    with database.writing() as session, session.no_autoflush:
        runs = _startable(session, [run.id for run, _ in chosen], now)
        free = _free_slots(session, {offer.worker for _, offer in chosen})
        taken: list[tuple[Run, AttemptPlaced]] = []
        for run, offer in ((runs.get(waiting.id), offer) for waiting, offer in chosen):
            slots = free.get((offer.worker, offer.device), [])
            if run is not None and len(slots) >= run.processes:
                mine = [slots.pop(0) for _ in range(run.processes)]
                taken.append((run, _take(session, run, offer.worker, mine, now)))
        if taken:
            change_states(session, [run for run, _ in taken], RunState.STARTING, by="scheduler", now=now)
            record_all(session, [(run.id, event) for run, event in taken], now)
        return [Placed(str(run.current_attempt_id), event.worker) for run, event in taken]


def _startable(session: Session, run_ids: Iterable[str], now: float) -> dict[str, Run]:
    """Those of the runs that still wait, ours until the transaction ends. What others hold is left for the next round."""
    due = or_(Run.not_before.is_(None), Run.not_before <= now)
    queued = select(Run).where(Run.id.in_(run_ids), Run.state == RunState.QUEUED, due).order_by(Run.id)
    return {run.id: run for run in session.scalars(queued.with_for_update(skip_locked=True))}


def _free_slots(session: Session, workers: Iterable[str]) -> dict[tuple[str, str], list[Slot]]:
    """By worker and device, ours until the transaction ends. None where the worker was withheld or the queue closed meanwhile."""
    withheld = exists().where(Worker.name == Slot.worker, or_(Worker.draining, Worker.halted != ""))
    shut = or_(exists().where(QueuePause.id == 1), exists().where(EmergencyStop.id == 1))
    free = select(Slot).where(Slot.worker.in_(workers), Slot.attempt_id.is_(None), ~withheld, ~shut).order_by(Slot.id)
    found: dict[tuple[str, str], list[Slot]] = {}
    for slot in session.scalars(free.with_for_update(skip_locked=True, of=Slot)):
        found.setdefault((slot.worker, slot.device), []).append(slot)
    return found


def _take(session: Session, run: Run, worker: str, slots: Sequence[Slot], now: float) -> AttemptPlaced:
    run.attempt_count += 1
    reports = [SlotReport(id=slot.id, device=slot.device, name=slot.name).model_dump() for slot in slots]
    attempt = Attempt(
        id=new_id("att"), run_id=run.id, number=run.attempt_count, state="placed", worker=worker, slots=reports, placed_at=now
    )
    session.add(attempt)
    run.current_attempt_id = attempt.id
    for slot in slots:
        slot.attempt_id = attempt.id
    return AttemptPlaced(attempt=attempt.number, worker=worker, slots=[slot.id for slot in slots])


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
