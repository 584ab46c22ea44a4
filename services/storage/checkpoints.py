"""Checkpoint objects: a worker writes them by presigned PUTs; they count once this service has read them back."""

import re
from typing import Annotated, Any, Literal

from flask import Response, redirect
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import delete, select

from services.storage.export import plan, stream
from services.storage.keys import checkpoint_key
from services.storage.manifest import Id
from services.storage.models import CheckpointFile
from services.storage.objects import DamagedObject, MissingObject
from services.storage.room import release, set_aside
from services.storage.stores import Stores, lock, now, public_origin, stores
from shared.conversation import CheckpointRef
from shared.crash import crash_point
from shared.errors import Conflict, InvalidField, NotFound
from shared.internal import CheckpointUpload, FileRef, Located, PutUrl, UploadUrls
from shared.storage_client import LocatedFiles

checkpoint_objects = APIBlueprint("checkpoint_objects", __name__, url_prefix="/internal", doc_ui=False)
checkpoint_files = APIBlueprint("checkpoint_files", __name__, url_prefix="/api/v1/checkpoints")


class RunPath(BaseModel):
    run_id: str


class DownloadPath(BaseModel):
    id: Id


class DownloadQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    include: Literal["weights", "all"] = "weights"


class FilePath(BaseModel):
    id: Id
    name: Annotated[str, Field(max_length=101, pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$")]


@checkpoint_objects.post("/uploads")
def start_upload(body: CheckpointUpload) -> Any:
    """Where to PUT the files that storage does not have yet. 507 where they do not fit."""
    known = _known(stores(), body)
    files = [file for file in body.files if file.name not in known and not _is_there(stores(), body, file)]
    if files:
        set_aside(stores(), body, sum(file.bytes for file in files))
    puts = [PutUrl(name=file.name, url=stores().objects.put_url(_key(body, file.name))) for file in files]
    return UploadUrls(puts=puts).model_dump()


@checkpoint_objects.post("/uploads/complete")
def complete_upload(body: CheckpointUpload) -> Any:
    """Read every object back. A file that differs is named and its object deleted, so that it can be PUT again."""
    known = _known(stores(), body)
    for index, file in enumerate(body.files):
        if file.name not in known:
            _verify(stores(), body, file, f"files.{index}")
    with stores().database.writing() as session:
        release(session, body.run_id, body.checkpoint_id)
    return "", 204


@checkpoint_objects.post("/objects/presign")
def presign(body: CheckpointRef) -> Any:
    """Where to read a checkpoint's files. 404 `no-such-file` where storage knows none: that says nothing about their bytes."""
    known = _known(stores(), CheckpointUpload(run_id=body.run_id, checkpoint_id=body.id, files=body.files))
    if absent := [file.name for file in body.files if file.name not in known]:
        remedy = "only files of completed uploads can be read"
        raise NotFound(f"checkpoint '{body.id}' has no {', '.join(absent)} here", remedy=remedy, code="no-such-file")
    located = [
        Located(
            name=file.name,
            bytes=file.bytes,
            sha256=file.sha256,
            url=stores().objects.get_url(checkpoint_key(body.run_id, body.id, file.name)),
        )
        for file in body.files
    ]
    return LocatedFiles(files=located).model_dump()


@checkpoint_objects.delete("/objects/<run_id>")
def delete_run_objects(path: RunPath) -> Any:
    """Delete all checkpoint objects of a run."""
    check_id("run_id", path.run_id)
    with stores().database.writing() as session:
        session.execute(delete(CheckpointFile).where(CheckpointFile.run_id == path.run_id))
        release(session, path.run_id)
    stores().objects.delete_below(f"checkpoints/{path.run_id}/")
    return "", 204


@checkpoint_files.get("/<id>/files/<name>", responses={302: None})
def read_file(path: FilePath) -> Any:
    """To the object itself, for a few hours. Check its SHA-256 after reading."""
    with stores().database.reading() as session:
        row = session.get(CheckpointFile, (path.id, path.name))
    if row is None:
        raise NotFound(f"checkpoint '{path.id}' has no file '{path.name}'", remedy="GET /api/v1/checkpoints/{id} lists its files")
    return redirect(stores().objects.get_url(checkpoint_key(row.run_id, row.checkpoint_id, row.name), public_origin()))


@checkpoint_files.get("/<id>/download", responses={200: None})
def download(path: DownloadPath, query: DownloadQuery) -> Any:
    """A checkpoint as one folder, in an uncompressed tar

    Weights (safetensors), tokenizer.json, config.json, README.md (a model card) and SHA256SUMS; `include=all` adds everything else that
    training needs to go on. The bytes are compared with their hashes on the way: where one differs the stream breaks off before its end.
    """
    with stores().database.reading() as session:
        rows = list(session.scalars(select(CheckpointFile).where(CheckpointFile.checkpoint_id == path.id)))
    if not rows:
        raise NotFound(f"there is no checkpoint '{path.id}'", remedy="GET /api/v1/checkpoints lists them")
    try:
        archive = plan(stores().objects, rows, everything=query.include == "all")
    except DamagedObject as error:
        raise Conflict(f"checkpoint '{path.id}' is damaged: {error.detail}", remedy="take another one", code="checkpoint-damaged") from None
    headers = {
        "Content-Length": str(archive.size),
        "Content-Disposition": f'attachment; filename="{archive.folder}.tar"',
        "X-Accel-Buffering": "no",  # what breaks off must break off at the client too, and a large one needs no copy at the gateway
    }
    return Response(stream(stores().objects, archive), content_type="application/x-tar", headers=headers)


def _known(stores: Stores, upload: CheckpointUpload) -> set[str]:
    """Names of files that were verified before. Raises InvalidField, Conflict where one has other bytes."""
    check_id("run_id", upload.run_id)
    check_id("checkpoint_id", upload.checkpoint_id)
    if not upload.files:
        raise InvalidField("files", "there are none", remedy="name the checkpoint's files")
    if len({file.name for file in upload.files}) < len(upload.files):
        raise InvalidField("files", "a name is given twice", remedy="give each file once")
    with stores.database.reading() as session:
        of_checkpoint = select(CheckpointFile).where(CheckpointFile.checkpoint_id == upload.checkpoint_id)
        rows = {row.name: row for row in session.scalars(of_checkpoint)}
    for file in upload.files:
        row = rows.get(file.name)
        if row and (row.sha256, row.bytes, row.run_id) != (file.sha256, file.bytes, upload.run_id):
            raise Conflict(
                f"{file.name} of checkpoint '{upload.checkpoint_id}' is there with other bytes", remedy="use a new checkpoint id"
            )
    return set(rows)


def _is_there(stores: Stores, upload: CheckpointUpload, file: FileRef) -> bool:
    """Whether an earlier PUT, of which we were not told, has arrived whole."""
    key = _key(upload, file.name)
    if stores.objects.size(key) != file.bytes:
        return False
    try:
        stores.objects.verify(key, file.sha256, file.bytes)
    except DamagedObject:
        return False
    return True


def _verify(stores: Stores, upload: CheckpointUpload, file: FileRef, field: str) -> None:
    key = _key(upload, file.name)
    try:
        stores.objects.verify(key, file.sha256, file.bytes)
    except MissingObject:
        raise InvalidField(field, f"{file.name} was not PUT yet", remedy="PUT it to its url, then complete again") from None
    except DamagedObject as error:
        stores.objects.delete(key)
        raise InvalidField(field, error.detail, remedy="PUT the right bytes, then complete again") from None
    crash_point("storage.before_row")
    with stores.database.writing() as session:
        lock(session, f"checkpoint {upload.checkpoint_id}")
        if session.get(CheckpointFile, (upload.checkpoint_id, file.name)) is None:
            session.add(
                CheckpointFile(
                    checkpoint_id=upload.checkpoint_id,
                    name=file.name,
                    run_id=upload.run_id,
                    bytes=file.bytes,
                    sha256=file.sha256,
                    verified_at=now(),
                )
            )


def _key(upload: CheckpointUpload, name: str) -> str:
    return checkpoint_key(upload.run_id, upload.checkpoint_id, name)


def check_id(field: str, given: str) -> None:
    """Ids become part of keys, so they hold nothing that means something in a path."""
    if re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", given) is None:
        raise InvalidField(field, f"{given!r} is not an id", remedy="use the id as the api service gave it")
