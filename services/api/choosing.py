"""Which checkpoint a person means: an id, an alias as `project/name`, or a run (then its newest usable one)."""

from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import Session

from services.api.checkpoint_models import Checkpoint, CheckpointAlias
from services.api.commit import checkpoints_newest_first
from services.api.models import Run
from shared.errors import Conflict, NotFound
from shared.spec import NAME

AliasRef = Annotated[str, Field(pattern=rf"{NAME[:-1]}/{NAME[1:]}", description="project/name", examples=["default/production"])]


def by_id(session: Session, checkpoint_id: str) -> Checkpoint:
    checkpoint = session.get(Checkpoint, checkpoint_id)
    if checkpoint is None:
        raise NotFound(f"there is no checkpoint {checkpoint_id}", remedy="GET /api/v1/checkpoints lists them")
    return checkpoint


def by_alias(reference: str) -> ScalarSelect[Any]:
    """The id behind an AliasRef."""
    project, _, name = reference.partition("/")
    named = (CheckpointAlias.project == project, CheckpointAlias.name == name)
    return select(CheckpointAlias.checkpoint_id).where(*named).scalar_subquery()


def named(session: Session, reference: str) -> Checkpoint:
    checkpoint = session.scalar(select(Checkpoint).where(Checkpoint.id == by_alias(reference)))
    if checkpoint is None:
        raise NotFound(f"there is no alias {reference}", remedy="GET /api/v1/aliases lists them")
    return checkpoint


def newest_of_run(session: Session, run_id: str) -> Checkpoint:
    run = session.get(Run, run_id)
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    usable = checkpoints_newest_first(session, run.id)
    if not usable:
        raise Conflict(f"run {run.name} has no checkpoint yet", remedy="wait for its first one, or lower train.checkpoint.every")
    return usable[0]


def must_be_usable(checkpoint: Checkpoint) -> Checkpoint:
    """Raises Conflict where its bytes cannot be trusted or are going."""
    if checkpoint.deleted_by is not None:
        raise Conflict(f"checkpoint {checkpoint.id} is being deleted", remedy="choose another")
    if checkpoint.damaged_at is not None:
        remedy = "choose another, or have it verified again"
        raise Conflict(f"checkpoint {checkpoint.id} is damaged: {checkpoint.damage}", remedy=remedy, code="checkpoint-damaged")
    return checkpoint
