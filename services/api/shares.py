"""How much of the cluster a project is due: its busy slots are divided by its weight before projects are compared."""

from typing import Final

from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import text

from services.api.parts import parts
from serving.idempotency import Answer
from serving.principal import principal, require
from shared.names import Role
from shared.spec import Name

api = APIBlueprint("shares", __name__)
_PUT: Final = text(
    "INSERT INTO project_shares (project, weight, changed_at, changed_by) VALUES (:project, :weight, :now, :by) "
    "ON CONFLICT (project) DO UPDATE SET weight = :weight, changed_at = :now, changed_by = :by"
)


class ProjectPath(BaseModel):
    name: Name


class ShareBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    weight: float = Field(gt=0, le=1000, allow_inf_nan=False, description="1 where none is set; with 2 a project gets twice as many slots")


class ShareAnswer(BaseModel):
    project: str
    weight: float


@api.put("/api/v1/projects/<name>/share", responses={200: ShareAnswer})
def put_share(path: ProjectPath, body: ShareBody) -> Answer:
    """Set a project's weight in the queue (admin)

    Among runs of equal priority the one goes first whose project has the fewest busy slots for its weight.
    """
    require(Role.ADMIN)
    values = {"project": path.name, "weight": body.weight, "now": parts().clock(), "by": principal().name}
    with parts().database.writing() as session:
        session.execute(_PUT, values)
    return ShareAnswer(project=path.name, weight=body.weight).model_dump(), 200
