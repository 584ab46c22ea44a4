"""What api asks about stored checkpoints: whether their bytes are right, what is there at all, how much room is left; and to delete one."""

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy import delete

from services.storage.checkpoints import check_id
from services.storage.keys import CHECKPOINTS, checkpoint_key
from services.storage.models import CheckpointFile
from services.storage.objects import BrokenRead, DamagedObject, MissingObject
from services.storage.room import disk_free, release, used
from services.storage.stores import stores
from shared.conversation import CheckpointRef
from shared.crash import crash_point
from shared.errors import Conflict
from shared.internal import FileRef
from shared.storage_client import Capacity, StoredCheckpoint, StoredCheckpoints, VerifiedCheckpoint

upkeep = APIBlueprint("upkeep", __name__, url_prefix="/internal", doc_ui=False)


class StoredPath(BaseModel):
    run_id: str
    checkpoint_id: str


class Unchanged(BaseModel):
    changed_before: float | None = Field(None, description="refuse where an object has changed since; seconds since the epoch")


@upkeep.post("/objects/verify")
def verify(body: CheckpointRef) -> Any:
    """Read these files back and compare them with what was committed. 503 where the whole bucket is gone."""
    check_id("run_id", body.run_id)
    check_id("id", body.id)
    damage, unsure = list[str](), list[str]()
    for file in body.files:
        try:
            _read_twice(checkpoint_key(body.run_id, body.id, file.name), file)
        except (MissingObject, BrokenRead) as error:
            unsure.append(error.detail)
        except DamagedObject as error:
            damage.append(error.detail)
    if unsure:
        stores().objects.ping()  # some endpoints call an object of a bucket that is gone just missing
    return VerifiedCheckpoint(damage=damage, unsure=unsure).model_dump()


def _read_twice(key: str, file: FileRef) -> None:
    """Only what is wrong twice is told: one reading may have gone wrong on its way."""
    try:
        stores().objects.verify(key, file.sha256, file.bytes)
    except (DamagedObject, BrokenRead):
        stores().objects.verify(key, file.sha256, file.bytes)


@upkeep.get("/objects")
def list_stored() -> Any:
    """Everything below the checkpoints' prefix, whether it was ever committed or not."""
    found: dict[tuple[str, str], tuple[int, float]] = {}
    for key, size, changed_at in stores().objects.list_below(CHECKPOINTS):
        run_id, _, rest = key.removeprefix(CHECKPOINTS).partition("/")
        checkpoint_id, _, name = rest.partition("/")
        if name:
            total, newest = found.get((run_id, checkpoint_id), (0, 0.0))
            found[run_id, checkpoint_id] = (total + size, max(newest, changed_at))
    items = [
        StoredCheckpoint(run_id=run_id, checkpoint_id=checkpoint_id, bytes=size, changed_at=changed_at)
        for (run_id, checkpoint_id), (size, changed_at) in found.items()
    ]
    return StoredCheckpoints(items=items).model_dump()


@upkeep.delete("/objects/<run_id>/<checkpoint_id>")
def delete_checkpoint_objects(path: StoredPath, query: Unchanged) -> Any:
    """Delete a checkpoint's objects; that there are none is fine. Its rows go first, so that nobody is sent to what is half gone."""
    check_id("run_id", path.run_id)
    check_id("checkpoint_id", path.checkpoint_id)
    prefix = checkpoint_key(path.run_id, path.checkpoint_id, "")
    if query.changed_before is not None:
        changed = [key for key, _size, changed_at in stores().objects.list_below(prefix) if changed_at >= query.changed_before]
        if changed:
            raise Conflict(f"{changed[0]} has changed meanwhile", remedy="look again later")
    of_checkpoint = (CheckpointFile.run_id == path.run_id, CheckpointFile.checkpoint_id == path.checkpoint_id)
    with stores().database.writing() as session:
        session.execute(delete(CheckpointFile).where(*of_checkpoint))
        release(session, path.run_id, path.checkpoint_id)
    crash_point("storage.before_objects")
    stores().objects.delete_below(prefix)
    return "", 204


@upkeep.get("/capacity")
def tell_capacity() -> Any:
    """How much room checkpoints take, and there is left for them."""
    with stores().database.reading() as session:
        taken = used(session)
    return Capacity(disk_free_bytes=disk_free(stores().objects), used_bytes=taken).model_dump()
