"""Reading a part back: nothing is part of a dataset before this service has seen its bytes."""

from dataclasses import dataclass

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from services.storage.keys import part_key
from services.storage.models import File, Part, UploadPart
from services.storage.objects import DamagedObject, MissingObject
from services.storage.repair import unverify, unverify_since
from services.storage.stores import Stores, now
from services.storage.text_check import TextCheck
from shared.errors import Conflict, InvalidField, NotFound

_REMEDY = "save the file as UTF-8 (`iconv -t utf-8` converts) or leave it out, and cut parts between characters"


@dataclass(frozen=True)
class Reading:
    """A part as an upload has it. `boundaries`: where files begin in it."""

    upload_id: str
    part: Part
    places: list[UploadPart]
    boundaries: list[int]

    @property
    def key(self) -> str:
        return part_key(self.part.sha256)

    @property
    def bytes(self) -> int:
        """As this upload says; what another upload promised for the same hash counts for nothing."""
        return self.places[0].bytes

    @property
    def field(self) -> str:
        return f"parts.{self.places[0].position}"


def verify_part(stores: Stores, upload_id: str, sha256: str) -> None:
    """Read a part back and note what it holds. Safe to repeat.

    Raises NotFound, Conflict (not there yet), InvalidField (not what was promised, or not UTF-8; its object is deleted).
    """
    began = now()
    with stores.database.reading() as session:
        reading = _load(session, upload_id, sha256)
    if reading.part.verified_at is not None and all(place.checked for place in reading.places):
        return
    check = TextCheck(reading.boundaries)
    try:
        for chunk in stores.objects.stream_verified(reading.key, sha256, reading.bytes):
            check.feed(chunk)
    except MissingObject:
        unverify_since(stores, sha256, began)
        raise Conflict(f"part {sha256} is not there yet", remedy="PUT its bytes to its url first", code="part-missing") from None
    except DamagedObject as error:
        _reset(stores, reading)
        raise InvalidField(reading.field, error.detail, remedy="PUT the right bytes", code="part-differs") from None
    check.finish()
    _refuse_bad_text(stores, reading, check)
    _commit(stores, reading, check)


def _load(session: Session, upload_id: str, sha256: str) -> Reading:
    of_upload = select(UploadPart).where(UploadPart.upload_id == upload_id, UploadPart.sha256 == sha256).order_by(UploadPart.position)
    places = list(session.scalars(of_upload))
    part = session.get(Part, sha256)
    if part is None or not places:
        raise NotFound(f"upload '{upload_id}' has no part {sha256}", remedy="use the hashes the upload was made with")
    boundaries: set[int] = set()
    for place in places:
        inside = select(File.offset).where(
            File.upload_id == upload_id, File.offset > place.offset, File.offset < place.offset + place.bytes
        )
        boundaries.update(offset - place.offset for offset in session.scalars(inside))
    return Reading(upload_id, part, places, sorted(boundaries))


def _refuse_bad_text(stores: Stores, reading: Reading, check: TextCheck) -> None:
    if check.bad_byte is not None:
        _reset(stores, reading)
        field, path, offset = _file_at(stores, reading, check.bad_byte)
        where = f"byte {offset} of '{path}' (byte {check.bad_byte} of part {reading.part.sha256})"
        raise InvalidField(field, f"{where} is not UTF-8", remedy=_REMEDY, code="not-utf8")
    if check.bad_boundary is not None:
        field, path, _offset = _file_at(stores, reading, check.bad_boundary)
        raise InvalidField(field, f"'{path}' begins in the middle of a character: it is not UTF-8", remedy=_REMEDY, code="not-utf8")


def _file_at(stores: Stores, reading: Reading, byte: int) -> tuple[str, str, int]:
    """The field and the path of the file that has this byte of the part, and the byte's offset in it."""
    at = reading.places[0].offset + byte
    of_upload = select(File).where(File.upload_id == reading.upload_id, File.offset <= at)
    with stores.database.reading() as session:
        file = session.scalars(of_upload.order_by(File.offset.desc()).limit(1)).one()
    return f"files.{file.position}", file.path, at - file.offset


def _reset(stores: Stores, reading: Reading) -> None:
    """Delete a bad object, so that the next PUT begins afresh. One whose right size is known is not bad for a wrong promise.

    No transaction waits for S3. So whoever verified between the two may have read what is gone now, and what they said counts for nothing.
    """
    promised_right = or_(Part.n_characters.is_(None), Part.bytes == reading.bytes)
    if unverify(stores, reading.part.sha256, Part.resets == reading.part.resets, promised_right):
        stores.objects.delete(reading.key)
        unverify(stores, reading.part.sha256)


def _commit(stores: Stores, reading: Reading, check: TextCheck) -> None:
    unchanged = (Part.sha256 == reading.part.sha256, Part.resets == reading.part.resets)
    found = {"bytes": reading.bytes, "characters": check.character_set.encode(), "n_characters": check.characters}
    of_upload = (UploadPart.upload_id == reading.upload_id, UploadPart.sha256 == reading.part.sha256)
    with stores.database.writing() as session:
        verified = {"verified_at": func.coalesce(Part.verified_at, now()), **found}
        if not session.execute(update(Part).where(*unchanged).values(verified).returning(Part.sha256)).first():
            raise Conflict(f"part {reading.part.sha256} was replaced while it was read", remedy="PUT it again, then ask again")
        session.execute(update(UploadPart).where(*of_upload).values(checked=True))
