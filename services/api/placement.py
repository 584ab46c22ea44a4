"""Who goes next, and where: a run that is ready gets all its slots on one worker in one transaction, or none and a reason in words."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import cast

from sqlalchemy import Table, bindparam, func, select, update
from sqlalchemy.orm import Session

from services.api.models import Attempt, Run, Slot, Worker
from services.api.outbox import record
from services.api.rows import locked, rows_changed
from services.api.states import change_state
from serving.database import Database
from serving.ids import new_id
from shared.events import AttemptPlaced
from shared.internal import SlotReport
from shared.names import RunState


@dataclass(frozen=True)
class Waiting:
    """What placement needs to know of a queued run."""

    id: str
    name: str
    project: str
    priority: int
    processes: int
    device: str
    created_at: float


@dataclass
class Offer:
    """One kind of device on one online worker. `held_for`: the run that waits for more of its slots and goes before later ones."""

    worker: str
    device: str
    total: int
    free: int
    held_for: Waiting | None = None

    def suits(self, run: Waiting) -> bool:
        return run.device in {"auto", self.device}


@dataclass(frozen=True)
class Placed:
    attempt_id: str
    worker: str


def place(database: Database, *, now: float, lease_seconds: float) -> list[Placed]:
    """Place what fits, in order of priority, then fewest busy slots of the project, then age; tell the others why they wait."""
    with database.reading() as session:
        ready = _waiting(session)
        if not ready:
            return []
        offers = _offers(session, now - lease_seconds)
        busy = _busy_slots(session)
    placed, reasons = [], {}
    queue = deque(_in_order(ready, busy))
    while queue:
        run = queue.popleft()
        offer = _best_offer(run, offers)
        if offer is None:
            reasons[run.id] = _reason_to_wait(run, offers)
        elif attempt := _place_one(database, run, offer, now):
            placed.append(attempt)
            offer.free -= run.processes
            busy[run.project] = busy.get(run.project, 0) + run.processes
            queue = deque(_in_order(queue, busy))
    tell_reasons(database, reasons)
    return placed


def _waiting(session: Session) -> list[Waiting]:
    columns = (getattr(Run, field.name) for field in fields(Waiting))
    return [Waiting(*row) for row in session.execute(select(*columns).where(Run.state == RunState.QUEUED, Run.prepared_id.is_not(None)))]


def _offers(session: Session, alive_since: float) -> list[Offer]:
    alive = func.coalesce(Worker.last_heartbeat, Worker.started_at) >= alive_since
    free = func.count() - func.count(Slot.attempt_id)
    query = select(Slot.worker, Slot.device, func.count(), free).join(Worker, Worker.name == Slot.worker)
    query = query.where(Worker.state == "online", alive).group_by(Slot.worker, Slot.device)
    return [Offer(*row) for row in session.execute(query)]


def _busy_slots(session: Session) -> dict[str, int]:
    query = select(Run.project, func.sum(Run.processes)).where(Run.current_attempt_id.is_not(None)).group_by(Run.project)
    return {project: int(slots) for project, slots in session.execute(query)}


def _in_order(runs: Iterable[Waiting], busy: Mapping[str, int]) -> list[Waiting]:
    return sorted(runs, key=lambda run: (-run.priority, busy.get(run.project, 0), run.created_at, run.id))


def _best_offer(run: Waiting, offers: list[Offer]) -> Offer | None:
    """GPUs before CPUs where the run leaves it open; then the fullest worker, so that large gaps stay."""
    fitting = [offer for offer in offers if offer.suits(run) and offer.free >= run.processes and offer.held_for is None]
    return min(fitting, key=lambda offer: (offer.device != "cuda", offer.free, offer.worker), default=None)


def _reason_to_wait(run: Waiting, offers: list[Offer]) -> str:
    """Also holds a worker for the run, so that smaller ones behind it cannot keep it waiting for ever."""
    if not offers:
        return "no worker is online"
    suited = [offer for offer in offers if offer.suits(run)]
    if not suited:
        return f"no online worker has a {run.device} slot"
    largest = max(suited, key=lambda offer: offer.total)
    if largest.total < run.processes:
        return f"waits for a worker with {run.processes} slots; the largest online has {largest.total}"
    able = [offer for offer in suited if offer.total >= run.processes]
    open_to_it = [offer for offer in able if offer.held_for is None]
    if not open_to_it:
        first = able[0].held_for
        return f"waits behind run '{first.name}', which needs {_slots(first.processes)}" if first else "waits for its turn"
    nearest = max(open_to_it, key=lambda offer: offer.free)
    nearest.held_for = run
    are = "is" if nearest.free == 1 else "are"
    return f"waits for {_slots(run.processes, 'free ')}; {nearest.free} of {nearest.total} {are} free"


def _slots(count: int, kind: str = "") -> str:
    return f"{count} {kind}slot{'' if count == 1 else 's'}"


class _SlotsTaken(Exception):
    """Somebody else was faster; the transaction is undone."""


def _place_one(database: Database, run: Waiting, offer: Offer, now: float) -> Placed | None:
    try:
        with database.writing() as session:
            return _take(session, run.id, offer, now)
    except _SlotsTaken:
        return None


def _take(session: Session, run_id: str, offer: Offer, now: float) -> Placed | None:
    run = locked(session, Run, run_id)
    if run is None or run.state != RunState.QUEUED:
        return None
    free = select(Slot).where(Slot.worker == offer.worker, Slot.device == offer.device, Slot.attempt_id.is_(None)).order_by(Slot.id)
    slots = list(session.scalars(free.limit(run.processes).with_for_update(skip_locked=True)))
    run.attempt_count += 1
    attempt = Attempt(
        id=new_id("att"),
        run_id=run.id,
        number=run.attempt_count,
        state="placed",
        worker=offer.worker,
        slots=[SlotReport.model_validate({"id": slot.id, "device": slot.device, "name": slot.name}).model_dump() for slot in slots],
        placed_at=now,
    )
    taken = update(Slot).where(Slot.id.in_([slot.id for slot in slots]), Slot.attempt_id.is_(None)).values(attempt_id=attempt.id)
    if rows_changed(session, taken) != run.processes:
        raise _SlotsTaken
    session.add(attempt)
    run.current_attempt_id = attempt.id
    change_state(session, run, RunState.STARTING, by="scheduler", now=now)
    slot_ids = [slot.id for slot in slots]
    record(session, run.id, AttemptPlaced(attempt=attempt.number, worker=offer.worker, slots=slot_ids), now)
    return Placed(attempt.id, offer.worker)


def tell_reasons(database: Database, reasons: Mapping[str, str]) -> None:
    """Write down why runs wait, where that has changed."""
    with database.reading() as session:
        told = dict(session.execute(select(Run.id, Run.reason).where(Run.state == RunState.QUEUED)).all())
    changed = [{"run": run_id, "why": why} for run_id, why in sorted(reasons.items()) if told.get(run_id, why) != why]
    if changed:
        runs = cast(Table, Run.__table__)
        still_queued = update(runs).where(runs.c.id == bindparam("run"), runs.c.state == RunState.QUEUED)
        with database.writing() as session:
            session.connection().execute(still_queued.values(reason=bindparam("why")), changed)
