"""Uploads: a list of files and parts, of which the missing ones are PUT and verified, and which then becomes a dataset version."""

from typing import Any, Literal

from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from services.storage import manifest
from services.storage.keys import part_key
from services.storage.manifest import Id, NewUpload
from services.storage.models import File, IdempotencyKey, Part, Upload, UploadPart
from services.storage.repair import find_parts, unverify_lost
from services.storage.stores import lock, now, public_origin, stores
from services.storage.verification import verify_part
from services.storage.versions import DatasetVersionView, complete_upload
from serving.idempotency import Answer, once
from serving.ids import new_id
from serving.principal import principal, require
from shared.errors import InvalidField, NotFound
from shared.internal import Digest
from shared.names import Role

uploads = APIBlueprint("uploads", __name__, url_prefix="/api/v1/uploads")


class UploadPath(BaseModel):
    id: Id


class PartPath(UploadPath):
    sha256: Digest


class MissingPart(BaseModel):
    """PUT the part's bytes to `url`; it is good for an hour, and the upload tells a new one."""

    sha256: str
    url: str


class UploadView(BaseModel):
    id: str
    dataset: str
    state: Literal["open", "complete"]
    missing: list[MissingPart]


class VerifiedPart(BaseModel):
    sha256: str
    state: Literal["verified"] = "verified"


@uploads.post("", responses={201: UploadView})
def create_upload(body: NewUpload) -> Any:
    """Begin a dataset version. The answer tells which parts storage does not have yet."""
    manifest.check(body)
    unverify_lost(stores(), {part.sha256 for part in body.parts})
    answer, status = once(stores().database, IdempotencyKey, lambda session: _create(session, body))
    return _view(answer["id"]).model_dump(), status


@uploads.get("/<id>", responses={200: UploadView})
def show_upload(path: UploadPath) -> Any:
    """What is still missing. Only for those who may write, as the answer lets them."""
    require(Role.EDITOR)
    return _view(path.id).model_dump()


@uploads.post("/<id>/parts/<sha256>", responses={200: VerifiedPart})
def verify_upload_part(path: PartPath) -> Any:
    """Say that a part was PUT: storage reads it back and checks its size, its hash and that it is UTF-8."""
    verify_part(stores(), path.id, path.sha256)
    return VerifiedPart(sha256=path.sha256).model_dump()


@uploads.post("/<id>/complete", responses={200: DatasetVersionView, 201: DatasetVersionView})
def complete(path: UploadPath) -> Any:
    """Make the dataset version: 201, or 200 where the dataset's newest version already has this content."""
    version, created = complete_upload(stores(), path.id, principal().name)
    return DatasetVersionView.of(version).model_dump(), 201 if created else 200


def _create(session: Session, body: NewUpload) -> Answer:
    known = _note_parts(session, body)
    upload = Upload(
        id=new_id("upl"),
        dataset=body.dataset,
        content=manifest.content_digest(body),
        bytes=manifest.total(body.files),
        files=len(body.files),
        created_at=now(),
        created_by=principal().name,
    )
    session.add(upload)
    session.flush()
    starts = manifest.offsets(body.files)
    files = [
        {"upload_id": upload.id, "position": position, "path": file.path, "offset": offset, "bytes": file.bytes}
        for position, (file, offset) in enumerate(zip(body.files, starts, strict=True))
    ]
    session.execute(insert(File), files)
    session.execute(insert(UploadPart), _placed(upload.id, body, known, starts))
    return {"id": upload.id}, 201


def _note_parts(session: Session, body: NewUpload) -> dict[str, Part]:
    """The parts' rows; new ones for those never heard of."""
    lock(session, "parts")
    wanted = {part.sha256: part.bytes for part in body.parts}
    known = find_parts(session, wanted)
    for index, part in enumerate(body.parts):
        row = known.get(part.sha256)
        if row and row.n_characters is not None and row.bytes != part.bytes:
            raise InvalidField(f"parts.{index}.bytes", f"{part.bytes} bytes given, but what has this hash has {row.bytes}")
    if new := [{"sha256": sha256, "bytes": size, "resets": 0} for sha256, size in wanted.items() if sha256 not in known]:
        session.execute(insert(Part), new)
    return known


def _placed(upload_id: str, body: NewUpload, known: dict[str, Part], edges: list[int]) -> list[dict[str, Any]]:
    """A known part of ASCII, or one in which no file begins, needs no second look at where characters begin."""
    rows = []
    beginning = manifest.offsets(body.parts)
    at = 0
    for position, (part, offset) in enumerate(zip(body.parts, beginning, strict=True)):
        while at < len(edges) and edges[at] <= offset:
            at += 1
        whole = at == len(edges) or edges[at] >= offset + part.bytes
        row = known.get(part.sha256)
        checked = row is not None and row.verified_at is not None and (whole or row.n_characters == row.bytes)
        rows.append(
            {"upload_id": upload_id, "position": position, "sha256": part.sha256, "offset": offset, "bytes": part.bytes, "checked": checked}
        )
    return rows


def _view(upload_id: str) -> UploadView:
    with stores().database.reading() as session:
        upload = session.get(Upload, upload_id)
        if upload is None:
            raise NotFound(f"there is no upload '{upload_id}'", remedy="begin one with POST /api/v1/uploads")
        unverified = (
            select(UploadPart.sha256)
            .join(Part)
            .where(UploadPart.upload_id == upload_id, Part.verified_at.is_(None))
            .order_by(UploadPart.position)
        )
        missing = list(dict.fromkeys(session.scalars(unverified)))
    origin = public_origin()
    return UploadView(
        id=upload.id,
        dataset=upload.dataset,
        state="complete" if upload.version_id else "open",
        missing=[MissingPart(sha256=sha256, url=stores().objects.put_url(part_key(sha256), origin)) for sha256 in missing],
    )
