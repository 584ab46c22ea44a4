"""The one message that makes a checkpoint visible, and which attempt may send it."""

import math
from collections.abc import Mapping
from typing import Final

from sqlalchemy import func, insert, literal, select
from sqlalchemy.orm import Session

from services.api.checkpoint_models import Checkpoint, DeletedCheckpoint
from services.api.models import Attempt, Run
from services.api.outbox import record
from services.api.rows import locked, rows_changed
from shared.conversation import CheckpointCommit, CheckpointMetrics, CheckpointRef
from shared.errors import NotFound, Stale
from shared.names import CLUSTER_TOPIC
from shared.run_events import CheckpointCommitted

USABLE: Final = (Checkpoint.damaged_at.is_(None), Checkpoint.deleted_by.is_(None), Checkpoint.left_behind_at.is_(None))
"""Neither damaged (the first), nor being deleted, nor left behind by a rollback."""


def commit_checkpoint(session: Session, attempt_id: str, commit: CheckpointCommit, now: float) -> None:
    """Make a checkpoint visible: one insert that takes place only while the attempt is current and has this fence. Raises Stale."""
    if _is_committed(session, attempt_id, commit):
        return
    run, attempt = current_attempt(session, attempt_id)
    size = sum(file.bytes for file in commit.files)
    values = {
        Checkpoint.id: commit.checkpoint_id,
        Checkpoint.run_id: run.id,
        Checkpoint.attempt_id: attempt.id,
        Checkpoint.attempt: attempt.number,
        Checkpoint.fence: commit.fence,
        Checkpoint.step: commit.step,
        Checkpoint.tokens: commit.tokens,
        Checkpoint.metrics: finite_only(commit.metrics),
        Checkpoint.bytes: size,
        Checkpoint.files: [file.model_dump() for file in commit.files],
        Checkpoint.created_at: now,
        Checkpoint.verified_at: now,  # storage has just read it back
    }
    columns = [column.key for column in values]
    still_ours = (Run.current_attempt_id == Attempt.id, Attempt.id == attempt.id, Attempt.fence == commit.fence)
    row = select(*(literal(value, column.type) for column, value in values.items())).where(*still_ours)
    insertion = insert(Checkpoint).from_select(columns, row).execution_options(preserve_rowcount=True)
    if rows_changed(session, insertion) != 1:
        raise Stale(f"attempt {attempt_id} does not have fence {commit.fence}")
    run.failure = None  # it got somewhere since
    for topic in (run.id, CLUSTER_TOPIC):
        record(session, topic, CheckpointCommitted(checkpoint_id=commit.checkpoint_id, step=commit.step, bytes=size), now)


def note_metrics(session: Session, attempt_id: str, report: CheckpointMetrics) -> None:
    """Add what was measured of a checkpoint after it was saved: an evaluation of its step, say. Raises Stale, NotFound."""
    run, attempt = current_attempt(session, attempt_id)
    if attempt.fence is None or attempt.fence != report.fence:
        raise Stale(f"attempt {attempt_id} does not have fence {report.fence}")
    of_step = select(Checkpoint).where(Checkpoint.run_id == run.id, Checkpoint.step == report.step, *USABLE[1:])
    checkpoint = session.scalars(of_step.order_by(Checkpoint.fence.desc(), Checkpoint.created_at.desc()).limit(1)).one_or_none()
    if checkpoint is None:
        raise NotFound(f"run {run.id} has no committed checkpoint of step {report.step}", remedy="report again once it is committed")
    checkpoint.metrics = {**checkpoint.metrics, **finite_only(report.metrics)}


def _is_committed(session: Session, attempt_id: str, commit: CheckpointCommit) -> bool:
    known = session.get(Checkpoint, commit.checkpoint_id)
    if known is None:
        return _was_deleted(session, attempt_id, commit)
    if (known.attempt_id, known.fence, known.step) != (attempt_id, commit.fence, commit.step):
        raise Stale(f"checkpoint {commit.checkpoint_id} is another attempt's")
    return True


def _was_deleted(session: Session, attempt_id: str, commit: CheckpointCommit) -> bool:
    """A commit that is repeated after the checkpoint was deleted must not bring it back."""
    deleted = session.get(DeletedCheckpoint, commit.checkpoint_id)
    if deleted is not None and deleted.attempt_id != attempt_id:
        raise Stale(f"checkpoint {commit.checkpoint_id} was another attempt's")
    return deleted is not None


def current_attempt(session: Session, attempt_id: str) -> tuple[Run, Attempt]:
    """The run, locked, and its attempt. Raises Stale where that is not its current one."""
    run_id = session.scalar(select(Attempt.run_id).where(Attempt.id == attempt_id))
    run = locked(session, Run, run_id) if run_id else None
    if run is None:
        raise NotFound(f"there is no attempt {attempt_id}")
    if run.current_attempt_id != attempt_id:
        raise Stale(f"attempt {attempt_id} is not the current one of run {run.id}")
    return run, session.get_one(Attempt, attempt_id, populate_existing=True)


def checkpoints_newest_first(session: Session, run_id: str) -> list[Checkpoint]:
    """Those that can be used."""
    query = select(Checkpoint).where(Checkpoint.run_id == run_id, *USABLE).order_by(Checkpoint.step.desc(), Checkpoint.fence.desc())
    return list(session.scalars(query))


def offered(session: Session, run_id: str) -> list[Checkpoint]:
    """Newest first, for an attempt. Where nothing else is left these are the suspects: an attempt that is offered nothing starts from
    the first step, and whoever reads them compares every byte.
    """
    suspects = (Checkpoint.damaged_at.is_not(None), Checkpoint.damage_confirmed_at.is_(None), *USABLE[1:])
    query = select(Checkpoint).where(Checkpoint.run_id == run_id, *suspects).order_by(Checkpoint.step.desc(), Checkpoint.fence.desc())
    return checkpoints_newest_first(session, run_id) or list(session.scalars(query))


def to_resume_from(session: Session, run: Run) -> list[Checkpoint]:
    """What is offered to the run's next attempt; behind its own, the other run's checkpoint that a forked run begins from."""
    origin = session.get(Checkpoint, run.origin_checkpoint_id) if run.origin_checkpoint_id else None
    return [*offered(session, run.id), *([origin] if origin else [])]


def newest_step(session: Session, run_id: str) -> int:
    """Of the usable checkpoints; 0 where there is none."""
    return session.scalar(select(func.max(Checkpoint.step)).where(Checkpoint.run_id == run_id, *USABLE)) or 0


def checkpoint_ref(checkpoint: Checkpoint) -> CheckpointRef:
    return CheckpointRef.model_validate({name: getattr(checkpoint, name) for name in ("id", "run_id", "step", "tokens", "files")})


def finite_only(metrics: Mapping[str, float]) -> dict[str, float]:
    """JSON has no NaN, and PostgreSQL refuses it; the events keep what was measured."""
    return {name: value for name, value in metrics.items() if math.isfinite(value)}


def finite_or_none(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
