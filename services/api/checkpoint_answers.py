"""What the API says of checkpoints. A page costs the same few queries however long it is."""

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.api.checkpoint_models import Checkpoint
from services.api.keeping import aliases_of, holds_of_runs
from services.api.models import Run
from services.api.retention import Hold
from serving.times import iso, iso_or_none
from shared.errors import NotFound
from shared.internal import FileRef

CheckpointState = Literal["committed", "damaged", "deleting"]


class CheckpointAnswer(BaseModel):
    """`kept_because`: in plain words; where it is empty, nothing keeps it and `expires_at` says when it goes.

    `left_behind`: its run was rolled back to before it. `damage`: what is wrong with its bytes; empty where nothing is known to be.
    `verified_at`: when every byte was last read back and right.
    """

    id: str
    run_id: str
    run_name: str
    project: str
    attempt: int
    step: int
    tokens: int
    metrics: dict[str, float]
    bytes: int
    created_at: str
    state: CheckpointState
    verified_at: str | None
    damage: str
    pinned: bool
    pinned_by: str | None
    aliases: list[str]
    kept_because: list[str]
    expires_at: str | None
    left_behind: bool
    files: list[FileRef]


class CheckpointPage(BaseModel):
    items: list[CheckpointAnswer]
    next_cursor: str | None


def checkpoint_answers(session: Session, checkpoints: Sequence[Checkpoint]) -> list[CheckpointAnswer]:
    run_ids = {checkpoint.run_id for checkpoint in checkpoints}
    names = {row.id: (row.name, row.project) for row in session.execute(select(Run.id, Run.name, Run.project).where(Run.id.in_(run_ids)))}
    aliases = aliases_of(session, [checkpoint.id for checkpoint in checkpoints])
    kept = holds_of_runs(session, run_ids)
    there = [each for each in checkpoints if each.run_id in names]  # its run may be deleted while we read
    return [_answer(each, names[each.run_id], aliases.get(each.id, []), kept.get(each.id, ())) for each in there]


def checkpoint_answer(session: Session, checkpoint: Checkpoint) -> CheckpointAnswer:
    for answer in checkpoint_answers(session, [checkpoint]):
        return answer
    raise NotFound(f"there is no checkpoint {checkpoint.id}")


def state_of(checkpoint: Checkpoint) -> CheckpointState:
    if checkpoint.deleted_by is not None:
        return "deleting"
    return "committed" if checkpoint.damaged_at is None else "damaged"


def _answer(checkpoint: Checkpoint, run: tuple[str, str], aliases: list[str], kept: Sequence[Hold]) -> CheckpointAnswer:
    names = ("id", "run_id", "attempt", "step", "tokens", "metrics", "bytes", "files", "damage", "pinned_by")
    told = {name: getattr(checkpoint, name) for name in names}
    state = state_of(checkpoint)
    return CheckpointAnswer(
        **told,
        run_name=run[0],
        project=run[1],
        created_at=iso(checkpoint.created_at),
        state=state,
        verified_at=iso_or_none(checkpoint.verified_at),
        pinned=checkpoint.pinned_by is not None,
        aliases=aliases,
        left_behind=checkpoint.left_behind_at is not None,
        kept_because=[hold.reason for hold in kept],
        expires_at=None if kept or state == "deleting" else iso_or_none(checkpoint.expires_at),
    )
