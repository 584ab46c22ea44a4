"""Uploads that nobody completes go away. Their parts stay: the same text pushed later begins with what is there."""

import logging
from typing import Final

from sqlalchemy import delete, select

from services.storage.models import File, Part, Upload, UploadPart
from services.storage.stores import Stores, lock, now

log = logging.getLogger(__name__)
_AT_ONCE: Final = 20
"""Dropped by one sweep, which has other work waiting behind it."""


def drop_idle_uploads(stores: Stores, idle_seconds: float) -> int:
    """Delete open uploads that were begun, and got their last part, longer ago than that; how many."""
    since = now() - idle_seconds
    active = select(UploadPart.upload_id).join(Part).where(UploadPart.upload_id == Upload.id, Part.verified_at >= since)
    idle = select(Upload).where(Upload.version_id.is_(None), Upload.created_at < since, ~active.exists()).limit(_AT_ONCE)
    with stores.database.reading() as session:
        uploads = list(session.scalars(idle))
    dropped = sum(_drop(stores, upload) for upload in uploads)
    if dropped:
        log.info("dropped %d uploads that were never completed", dropped)
    return dropped


def _drop(stores: Stores, upload: Upload) -> bool:
    """Under the lock of who completes uploads, so that one which has become a version is seen and stays."""
    with stores.database.writing() as session:
        lock(session, f"dataset {upload.dataset}")
        row = session.get(Upload, upload.id)
        if row is None or row.version_id is not None:
            return False
        for table in (UploadPart, File):
            session.execute(delete(table).where(table.upload_id == upload.id))
        session.delete(row)
        return True
