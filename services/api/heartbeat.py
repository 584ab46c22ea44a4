"""A worker says that it lives, what it has and what it works on; the answer says what it should work on."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Row, Select, delete, func, or_, select, text
from sqlalchemy.orm import Session

from services.api.attempts import lose, take_progress
from services.api.halting import give_back_unclaimed, note_halted
from services.api.journal import open_commands
from services.api.models import Attempt, Command, Run, Slot, Worker
from services.api.outbox import record, record_all
from services.api.rows import locked
from services.api.settling import take_acknowledgement
from services.api.standing import note_gone, order_of, standing
from serving.database import Database
from shared.cluster_events import WorkerJoined
from shared.commands import CommandType
from shared.conversation import AttemptReport, CommandOrder, Heartbeat, HeartbeatReply, Preemption, SlotReport
from shared.errors import Conflict
from shared.events import AnyEvent
from shared.names import CLUSTER_TOPIC, PROTOCOL
from shared.run_events import CommandAccepted

_Held = Row[str, str, str | None, int | None, float | None, str]
_NEW_SLOT: Final = text("INSERT INTO slots (id, worker, device, name) VALUES (:id, :worker, :device, :name) ON CONFLICT (id) DO NOTHING")


def must_speak_ours(name: str, message: object) -> None:
    """Raises Conflict for a heartbeat of another version, whatever else may be in it or missing from it."""
    protocol = message.get("protocol") if isinstance(message, dict) else None
    if isinstance(protocol, int) and protocol != PROTOCOL:
        raise Conflict(
            f"worker {name} speaks protocol {protocol}, this server {PROTOCOL}",
            remedy="install the same version of Groundup on both",
            code="protocol-mismatch",
        )


def beat(database: Database, name: str, report: Heartbeat, *, lease_seconds: float, now: float) -> HeartbeatReply:
    """One transaction for the worker and one for each run it touches, so that locks are always taken in the same order."""
    with database.writing() as session:
        events = _join(session, name, report, now)
        if report.slots or not report.halted:  # a halted worker that offers none has them all the same
            _take_slots(session, name, report.slots, now - lease_seconds)
        session.flush()  # slots are locked before the cluster's counter: placement waits for them in that order
        record_all(session, [(CLUSTER_TOPIC, event) for event in events], now)
    reported = {attempt.attempt_id: attempt for attempt in report.attempts}
    cancelled = [attempt.attempt_id for attempt in report.attempts if not _take_report(database, name, report.instance, attempt)]
    _lose_what_is_gone(database, name, report.instance, set(reported), now)
    if report.halted:
        give_back_unclaimed(database, name, report.halted, now)
    for applied in report.applied:
        take_acknowledgement(database, name, applied, now)
    _accept_all(database, name, now)
    with database.writing() as session:
        held, stop = session.execute(_held_by(name)).all(), standing(session)
        if stop:
            note_gone(session, name, reported)
        return HeartbeatReply(
            assignments=[] if stop else _assignments(held, report.instance, set(reported)),
            commands=_orders(session, {row.run_id: row.id for row in held if row.fence is not None}),
            cancelled=cancelled,
            preempted=[_preemption(row) for row in held if row.fence is not None and row.preempted_at is not None],
            emergency=order_of(stop) if stop else None,
        )


def _join(session: Session, name: str, report: Heartbeat, now: float) -> list[AnyEvent]:
    """What the cluster is to be told of it."""
    worker = locked(session, Worker, name)
    if worker is None:
        worker = Worker(name=name, instance="", host=report.host, state="lost", started_at=now, halted="")
        session.add(worker)
    events = note_halted(worker, report.halted)
    if worker.state != "online":
        events.append(WorkerJoined(worker=name, slots=len(report.slots)))
    if worker.instance != report.instance:
        worker.instance, worker.started_at = report.instance, now
    worker.host, worker.state, worker.last_heartbeat = report.host, "online", now
    session.flush()
    return events


def _take_slots(session: Session, name: str, reports: Sequence[SlotReport], alive_since: float) -> None:
    """Slots are the worker's from now on, unless another live worker holds them. Slots that are gone go when they are free."""
    told = [report.id for report in reports]
    known = {slot.id: slot for slot in session.scalars(select(Slot).where(or_(Slot.id.in_(told), Slot.worker == name)))}
    live = _live(session, {slot.worker for slot in known.values()} - {name}, alive_since)
    for report in sorted(reports, key=lambda report: report.id):
        slot = known.get(report.id)
        if slot is None:
            session.execute(_NEW_SLOT, {"id": report.id, "worker": name, "device": report.device, "name": report.name})
        elif slot.worker not in live:
            slot.worker, slot.device, slot.name = name, report.device, report.name
    if gone := known.keys() - set(told):
        session.execute(delete(Slot).where(Slot.worker == name, Slot.id.in_(gone), Slot.attempt_id.is_(None)))


