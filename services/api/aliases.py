"""Pins, and names for checkpoints. An alias is unique in its project and is moved by giving it to another checkpoint."""

from collections.abc import Sequence
from typing import Final

from flask import redirect
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel
from sqlalchemy import delete, select, text, tuple_
from sqlalchemy.orm import Session
from werkzeug import Response

from services.api.checkpoint_answers import CheckpointAnswer, checkpoint_answer
from services.api.checkpoint_models import Checkpoint, CheckpointAlias
from services.api.choosing import by_id, must_be_usable, named
from services.api.models import Run
from services.api.parts import parts
from services.api.rows import locked
from serving.idempotency import Answer
from serving.paging import PageQuery, foreign_cursor
from serving.times import iso
from shared.errors import Conflict
from shared.spec import Name

api = APIBlueprint("aliases", __name__)
_PUT: Final = text(
    "INSERT INTO checkpoint_aliases (project, name, checkpoint_id, moved_at, moved_by) VALUES (:project, :name, :checkpoint_id, :now, :by) "
    "ON CONFLICT (project, name) DO UPDATE SET checkpoint_id = :checkpoint_id, moved_at = :now, moved_by = :by"
)


class AliasPath(BaseModel):
    project: Name
    name: Name


class AliasMove(BaseModel):
    """`before`: the checkpoint that had the alias; null where it is new."""

    alias: str
    before: str | None


class AliasAnswer(BaseModel):
    project: str
    name: str
    checkpoint_id: str
    moved_at: str
    moved_by: str


class AliasPage(BaseModel):
    items: list[AliasAnswer]
    next_cursor: str | None


@api.get("/api/v1/aliases", responses={200: AliasPage})
def list_aliases(query: PageQuery) -> Answer:
    """List aliases by project and name"""
    rows = select(CheckpointAlias).order_by(CheckpointAlias.project, CheckpointAlias.name).limit(query.limit + 1)
    if query.cursor is not None:
        project, slash, name = query.cursor.partition("/")
        if not slash or not query.cursor.isprintable():
            raise foreign_cursor()
        rows = rows.where(tuple_(CheckpointAlias.project, CheckpointAlias.name) > (project, name))
    with parts().database.reading() as session:
        found = list(session.scalars(rows))
    shown = found[: query.limit]
    cursor = f"{shown[-1].project}/{shown[-1].name}" if len(found) > query.limit else None
    return AliasPage(items=[_alias_answer(row) for row in shown], next_cursor=cursor).model_dump(), 200


@api.get("/api/v1/aliases/<project>/<name>", responses={200: CheckpointAnswer})
def get_alias(path: AliasPath) -> Answer:
    """Show the checkpoint that an alias names"""
    with parts().database.reading() as session:
        return checkpoint_answer(session, named(session, f"{path.project}/{path.name}")).model_dump(), 200


@api.get("/api/v1/aliases/<project>/<name>/download", responses={302: None})
def download_alias(path: AliasPath) -> Response:
    """To the download of the checkpoint that an alias names"""
    with parts().database.reading() as session:
        checkpoint = must_be_usable(named(session, f"{path.project}/{path.name}"))
    return redirect(f"/api/v1/checkpoints/{checkpoint.id}/download")


def change(
    session: Session, checkpoint_id: str, *, pinned: bool | None, aliases: Sequence[str] | None, by: str, now: float
) -> list[AliasMove]:
    """Pin or unpin, and set all of its aliases; which of them moved here. Raises NotFound, Conflict.

    The run is locked, so that nothing is deleted that has just been pinned or named.
    """
    run = locked(session, Run, by_id(session, checkpoint_id).run_id)
    checkpoint = session.get(Checkpoint, checkpoint_id, populate_existing=True)
    if run is None or checkpoint is None or checkpoint.deleted_by is not None:
        raise Conflict(f"checkpoint {checkpoint_id} is being deleted", remedy="choose another")
    if pinned is not None and pinned != (checkpoint.pinned_by is not None):
        checkpoint.pinned_by, checkpoint.pinned_at = (by, now) if pinned else (None, None)
    moved = [] if aliases is None else _set_aliases(session, run.project, checkpoint, aliases, by=by, now=now)
    if pinned or aliases:
        checkpoint.expires_at = None
    return moved


def _set_aliases(session: Session, project: str, checkpoint: Checkpoint, names: Sequence[str], *, by: str, now: float) -> list[AliasMove]:
    mine = CheckpointAlias.checkpoint_id == checkpoint.id
    had = set(session.scalars(select(CheckpointAlias.name).where(mine)))
    new = sorted(set(names) - had)
    if new:
        must_be_usable(checkpoint)
    in_project = (CheckpointAlias.project == project, CheckpointAlias.name.in_(new))
    elsewhere = select(CheckpointAlias.name, CheckpointAlias.checkpoint_id).where(*in_project).order_by(CheckpointAlias.name)
    before = {row.name: row.checkpoint_id for row in session.execute(elsewhere.with_for_update())}
    for name in new:
        session.execute(_PUT, {"project": project, "name": name, "checkpoint_id": checkpoint.id, "now": now, "by": by})
    session.execute(delete(CheckpointAlias).where(mine, CheckpointAlias.name.not_in(set(names))))
    return [AliasMove(alias=name, before=before.get(name)) for name in new]


def _alias_answer(row: CheckpointAlias) -> AliasAnswer:
    told = {name: getattr(row, name) for name in ("project", "name", "checkpoint_id", "moved_by")}
    return AliasAnswer(**told, moved_at=iso(row.moved_at))
