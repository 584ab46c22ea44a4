"""Dataset versions: how an upload becomes one, and how they are found."""

from pydantic import BaseModel
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from services.storage.models import Dataset, DatasetVersion, Part, Upload, UploadPart
from services.storage.stores import Stores, lock, now
from services.storage.verification import verify_part
from serving.ids import new_id
from serving.times import iso
from shared.errors import Conflict, NotFound


class DatasetVersionView(BaseModel):
    id: str
    dataset: str
    version: int
    bytes: int
    files: int
    created_at: str
    created_by: str

    @classmethod
    def of(cls, row: DatasetVersion) -> "DatasetVersionView":
        return cls(
            id=row.id,
            dataset=row.dataset,
            version=row.version,
            bytes=row.bytes,
            files=row.files,
            created_at=iso(row.created_at),
            created_by=row.created_by,
        )


def complete_upload(stores: Stores, upload_id: str, by: str) -> tuple[DatasetVersion, bool]:
    """The version this upload is, and whether it is new. Raises NotFound, Conflict where parts are missing."""
    for sha256 in _unchecked(stores, upload_id):
        verify_part(stores, upload_id, sha256)
    with stores.database.writing() as session:
        upload = session.get_one(Upload, upload_id)
        lock(session, f"dataset {upload.dataset}")
        session.refresh(upload)
        if upload.version_id:
            return session.get_one(DatasetVersion, upload.version_id), False
        newest = newest_version(session, upload.dataset)
        if newest and newest.content == upload.content:
            upload.version_id = newest.id
            return newest, False
        version = _add_version(session, upload, newest.version + 1 if newest else 1, by)
        upload.version_id = version.id
        return version, True


def newest_version(session: Session, dataset: str) -> DatasetVersion | None:
    of_dataset = select(DatasetVersion).where(DatasetVersion.dataset == dataset)
    return session.scalars(of_dataset.order_by(DatasetVersion.version.desc()).limit(1)).first()


def find_version(session: Session, dataset: str, number: int) -> DatasetVersion | None:
    return session.scalars(select(DatasetVersion).where(DatasetVersion.dataset == dataset, DatasetVersion.version == number)).first()


def _unchecked(stores: Stores, upload_id: str) -> list[str]:
    """Verified parts whose files' first characters this upload has not looked at. Raises Conflict where some are not verified."""
    with stores.database.reading() as session:
        upload = session.get(Upload, upload_id)
        if upload is None:
            raise NotFound(f"there is no upload '{upload_id}'", remedy="begin one with POST /api/v1/uploads")
        if upload.version_id is not None:
            return []
        unfinished = or_(~UploadPart.checked, Part.verified_at.is_(None))
        of_upload = select(Part.sha256, Part.verified_at).join(UploadPart).where(UploadPart.upload_id == upload_id, unfinished)
        unchecked = dict(session.execute(of_upload.order_by(UploadPart.position)).all())
    if missing := sum(verified_at is None for verified_at in unchecked.values()):
        raise Conflict(
            f"{missing} parts are not verified yet",
            remedy="PUT them and POST each to /parts/{sha256}; GET the upload lists them",
            code="parts-missing",
        )
    return list(unchecked)


def _add_version(session: Session, upload: Upload, number: int, by: str) -> DatasetVersion:
    if session.get(Dataset, upload.dataset) is None:
        session.add(Dataset(name=upload.dataset, created_at=now()))
        session.flush()
    version = DatasetVersion(
        id=new_id("dsv"),
        dataset=upload.dataset,
        version=number,
        upload_id=upload.id,
        content=upload.content,
        bytes=upload.bytes,
        files=upload.files,
        created_at=now(),
        created_by=by,
    )
    session.add(version)
    session.flush()
    return version
