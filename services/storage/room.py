"""Whether a checkpoint fits, asked before any byte of it moves."""

import shutil

from sqlalchemy import func, select

from services.storage.models import CheckpointFile
from services.storage.objects import ObjectStore
from services.storage.stores import Stores
from shared.errors import InsufficientStorage


def disk_free(objects: ObjectStore) -> int | None:
    """Bytes that are free where the objects lie; None where that is somebody else's disk."""
    folder = objects.settings.data_folder
    return None if folder is None else shutil.disk_usage(folder).free


def must_fit(stores: Stores, size: int) -> None:
    """Raises InsufficientStorage. Uploads that are under way at this moment are not counted."""
    quota, free = stores.objects.settings.quota, disk_free(stores.objects)
    if free is not None and size > free:
        _refuse(size, free, "the disk of the object store", "delete checkpoints or other files there")
    if quota is not None:
        with stores.database.reading() as session:
            used = int(session.scalar(select(func.sum(CheckpointFile.bytes))) or 0)
        if used + size > quota:
            _refuse(size, max(0, quota - used), "the quota", "delete checkpoints, or raise GROUNDUP_CHECKPOINT_QUOTA_BYTES")


def _refuse(size: int, left: int, where: str, remedy: str) -> None:
    raise InsufficientStorage(f"the checkpoint needs {_size(size)} and {_size(left)} of {where} are left", remedy=remedy)


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
