"""Committed checkpoints: list, show, pin, name, verify, delete. Their files are read through storage."""

from typing import Annotated

from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, select

from services.api import deletion
from services.api.aliases import AliasMove, change
from services.api.checkpoint_answers import CheckpointAnswer, CheckpointPage, CheckpointState, checkpoint_answer, checkpoint_answers
from services.api.checkpoint_models import Checkpoint
from services.api.choosing import AliasRef, by_alias, by_id
from services.api.damage import verify
from services.api.models import Run
from services.api.paging import newest_first
from services.api.parts import parts
from services.api.paths import CheckpointPath, Id, RunPath
from serving.idempotency import Answer
from serving.paging import PageQuery
from serving.principal import principal
from shared.errors import Conflict, NotFound
from shared.spec import Name

api = APIBlueprint("checkpoints", __name__)


class CheckpointQuery(PageQuery):
    run_id: Id | None = None
    project: Name | None = None
    state: CheckpointState | None = None
    alias: AliasRef | None = None


class CheckpointChange(BaseModel):
    """What is absent stays. `aliases`: all that it is to have from now on; those of other checkpoints move to it."""

    model_config = ConfigDict(extra="forbid")
    pinned: bool | None = None
    aliases: Annotated[list[Name], Field(max_length=20)] | None = None


class ChangedCheckpoint(CheckpointAnswer):
    """`moved`: aliases that it got, and which checkpoint had them before."""

    moved: list[AliasMove]


class Deletion(BaseModel):
    model_config = ConfigDict(extra="forbid")
    ids: list[Id] = Field(min_length=1, max_length=1000)
    dry_run: bool = Field(False, description="only tell what would be deleted")


class Refusal(BaseModel):
    id: str
    reasons: list[str]


class DeletionAnswer(BaseModel):
    """`bytes`: of all in `deleted` together."""

    deleted: list[str]
    refused: list[Refusal]
    bytes: int


@api.get("/api/v1/checkpoints", responses={200: CheckpointPage})
def list_checkpoints(query: CheckpointQuery) -> Answer:
    """List the checkpoints of all runs, newest first"""
    found = select(Checkpoint)
    if query.run_id:
        found = found.where(Checkpoint.run_id == query.run_id)
    if query.project:
        found = found.where(Checkpoint.run_id.in_(select(Run.id).where(Run.project == query.project)))
    if query.state:
        found = _in_state(found, query.state)
    if query.alias:
        found = found.where(Checkpoint.id == by_alias(query.alias))
    return _page(found, query)


@api.get("/api/v1/runs/<run_id>/checkpoints", responses={200: CheckpointPage})
def list_checkpoints_of_run(path: RunPath, query: PageQuery) -> Answer:
    """List the checkpoints of a run, newest first"""
    with parts().database.reading() as session:
        if session.get(Run, path.run_id) is None:
            raise NotFound(f"there is no run {path.run_id}")
    return _page(select(Checkpoint).where(Checkpoint.run_id == path.run_id), query)


@api.get("/api/v1/checkpoints/<checkpoint_id>", responses={200: CheckpointAnswer})
def get_checkpoint(path: CheckpointPath) -> Answer:
    """Show a checkpoint"""
    return _shown(path.checkpoint_id)


@api.patch("/api/v1/checkpoints/<checkpoint_id>", responses={200: ChangedCheckpoint})
def change_checkpoint(path: CheckpointPath, body: CheckpointChange) -> Answer:
    """Pin a checkpoint, or give it aliases

    A pinned or named checkpoint is never deleted. An alias names one checkpoint of a project; giving it to another moves it at once.
    """
    with parts().database.writing() as session:
        moved = change(session, path.checkpoint_id, pinned=body.pinned, aliases=body.aliases, by=principal().name, now=parts().clock())
        session.flush()
        answer = checkpoint_answer(session, by_id(session, path.checkpoint_id))
    return ChangedCheckpoint(**dict(answer), moved=moved).model_dump(), 200


@api.post("/api/v1/checkpoints/<checkpoint_id>/verify", responses={200: CheckpointAnswer})
def verify_checkpoint(path: CheckpointPath) -> Answer:
    """Read every byte of a checkpoint back and compare

    The answer tells `verified_at`, or `damage`. A checkpoint that was marked as damaged and whose bytes are all right is usable again.
    """
    verify(parts().database, parts().storage, path.checkpoint_id, clock=parts().clock)
    return _shown(path.checkpoint_id)


@api.delete("/api/v1/checkpoints/<checkpoint_id>", responses={204: None})
def delete_checkpoint(path: CheckpointPath) -> tuple[str, int]:
    """Delete a checkpoint that nothing needs

    Its state is `deleting` until its objects are gone, a moment later.
    """
    with parts().database.writing() as session:
        by_id(session, path.checkpoint_id)
        verdict = deletion.mark(session, [path.checkpoint_id], by=principal().name, reason="asked for")
    if reasons := verdict.refused.get(path.checkpoint_id):
        remedy = "unpin it, move its alias, or wait until its run has ended"
        raise Conflict(f"checkpoint {path.checkpoint_id} is needed: {'; '.join(reasons)}", remedy=remedy, code="checkpoint-needed")
    return "", 204


@api.post("/api/v1/checkpoints/delete", responses={200: DeletionAnswer})
def delete_checkpoints(body: Deletion) -> Answer:
    """Delete several checkpoints, or tell what that would do

    Those that something needs are refused with the reasons; the others are deleted. What only the retention of a run that has ended
    keeps can be deleted.
    """
    if body.dry_run:
        with parts().database.reading() as session:
            verdict = deletion.judge(session, body.ids)
    else:
        with parts().database.writing() as session:
            verdict = deletion.mark(session, body.ids, by=principal().name, reason="asked for")
    refused = [Refusal(id=checkpoint_id, reasons=reasons) for checkpoint_id, reasons in verdict.refused.items()]
    return DeletionAnswer(deleted=verdict.deleted, refused=refused, bytes=verdict.bytes).model_dump(), 200


def _in_state(query: Select[Checkpoint], state: CheckpointState) -> Select[Checkpoint]:
    if state == "deleting":
        return query.where(Checkpoint.deleted_by.is_not(None))
    damaged = Checkpoint.damaged_at.is_not(None) if state == "damaged" else Checkpoint.damaged_at.is_(None)
    return query.where(Checkpoint.deleted_by.is_(None), damaged)


def _page(found: Select[Checkpoint], query: PageQuery) -> Answer:
    with parts().database.reading() as session:
        rows, cursor = newest_first(session, found, Checkpoint, query)
        return CheckpointPage(items=checkpoint_answers(session, rows), next_cursor=cursor).model_dump(), 200


def _shown(checkpoint_id: str) -> Answer:
    with parts().database.reading() as session:
        return checkpoint_answer(session, by_id(session, checkpoint_id)).model_dump(), 200
