"""Back to an earlier checkpoint: what came after it is no longer part of the run, and stays to be looked at until retention takes it."""

from sqlalchemy import ColumnElement, or_, update
from sqlalchemy.orm import Session

from services.api.checkpoint_models import Checkpoint
from services.api.choosing import must_be_usable
from services.api.commit import newest_step, to_resume_from
from services.api.journal import note_changes, open_commands
from services.api.models import Command, Run
from services.api.outbox import record
from services.api.rows import rows_changed
from services.api.settling import reject, settle
from shared.commands import JOURNALED, CommandType
from shared.errors import Conflict, InvalidField
from shared.run_events import RunRolledBack


def target(session: Session, run: Run, checkpoint_id: str) -> Checkpoint:
    """Raises InvalidField where it is not this run's, Conflict where it cannot be gone back to."""
    checkpoint = session.get(Checkpoint, checkpoint_id)
    if checkpoint is None or checkpoint.run_id != run.id:
        raise no_such_checkpoint(run, checkpoint_id)
    must_be_usable(checkpoint)
    if checkpoint.left_behind_at is not None:
        raise Conflict(f"checkpoint {checkpoint_id} was left behind by an earlier rollback", remedy="choose another, or fork from this one")
    step = max(run.step, newest_step(session, run.id))  # the last heartbeat may be older than the newest checkpoint
    if checkpoint.step >= step:
        message = f"checkpoint {checkpoint_id} is of step {checkpoint.step}, and run {run.name} is at step {step}"
        raise Conflict(message, remedy="choose an older one")
    return checkpoint


def no_such_checkpoint(run: Run, checkpoint_id: str) -> InvalidField:
    lists = f"GET /api/v1/runs/{run.id}/checkpoints lists them"
    return InvalidField("checkpoint_id", f"run {run.name} has no checkpoint {checkpoint_id}; {lists}")


def carry_out_open(session: Session, run: Run, now: float) -> bool:
    """What was asked of an attempt that has ended since, however it ended. Whether the run was rolled back."""
    asked = (command for command in open_commands(session, run.id) if command.type == CommandType.ROLLBACK)
    command = next(asked, None)  # another would conflict with it
    return command is not None and roll_back(session, run, command, now)


def roll_back(session: Session, run: Run, command: Command, now: float) -> bool:
    """Of a run that no attempt works on. False where it cannot be done any more: then it is rejected, and the run stays as it is."""
    checkpoint = session.get(Checkpoint, command.arguments["checkpoint_id"])
    if checkpoint is None or not checkpoint.usable:
        reject(session, command, f"checkpoint {command.arguments['checkpoint_id']} cannot be used any more", now)
        return False
    old = run.step
    later = or_(Checkpoint.step > checkpoint.step, (Checkpoint.step == checkpoint.step) & (Checkpoint.fence > checkpoint.fence))
    _leave_behind(session, run, later, now)
    _undo(session, run, checkpoint.step, now)
    run.step, run.tokens, run.loss, run.tokens_per_second = checkpoint.step, checkpoint.tokens, None, None
    run.fruitless, run.not_before, run.failure = 0, None, None
    settle(command, step=old if command.step is None else command.step, ranks=command.ranks, now=now)
    told = {"command_id": command.id, "checkpoint_id": checkpoint.id, "old_step": old, "step": checkpoint.step, "by": command.by}
    record(session, run.id, RunRolledBack.model_validate(told), now)
    return True


def begin_anew(session: Session, run: Run, now: float) -> None:
    """As if it had never been trained; a forked run is at its origin then."""
    _leave_behind(session, run, Checkpoint.step >= 0, now)
    _undo(session, run, -1, now)
    go_to_origin(session, run)


def go_to_origin(session: Session, run: Run) -> None:
    """Where it begins: at another run's checkpoint, or before the first step."""
    origin = session.get(Checkpoint, run.origin_checkpoint_id) if run.origin_checkpoint_id else None
    run.step, run.tokens = (origin.step, origin.tokens) if origin else (run.origin_step or 0, 0)
    run.loss = run.tokens_per_second = None


def _leave_behind(session: Session, run: Run, which: ColumnElement[bool], now: float) -> None:
    change = update(Checkpoint).where(Checkpoint.run_id == run.id, Checkpoint.left_behind_at.is_(None), which)
    rows_changed(session, change.values(left_behind_at=now))


def _undo(session: Session, run: Run, step: int, now: float) -> None:
    undone = (Command.run_id == run.id, Command.type.in_(JOURNALED), Command.state == "applied", Command.step > step)
    rows_changed(session, update(Command).where(*undone, Command.undone_at.is_(None)).values(undone_at=now))
    note_changes(session, run)


def can_resume(session: Session, run: Run) -> bool:
    """Whether there is a checkpoint, were it a suspect, or nothing that one would be needed for."""
    return run.step == 0 or bool(to_resume_from(session, run))
