"""Objects of checkpoints that were never committed: an upload that its worker did not live to finish, or whose commit was refused."""

import logging

from sqlalchemy import select

from services.api.models import Attempt, Checkpoint, Run
from serving.database import Database
from shared.errors import Conflict
from shared.storage_client import StorageClient, StoredCheckpoint

log = logging.getLogger(__name__)


def collect_orphans(database: Database, storage: StorageClient, age: float, *, now: float) -> int:
    """Delete what has not changed for `age` seconds and can never be committed; how many. Storage refuses what has changed meanwhile.

    Storage is asked before our own rows, so that what is committed in between is known.
    """
    old = [stored for stored in storage.stored_checkpoints() if stored.changed_at < now - age]
    orphans = [stored for stored in old if _is_lost(database, stored, age)]
    for stored in orphans:
        try:
            storage.delete_checkpoint_objects(stored.run_id, stored.checkpoint_id, changed_before=now - age)
        except Conflict as error:
            log.info("%s of run %s stays: %s", stored.checkpoint_id, stored.run_id, error.detail)
        else:
            log.info("deleted %s of run %s, which was never committed (%d bytes)", stored.checkpoint_id, stored.run_id, stored.bytes)
    return len(orphans)


def _is_lost(database: Database, stored: StoredCheckpoint, age: float) -> bool:
    """No row, and no attempt that may still commit it: what lay here untouched when the current attempt was placed is not its own."""
    current = select(Attempt.placed_at).join(Run, Run.current_attempt_id == Attempt.id).where(Run.id == stored.run_id)
    with database.reading() as session:
        if session.scalar(select(Checkpoint.id).where(Checkpoint.id == stored.checkpoint_id)) is not None:
            return False
        placed_at = session.scalar(current)
    return placed_at is None or stored.changed_at < placed_at - age
