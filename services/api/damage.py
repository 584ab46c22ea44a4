"""Checkpoints whose bytes are wrong: a restore suspects so, and storage confirms or clears it when it reads them back.

What is suspected is not offered while there is anything else, but nothing is deleted for it: its reader may be what is wrong.
"""

import logging
from collections.abc import Callable
from typing import Final

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from services.api.checkpoint_models import Checkpoint
from services.api.commit import USABLE, checkpoint_ref, current_attempt
from services.api.models import Attempt, Run
from services.api.outbox import record
from services.api.rows import lock_all, locked, storable
from serving.database import Database
from shared.conversation import CheckpointDamage
from shared.errors import Conflict, NotFound, Stale
from shared.names import CLUSTER_TOPIC
from shared.run_events import CheckpointDamaged
from shared.storage_client import StorageClient

log = logging.getLogger(__name__)
_REASON_LENGTH: Final = 2000
LOOK_AGAIN: Final = 3600.0
"""Seconds after which a suspect that storage could not judge (its objects are not there, say) is looked at once more."""


def report_damage(session: Session, attempt_id: str, report: CheckpointDamage, now: float) -> None:
    """Take a worker's word that a checkpoint of its run is damaged: a suspicion. Raises Stale, NotFound. Repeating it changes nothing."""
    _lock_with_parent(session, attempt_id)
    run, attempt = current_attempt(session, attempt_id)
    if attempt.fence is None or attempt.fence != report.fence or attempt.worker != report.worker:
        raise Stale(f"attempt {attempt_id} does not have fence {report.fence} on {report.worker}")
    checkpoint = session.get(Checkpoint, report.checkpoint_id, populate_existing=True)
    if checkpoint is None or (checkpoint.run_id != run.id and checkpoint.id != run.origin_checkpoint_id):
        raise NotFound(f"run {run.id} has no checkpoint {report.checkpoint_id}")
    _mark(session, checkpoint, report.reason, now)


def _lock_with_parent(session: Session, attempt_id: str) -> None:
    """What a fork begins from is another run's, and changes under that one's lock."""
    ids = select(Run.id, Run.parent_id).join(Attempt, Attempt.run_id == Run.id).where(Attempt.id == attempt_id)
    lock_all(session, Run, (run_id for row in session.execute(ids) for run_id in row))


def verify(
    database: Database, storage: StorageClient, checkpoint_id: str, *, clock: Callable[[], float], stop: Callable[[], bool] = lambda: False
) -> None:
    """Have storage read every file back, one after the other, and note what it found. An end by `stop` notes nothing.

    Where every byte is right, a mark made before was a mistake of its reader and goes. Raises NotFound, Conflict, EnvironmentFault.
    """
    with database.reading() as session:
        checkpoint = session.get(Checkpoint, checkpoint_id)
        if checkpoint is None:
            raise NotFound(f"there is no checkpoint {checkpoint_id}")
        if checkpoint.deleted_by is not None:
            raise Conflict(f"checkpoint {checkpoint_id} is being deleted")
        reference = checkpoint_ref(checkpoint)
    damage, unsure = list[str](), list[str]()
    for file in reference.files:
        if stop():
            return
        found = storage.verify_checkpoint(reference.model_copy(update={"files": [file]}))
        damage, unsure = damage + found.damage, unsure + found.unsure
    with database.writing() as session:
        locked(session, Run, reference.run_id)
        row = session.get(Checkpoint, checkpoint_id, populate_existing=True)
        if row is None or row.deleted_by is not None:
            return
        _judge(session, row, damage, unsure, clock())


def scrub(database: Database, storage: StorageClient, age: float, *, clock: Callable[[], float], stop: Callable[[], bool]) -> str | None:
    """Verify one checkpoint; which. First a suspect, or a damaged one whose end has come; else the usable one that was verified longest
    ago, if that is longer ago than `age` seconds (0: never).
    """
    verified = func.coalesce(Checkpoint.verified_at, Checkpoint.created_at)
    oldest = select(Checkpoint.id).where(*USABLE, verified < clock() - age).order_by(verified, Checkpoint.id).limit(1)
    doubtful = select(Checkpoint.id).where(Checkpoint.deleted_by.is_(None), _is_doubtful(clock()))
    with database.reading() as session:
        checkpoint_id = session.scalar(doubtful.order_by(Checkpoint.looked_at.nulls_first(), Checkpoint.id).limit(1))
        if checkpoint_id is None and age:
            checkpoint_id = session.scalar(oldest)
    if checkpoint_id is not None:
        verify(database, storage, checkpoint_id, clock=clock, stop=stop)
    return checkpoint_id


def _is_doubtful(now: float) -> ColumnElement[bool]:
    not_yet = or_(Checkpoint.looked_at.is_(None), Checkpoint.looked_at < Checkpoint.damaged_at, Checkpoint.looked_at < now - LOOK_AGAIN)
    suspect = and_(Checkpoint.damaged_at.is_not(None), Checkpoint.damage_confirmed_at.is_(None), not_yet)
    ending = and_(Checkpoint.expires_at <= now, Checkpoint.damage_confirmed_at < Checkpoint.expires_at)
    return or_(suspect, ending)


def _judge(session: Session, row: Checkpoint, damage: list[str], unsure: list[str], now: float) -> None:
    """Take in what storage found in the objects of a checkpoint of a locked run."""
    row.looked_at = now
    if damage or unsure:
        _mark(session, row, "; ".join(damage + unsure), now)
        row.damage_confirmed_at = now if damage else None
        if damage:
            row.damage = "; ".join(damage)[:_REASON_LENGTH]
    else:
        row.verified_at, row.damaged_at, row.damage_confirmed_at, row.damage = now, None, None, ""


def _mark(session: Session, checkpoint: Checkpoint, reason: str, now: float) -> None:
    """Of a locked run. The first reason stays."""
    if checkpoint.damaged_at is not None:
        return
    checkpoint.damaged_at = now
    checkpoint.damage = storable(reason)[:_REASON_LENGTH]
    log.error("checkpoint %s of run %s is damaged: %s", checkpoint.id, checkpoint.run_id, checkpoint.damage)
    for topic in (checkpoint.run_id, CLUSTER_TOPIC):
        record(session, topic, CheckpointDamaged(checkpoint_id=checkpoint.id, step=checkpoint.step, reason=checkpoint.damage), now)
