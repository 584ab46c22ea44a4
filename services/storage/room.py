"""Whether a checkpoint fits, asked before any byte of it moves, and room that is set aside for it until it is there."""

import shutil
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from services.storage.models import CheckpointFile, Reservation
from services.storage.objects import PUT_SECONDS, ObjectStore
from services.storage.stores import Stores, lock, now
from shared.errors import InsufficientStorage
from shared.internal import CheckpointUpload
from shared.sizes import told

SPARED_BYTES: Final = 1 << 30
SPARED_SHARE: Final = 0.02


def disk_free(objects: ObjectStore) -> int | None:
    """Bytes that are free for objects on their disk; None where that is somebody else's.

    Some are spared, 1 GiB and 2 % at least: the databases, Redis and the workers' files may be on the same disk.
    """
    folder = objects.settings.data_folder
    if folder is None:
        return None
    disk = shutil.disk_usage(folder)
    return max(0, disk.free - max(SPARED_BYTES, int(SPARED_SHARE * disk.total)))


def used(session: Session, *, but_run: str = "") -> int:
    """Bytes of verified checkpoint files, and of what is set aside. `but_run`: without what this run has set aside."""
    return int(session.scalar(select(func.sum(CheckpointFile.bytes))) or 0) + _set_aside(session, but_run)


def set_aside(stores: Stores, upload: CheckpointUpload, size: int) -> None:
    """Keep room for what is still to be uploaded, until it is complete or its URLs have expired. Raises InsufficientStorage.

    A run uploads one checkpoint at a time, so what it had set aside before is free again. Bytes that have arrived and are not verified yet
    are counted twice where the disk is the limit.
    """
    quota, free = stores.objects.settings.quota, disk_free(stores.objects)
    with stores.database.writing() as session:
        lock(session, "room for checkpoints")
        session.execute(delete(Reservation).where(Reservation.made_at < now() - PUT_SECONDS))
        if free is not None:
            left = max(0, free - _set_aside(session, upload.run_id))
            if size > left:
                _refuse(size, left, "the disk of the object store", "delete checkpoints or other files there")
        if quota is not None:
            left = max(0, quota - used(session, but_run=upload.run_id))
            if size > left:
                _refuse(size, left, "the quota", "delete checkpoints, or raise GROUNDUP_CHECKPOINT_QUOTA_BYTES")
        session.merge(Reservation(run_id=upload.run_id, checkpoint_id=upload.checkpoint_id, bytes=size, made_at=now()))


def release(session: Session, run_id: str, checkpoint_id: str | None = None) -> None:
    """What is there, or will never come, needs no room any more."""
    of_run = delete(Reservation).where(Reservation.run_id == run_id)
    session.execute(of_run if checkpoint_id is None else of_run.where(Reservation.checkpoint_id == checkpoint_id))


def _set_aside(session: Session, but_run: str) -> int:
    others = (Reservation.run_id != but_run, Reservation.made_at >= now() - PUT_SECONDS)
    return int(session.scalar(select(func.sum(Reservation.bytes)).where(*others)) or 0)


def _refuse(size: int, left: int, where: str, remedy: str) -> None:
    raise InsufficientStorage(f"the checkpoint needs {told(size)} and {told(left)} of {where} are left", remedy=remedy)