def _live(session: Session, workers: set[str], alive_since: float) -> set[str]:
    if not workers:
        return set()
    alive = func.coalesce(Worker.last_heartbeat, Worker.started_at) >= alive_since
    return set(session.scalars(select(Worker.name).where(Worker.name.in_(workers), Worker.state == "online", alive)))


def _take_report(database: Database, worker: str, instance: str, report: AttemptReport) -> bool:
    """False where the attempt is no longer this worker's to run."""
    with database.writing() as session:
        run = _locked_run_of(session, report.attempt_id)
        if run is None or run.current_attempt_id != report.attempt_id:
            return False
        attempt = session.get_one(Attempt, report.attempt_id, populate_existing=True)
        if attempt.fence is None or attempt.fence != report.fence or attempt.worker != worker:
            return False
        attempt.instance = instance
        if attempt.state == "running":  # before that it has not read the checkpoint it goes on from, and knows no step
            take_progress(run, report.progress)
        return True


def _locked_run_of(session: Session, attempt_id: str) -> Run | None:
    run_id = session.scalar(select(Attempt.run_id).where(Attempt.id == attempt_id))
    return locked(session, Run, run_id) if run_id else None


def _lose_what_is_gone(database: Database, worker: str, instance: str, reported: set[str], now: float) -> None:
    """What an earlier instance had claimed and this one does not report has died with it."""
    with database.reading() as session:
        held = session.execute(_held_by(worker).where(Attempt.fence.is_not(None), Attempt.instance != instance))
        gone = [row.id for row in held if row.id not in reported]

    def of_another_instance(_: Session, attempt: Attempt) -> bool:
        return attempt.fence is not None and attempt.instance != instance

    for attempt_id in gone:
        with database.writing() as session:
            lose(session, attempt_id, f"worker {worker} was started anew", still=of_another_instance, now=now)


def _held_by(worker: str) -> Select[str, str, str | None, int | None, float | None, str]:
    """Current attempts of a worker. None of them has ended, which the index knows."""
    columns = (Attempt.id, Attempt.run_id, Attempt.instance, Attempt.fence, Attempt.preempted_at, Attempt.preempt_reason)
    current = select(*columns).join(Run, Run.current_attempt_id == Attempt.id)
    return current.where(Attempt.worker == worker, Attempt.ended_at.is_(None)).order_by(Attempt.placed_at)


def _preemption(row: _Held) -> Preemption:
    return Preemption(attempt_id=row.id, reason=f"gives its slots to {row.preempt_reason}")


def _assignments(held: Sequence[_Held], instance: str, reported: set[str]) -> list[str]:
    """What waits to be claimed, and what this instance has claimed without knowing (the answer was lost)."""
    return [row.id for row in held if row.fence is None or (row.instance == instance and row.id not in reported)]


def _accept_all(database: Database, worker: str, now: float) -> None:
    """Commands that it is about to be told for the first time; what is asked from now on it is told with its next heartbeat."""
    with database.reading() as session:
        new = _held_by(worker).join(Command, Command.run_id == Attempt.run_id)
        rows = session.execute(new.where(Attempt.fence.is_not(None), Command.state == "requested")).all()
    for run_id in sorted({row.run_id for row in rows}):
        with database.writing() as session:
            _accept(session, worker, run_id, now)


def _accept(session: Session, worker: str, run_id: str, now: float) -> None:
    run = locked(session, Run, run_id)
    attempt = session.get(Attempt, run.current_attempt_id) if run and run.current_attempt_id else None
    if attempt is None or attempt.worker != worker or attempt.fence is None:
        return
    for command in open_commands(session, run_id):
        if command.state == "requested":
            command.state, command.accepted_at = "accepted", now
            record(session, run_id, CommandAccepted(command_id=command.id, command=command.type), now)


def _orders(session: Session, attempts: Mapping[str, str]) -> list[CommandOrder]:
    """What has been accepted of what the worker has claimed, by run; told with every heartbeat until it is applied."""
    if not attempts:
        return []
    query = select(Command).where(Command.run_id.in_(attempts), Command.state == "accepted").order_by(Command.created_at, Command.id)
    told = [(command, attempts[command.run_id]) for command in session.scalars(query)]
    return [CommandOrder(command_id=c.id, attempt_id=attempt, type=CommandType(c.type), arguments=c.arguments) for c, attempt in told]
