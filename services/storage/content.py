"""The text of a dataset version: its parts' bytes, one after the other."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.storage.keys import part_key
from services.storage.models import DatasetVersion, File, UploadPart
from services.storage.repair import doubting
from services.storage.stores import Stores


@dataclass(frozen=True)
class PlacedPart:
    sha256: str
    offset: int
    bytes: int

    @property
    def end(self) -> int:
        return self.offset + self.bytes


class PartReader:
    """Reads whole parts, checked. Keeps the last one, as tasks go through a stream in steps smaller than a part."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        self._last = ("", b"")

    def read(self, part: PlacedPart) -> bytes:
        """Raises DamagedObject."""
        sha256, data = self._last
        if sha256 != part.sha256:
            with doubting(self.stores, part.sha256):
                data = self.stores.objects.read_verified(part_key(part.sha256), part.sha256, part.bytes)
            self._last = (part.sha256, data)
        return data

    def read_stream(self, parts: list[PlacedPart], start: int, end: int) -> bytes:
        """Bytes `start` to `end` (excluded) of the stream that these parts make."""
        pieces = [
            memoryview(self.read(part))[max(start - part.offset, 0) : end - part.offset]
            for part in parts
            if part.offset < end and part.end > start
        ]
        return b"".join(pieces)


def read_for_show(stores: Stores, parts: list[PlacedPart], start: int, end: int) -> bytes:
    """Like PartReader.read_stream, by range: only absence and a wrong length are noticed. Raises DamagedObject."""
    touched = [part for part in parts if part.offset < end and part.end > start]
    pieces = []
    for part in touched:
        with doubting(stores, part.sha256):
            first, behind = max(start - part.offset, 0), min(end, part.end) - part.offset
            pieces.append(stores.objects.read_range(part_key(part.sha256), first, behind))
    return b"".join(pieces)


def parts_of(session: Session, version: DatasetVersion, start: int = 0, end: int | None = None) -> list[PlacedPart]:
    """The parts that bytes `start` to `end` of the stream touch, in order."""
    touching = select(UploadPart).where(UploadPart.upload_id == version.upload_id, UploadPart.offset + UploadPart.bytes > start)
    if end is not None:
        touching = touching.where(UploadPart.offset < end)
    return [PlacedPart(row.sha256, row.offset, row.bytes) for row in session.scalars(touching.order_by(UploadPart.position))]


def files_within(session: Session, version: DatasetVersion, start: int, end: int) -> list[File]:
    """The documents that bytes `start` to `end` of the stream touch, in order."""
    at_start = select(func.max(File.offset)).where(File.upload_id == version.upload_id, File.offset <= start).scalar_subquery()
    within = select(File).where(File.upload_id == version.upload_id, File.offset >= at_start, File.offset < end)
    return list(session.scalars(within.order_by(File.offset)))


def files_from(session: Session, version: DatasetVersion, position: int, limit: int) -> list[File]:
    """Up to `limit` documents from a position on."""
    of_version = select(File).where(File.upload_id == version.upload_id, File.position >= position)
    return list(session.scalars(of_version.order_by(File.position).limit(limit)))
