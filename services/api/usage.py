"""What the checkpoints take."""

from typing import Final, Literal

from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel
from sqlalchemy import func, select

from services.api.checkpoint_models import Checkpoint
from services.api.models import Run
from services.api.parts import parts
from services.api.room import measure
from serving.idempotency import Answer

api = APIBlueprint("usage", __name__)
_LARGEST: Final = 5


class RunUsage(BaseModel):
    run_id: str
    run_name: str
    project: str
    count: int
    bytes: int


class UsageAnswer(BaseModel):
    """`bytes`: of all, and of uploads under way. `expiring_bytes`: goes by itself soon. `quota_bytes` and `disk_free_bytes` null: none, and
    not known. `by_run`: the largest.
    """

    count: int
    bytes: int
    expiring_bytes: int
    pinned_bytes: int
    quota_bytes: int | None
    disk_free_bytes: int | None
    level: Literal["ok", "warning", "full"]
    message: str
    by_run: list[RunUsage]


@api.get("/api/v1/checkpoints/usage", responses={200: UsageAnswer})
def show_usage() -> Answer:
    """Tell how much room the checkpoints take, and have left"""
    capacity = parts().storage.capacity()
    total = func.sum(Checkpoint.bytes)
    largest = select(Run.id, Run.name, Run.project, func.count(), total).join(Checkpoint, Checkpoint.run_id == Run.id)
    largest = largest.group_by(Run.id, Run.name, Run.project).order_by(total.desc(), Run.id).limit(_LARGEST)
    with parts().database.reading() as session:
        room = measure(session, parts().keeping.quota, capacity)
        rows = session.execute(largest).all()
    answer = UsageAnswer(
        count=room.count,
        bytes=room.used,
        expiring_bytes=room.expiring,
        pinned_bytes=room.pinned,
        quota_bytes=room.quota,
        disk_free_bytes=room.disk_free,
        level=room.level,
        message=room.message,
        by_run=[RunUsage(run_id=row[0], run_name=row[1], project=row[2], count=row[3], bytes=int(row[4])) for row in rows],
    )
    return answer.model_dump(), 200
