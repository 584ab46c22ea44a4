"""How commands end: applied, by the word of a worker or because it came true, or rejected with the reason."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.api.commit import newest_step
from services.api.journal import OPEN, note_changes, open_commands
from services.api.models import Attempt, Command, Run
from services.api.outbox import record
from services.api.rows import locked, storable
from services.api.states import change_state
from serving.database import Database
from shared.commands import JOURNALED, CommandType
from shared.conversation import AppliedCommand
from shared.names import FINAL_STATES, RunState
from shared.run_events import CommandRejected


def settle(command: Command, *, step: int, now: float, ranks: int | None = None) -> None:
    """It came true."""
    command.state, command.step, command.ranks, command.ended_at = "applied", step, ranks, now


def reject(session: Session, command: Command, reason: str, now: float) -> None:
    command.state, command.reason, command.ended_at = "rejected", reason, now
    record(session, command.run_id, CommandRejected(command_id=command.id, command=command.type, reason=reason), now)


def settle_open(session: Session, run: Run, kind: CommandType, now: float) -> None:
    """All open ones of this kind came true with what has just happened."""
    for command in open_commands(session, run.id):
        if command.type == kind:
            settle(command, step=run.step, now=now)


def take_acknowledgement(database: Database, worker: str, applied: AppliedCommand, now: float) -> None:
    """What a worker says of a command of a run that it trains or trained. Repeated ones change nothing, nor does the word of an attempt
    that a later one has taken over from: that one has its own journal, and answers for itself.
    """
    with database.writing() as session:
        own = Command.run_id.in_(select(Attempt.run_id).where(Attempt.worker == worker))
        known = Command.state.in_((*OPEN, "applied"))
        run_id = session.scalar(select(Command.run_id).where(Command.id == applied.command_id, own, known))
        run = locked(session, Run, run_id) if run_id else None
        if run is not None and applied.fence in {None, run.fence} and _is_part_of(session, run, applied.step):
            acknowledge(session, run, applied, now)


def _is_part_of(session: Session, run: Run, step: int) -> bool:
    """What an ended attempt did behind all that is left of it, a run that goes on does again; it may have been rolled back since."""
    if run.state in FINAL_STATES:
        return True
    attempt = session.get(Attempt, run.current_attempt_id) if run.current_attempt_id else None
    is_at_work = attempt is not None and attempt.fence is not None
    return is_at_work or step <= max(run.step, newest_step(session, run.id))


def acknowledge(session: Session, run: Run, applied: AppliedCommand, now: float) -> None:
    """Of a locked run, by its newest attempt."""
    command = session.get(Command, applied.command_id, populate_existing=True)
    if command is None or command.run_id != run.id or command.state == "rejected":
        return
    if command.state == "applied":  # as the end of the run had it; the worker knows better where
        command.step, command.ranks = applied.step, applied.ranks
    elif applied.rejected:  # the event is the training's own
        command.state, command.reason, command.ended_at = "rejected", storable(applied.rejected), now
    elif command.type == CommandType.ROLLBACK:  # the training has left for it; it is done when the attempt has ended
        command.step, command.ranks = applied.step, applied.ranks
    else:
        settle(command, step=applied.step, ranks=applied.ranks, now=now)
        _follow(session, run, command, now)


def _follow(session: Session, run: Run, command: Command, now: float) -> None:
    """What else changes with it."""
    attempt = session.get(Attempt, run.current_attempt_id) if run.current_attempt_id else None
    if command.type in JOURNALED:
        note_changes(session, run)
    elif command.type == CommandType.PAUSE and command.arguments.get("hold") and attempt and run.state == RunState.PAUSING:
        attempt.held = True
        run.step = command.step or run.step
        change_state(session, run, RunState.PAUSED, by=command.by, reason=f"paused by {command.by}; it keeps its slots", now=now)
    elif command.type == CommandType.RESUME and attempt and run.state == RunState.PAUSED:
        attempt.held = False
        change_state(session, run, RunState.RUNNING, by=command.by, reason="", now=now)
