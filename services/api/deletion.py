"""A checkpoint goes in three steps, each safe to repeat: marked while nothing needs it, its objects deleted, then its row."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from services.api.checkpoint_models import Checkpoint, CheckpointAlias, DeletedCheckpoint
from services.api.keeping import aliases_of, holds_of_runs
from services.api.models import Run
from services.api.outbox import record
from services.api.rows import locked, rows_changed
from serving.database import Database
from shared.crash import crash_point
from shared.errors import Conflict, EnvironmentFault, GroundupError
from shared.names import CLUSTER_TOPIC, FINAL_STATES
from shared.run_events import CheckpointDeleted
from shared.storage_client import StorageClient

FIRST_WAIT: Final = 5.0
LONGEST_WAIT: Final = 600.0
_TOLD: Final = 10
_AT_ONCE: Final = 200
"""So many by one call, which a process that is told to end waits for."""


@dataclass
class Verdict:
    """Which of the asked ones go and why the others stay. `bytes`: of those that go and were not on their way before."""

    deleted: list[str] = field(default_factory=list)
    refused: dict[str, list[str]] = field(default_factory=dict)
    bytes: int = 0


def judge(session: Session, checkpoint_ids: Sequence[str]) -> Verdict:
    """What deleting them would do now. What the rules of retention alone keep, a person may delete."""
    rows = {row.id: row for row in session.scalars(select(Checkpoint).where(Checkpoint.id.in_(checkpoint_ids)))}
    kept = holds_of_runs(session, {row.run_id for row in rows.values()})
    verdict = Verdict()
    for checkpoint_id in dict.fromkeys(checkpoint_ids):
        row = rows.get(checkpoint_id)
        reasons = [hold.reason for hold in kept.get(checkpoint_id, ()) if hold.needed]
        if row is None:
            verdict.refused[checkpoint_id] = ["there is no such checkpoint"]
        elif row.deleted_by is not None:
            verdict.deleted.append(checkpoint_id)
        elif reasons:
            verdict.refused[checkpoint_id] = reasons
        else:
            verdict.deleted.append(checkpoint_id)
            verdict.bytes += row.bytes
    return verdict


def mark(session: Session, checkpoint_ids: Sequence[str], *, by: str, reason: str) -> Verdict:
    """Mark what nothing needs as being deleted, judged under the locks of its runs. It is not offered any more from then on."""
    runs = session.scalars(select(Checkpoint.run_id).where(Checkpoint.id.in_(checkpoint_ids)).distinct())
    for run_id in sorted(runs):
        locked(session, Run, run_id)
    verdict = judge(session, checkpoint_ids)
    for row in session.scalars(select(Checkpoint).where(Checkpoint.id.in_(verdict.deleted), Checkpoint.deleted_by.is_(None))):
        row.deleted_by, row.delete_reason = by, reason
    return verdict


def mark_run(session: Session, run_id: str, *, by: str, force: bool) -> None:
    """Mark all checkpoints of a locked run as being deleted, so that nobody pins or names one any more. Raises Conflict, without `force`,
    where a person keeps one.
    """
    rows = list(session.scalars(select(Checkpoint).where(Checkpoint.run_id == run_id, Checkpoint.deleted_by.is_(None))))
    names = aliases_of(session, [row.id for row in rows])
    forked = select(Run.name, Run.origin_checkpoint_id).where(Run.origin_checkpoint_id.in_([row.id for row in rows]))
    if begun := session.execute(forked.where(Run.state.not_in(FINAL_STATES)).order_by(Run.name).limit(_TOLD)).all():
        told = "; ".join(f"run {name} begins from {checkpoint_id}" for name, checkpoint_id in begun)
        raise Conflict(f"its checkpoints are needed: {told}", remedy="stop those runs first", code="checkpoint-origin")
    pinned = [f"{row.id} is pinned by {row.pinned_by}" for row in rows if row.pinned_by is not None]
    reasons = pinned + [f"{row.id} has the alias {name}" for row in rows for name in names.get(row.id, ())]
    if reasons and not force:
        more = f"; and {len(reasons) - _TOLD} more" if len(reasons) > _TOLD else ""
        remedy = "unpin them and move the aliases, or delete the run with force"
        raise Conflict(f"its checkpoints are needed: {'; '.join(reasons[:_TOLD])}{more}", remedy=remedy, code="checkpoint-needed")
    for row in rows:
        row.deleted_by, row.delete_reason = by, "its run was deleted"


class Refused:
    """Which deletions failed and wait, ever longer, so that the others have their turn."""

    def __init__(self) -> None:
        self.waits: dict[str, tuple[float, float]] = {}

    def note(self, checkpoint_id: str, now: float, *, longest: float = LONGEST_WAIT) -> None:
        _until, pause = self.waits.get(checkpoint_id, (0.0, FIRST_WAIT / 2))
        pause = min(2 * pause, longest)
        self.waits[checkpoint_id] = (now + pause, pause)

    def is_waiting(self, checkpoint_id: str, now: float) -> bool:
        until, pause = self.waits.get(checkpoint_id, (now, 0.0))
        return until - pause <= now < until  # a clock that was set back makes nobody wait for it

    def keep_only(self, checkpoint_ids: Collection[str]) -> None:
        self.waits = {checkpoint_id: wait for checkpoint_id, wait in self.waits.items() if checkpoint_id in checkpoint_ids}


def finish_deletions(database: Database, storage: StorageClient, *, now: float, refused: Refused | None = None) -> int:
    """Delete the objects of what is marked, then its rows; how many. What storage refuses is raised after all were tried.

    Raises EnvironmentFault at once where storage does not answer. `refused` remembers from call to call what failed.
    """
    refused = refused or Refused()
    columns = (Checkpoint.id, Checkpoint.run_id)
    with database.reading() as session:
        marked = session.execute(select(*columns).where(Checkpoint.deleted_by.is_not(None)).order_by(Checkpoint.id)).all()
    refused.keep_only({row.id for row in marked})
    fault: GroundupError | None = None
    done = 0
    for checkpoint_id, run_id in [row for row in marked if not refused.is_waiting(row.id, now)][:_AT_ONCE]:
        crash_point("deletion.before_objects")
        try:
            storage.delete_checkpoint_objects(run_id, checkpoint_id)
        except EnvironmentFault:
            refused.note(checkpoint_id, now, longest=FIRST_WAIT)  # it may be this one alone, which must not always come first
            raise
        except GroundupError as error:
            refused.note(checkpoint_id, now)
            fault = error
            continue
        crash_point("deletion.before_row")
        with database.writing() as session:
            done += _forget(session, run_id, checkpoint_id, now)
    if fault:
        raise fault
    return done


def _forget(session: Session, run_id: str, checkpoint_id: str, now: float) -> bool:
    """False where it, or its whole run, was deleted meanwhile."""
    if locked(session, Run, run_id) is None:
        return False
    row = session.get(Checkpoint, checkpoint_id, populate_existing=True)
    if row is None or row.deleted_by is None:
        return False
    told = CheckpointDeleted(checkpoint_id=row.id, step=row.step, bytes=row.bytes, by=row.deleted_by, reason=row.delete_reason)
    session.add(DeletedCheckpoint(id=row.id, run_id=run_id, attempt_id=row.attempt_id, deleted_at=now))
    session.execute(delete(CheckpointAlias).where(CheckpointAlias.checkpoint_id == checkpoint_id))
    if rows_changed(session, delete(Checkpoint).where(Checkpoint.id == checkpoint_id)) != 1:
        return False
    for topic in (run_id, CLUSTER_TOPIC):
        record(session, topic, told, now)
    return True


def forget_all(session: Session, run_ids: Collection[str]) -> None:
    """The rows of whole runs, whose objects are gone."""
    of_runs = select(Checkpoint.id).where(Checkpoint.run_id.in_(run_ids))
    session.execute(delete(CheckpointAlias).where(CheckpointAlias.checkpoint_id.in_(of_runs)))
    session.execute(delete(Checkpoint).where(Checkpoint.run_id.in_(run_ids)))
    session.execute(delete(DeletedCheckpoint).where(DeletedCheckpoint.run_id.in_(run_ids)))
