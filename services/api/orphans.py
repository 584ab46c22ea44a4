"""Objects of checkpoints that were never committed: an upload that its worker did not live to finish, or whose commit was refused.

Our rows are all we know of what was committed, and they may be another installation's, new, or restored from a backup. So nothing is
touched below a run that we know nothing of, nor what was written while this database was not there to see it committed.
"""

import logging

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.api.checkpoint_models import Checkpoint, DeletedCheckpoint
from services.api.models import Attempt, Run
from services.api.witness import DeletedRun, was_there
from serving.database import Database
from shared.errors import Conflict
from shared.storage_client import StorageClient, StoredCheckpoint

log = logging.getLogger(__name__)


class Orphans:
    """What one housekeeper has seen lying about. It deletes what was an orphan already when it looked before."""

    def __init__(self, database: Database, storage: StorageClient) -> None:
        self.database, self.storage = database, storage
        self.seen: set[tuple[str, str]] = set()
        self.foreign: set[tuple[str, str]] = set()

    def collect(self, age: float, *, now: float) -> int:
        """Delete what has not changed for `age` seconds and can never be committed; how many. Storage refuses what has changed meanwhile.

        Storage is asked before our own rows, so that what is committed in between is known.
        """
        old = [stored for stored in self.storage.stored_checkpoints() if stored.changed_at < now - age]
        with self.database.reading() as session:
            unknown = [stored for stored in old if session.get(Checkpoint, stored.checkpoint_id) is None]
            orphans = [stored for stored in unknown if _is_lost(session, stored, age)]
        self._report([stored for stored in unknown if stored not in orphans])
        due = [stored for stored in orphans if _name(stored) in self.seen]
        self.seen = {_name(stored) for stored in orphans}
        return sum(self._delete(stored, now - age) for stored in due)

    def _delete(self, stored: StoredCheckpoint, changed_before: float) -> bool:
        try:
            self.storage.delete_checkpoint_objects(stored.run_id, stored.checkpoint_id, changed_before=changed_before)
        except Conflict as error:
            log.info("%s of run %s stays: %s", stored.checkpoint_id, stored.run_id, error.detail)
            return False
        log.info("deleted %s of run %s, which was never committed (%d bytes)", stored.checkpoint_id, stored.run_id, stored.bytes)
        return True

    def _report(self, left: list[StoredCheckpoint]) -> None:
        """Once, however often they are seen."""
        for stored in left:
            if _name(stored) not in self.foreign:
                told = (stored.checkpoint_id, stored.run_id, stored.bytes)
                log.warning("%s of run %s (%d bytes) is in the store and not in this database; it is left alone", *told)
        self.foreign = {_name(stored) for stored in left}


def _name(stored: StoredCheckpoint) -> tuple[str, str]:
    return stored.run_id, stored.checkpoint_id


def _is_lost(session: Session, stored: StoredCheckpoint, age: float) -> bool:
    """Whether it can never be committed, and never was: we deleted it or its run, or were there when it was written.

    What lay here untouched when the current attempt was placed is not its own.
    """
    if session.get(DeletedRun, stored.run_id) or session.get(DeletedCheckpoint, stored.checkpoint_id):
        return True
    if session.get(Run, stored.run_id) is None or not was_there(session, stored.changed_at):
        return False
    current = select(Attempt.placed_at).join(Run, Run.current_attempt_id == Attempt.id).where(Run.id == stored.run_id)
    placed_at = session.scalar(current)
    return placed_at is None or stored.changed_at < placed_at - age
