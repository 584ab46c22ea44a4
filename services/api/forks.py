"""New runs out of old ones: a fork goes on from a checkpoint with other settings, a replay does the same again from the beginning."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.api.answers import RunAnswer, run_answers
from services.api.checkpoint_models import Checkpoint
from services.api.choosing import must_be_usable
from services.api.estimate import estimate
from services.api.journal import journal_of, note_changes, spec_at
from services.api.models import IdempotencyKey, Run
from services.api.outbox import record
from services.api.parts import parts
from services.api.paths import Id, RunPath
from services.api.rollback import go_to_origin, no_such_checkpoint
from services.api.room import measure, preflight
from services.api.rows import lock_all, locked
from services.api.submit import Submission, create, too_few_slots, too_few_tokens
from serving.idempotency import Answer, once, repeated
from serving.principal import principal
from shared.errors import Conflict, FieldError, InvalidFields, NotFound
from shared.internal import Resolved
from shared.run_events import RunForked
from shared.spec import Name, RunSpec, parse_spec

api = APIBlueprint("forks", __name__)
_KEPT: Final = ("dataset", "tokenizer", "train.seed", "train.evaluate.holdout")
"""What a checkpoint was made with, and what goes on from it has too; and of the model everything but its dropout."""


class ForkBody(BaseModel):
    """`overrides`: parts of a run spec. What is not named is as it was at the checkpoint, changed hyperparameters included."""

    model_config = ConfigDict(extra="forbid")
    checkpoint_id: Id
    name: Name | None = None
    overrides: dict[str, Any] = Field(default_factory=dict, examples=[{"train": {"steps": 4000, "optimizer": {"lr": 0.0003}}}])


class ReplayBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: Annotated[Name | None, Field(description="else the run's own with -replay")] = None


@api.post("/api/v1/runs/<run_id>/fork", responses={201: RunAnswer})
def fork_run(path: RunPath, body: ForkBody) -> Answer:
    """Start a new run from a checkpoint of this one, with some settings changed

    Weights, optimizer, random numbers and the place in the data go on; steps are counted on. The model's shape and the data stay.
    """
    if answer := repeated(parts().database, IdempotencyKey):
        return answer
    capacity = parts().storage.capacity()

    def insert(session: Session) -> Answer:
        parent = _locked(session, path.run_id)
        checkpoint = session.get(Checkpoint, body.checkpoint_id)
        if checkpoint is None or checkpoint.run_id != parent.id:
            raise no_such_checkpoint(parent, body.checkpoint_id)
        must_be_usable(checkpoint)
        spec = _forked_spec(session, parent, checkpoint, body)
        with _as_overrides():
            run = _create(session, parent, spec, capacity=capacity)
        run.parent_id, run.origin_checkpoint_id, run.origin_step = parent.id, checkpoint.id, checkpoint.step
        go_to_origin(session, run)
        event = RunForked(parent_id=parent.id, checkpoint_id=checkpoint.id, step=checkpoint.step, by=principal().name)
        record(session, run.id, event, parts().clock())
        return _told(session, run)

    return once(parts().database, IdempotencyKey, insert)


@api.post("/api/v1/runs/<run_id>/replay", responses={201: RunAnswer})
def replay_run(path: RunPath, body: ReplayBody) -> Answer:
    """Do a run again from its beginning, with every change at the step at which it was applied

    On a CPU, with as many processes, its losses are the same to the last bit.
    """
    if answer := repeated(parts().database, IdempotencyKey):
        return answer
    capacity = parts().storage.capacity()

    def insert(session: Session) -> Answer:
        source = _locked_with_parent(session, path.run_id)
        spec = RunSpec.model_validate({**source.spec, "name": body.name or _named(source.name, "replay")})
        _must_have_origin(session, source)
        run = _create(session, source, spec, capacity=capacity)
        run.journal = [entry.model_dump(mode="json") for entry in journal_of(session, source)]
        run.replay_of, run.parent_id = source.id, source.parent_id
        run.origin_checkpoint_id, run.origin_step = source.origin_checkpoint_id, source.origin_step
        go_to_origin(session, run)
        note_changes(session, run)
        return _told(session, run)

    return once(parts().database, IdempotencyKey, insert)


def _locked(session: Session, run_id: str) -> Run:
    """So that no checkpoint of it goes meanwhile."""
    run = locked(session, Run, run_id)
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    return run


def _locked_with_parent(session: Session, run_id: str) -> Run:
    """Nor of the run whose checkpoint it began from."""
    lock_all(session, Run, [run_id, session.scalar(select(Run.parent_id).where(Run.id == run_id))])
    return _locked(session, run_id)


def _must_have_origin(session: Session, source: Run) -> None:
    origin = session.get(Checkpoint, source.origin_checkpoint_id, populate_existing=True) if source.origin_checkpoint_id else None
    if source.origin_checkpoint_id and (origin is None or origin.deleted_by is not None):
        raise Conflict(f"the checkpoint that run {source.name} began from is deleted", remedy="fork from another", code="no-checkpoint")
    if origin is not None:
        must_be_usable(origin)


def _forked_spec(session: Session, parent: Run, checkpoint: Checkpoint, body: ForkBody) -> RunSpec:
    """Raises InvalidFields: the paths are those of the overrides."""
    source = spec_at(session, parent, checkpoint.step, left_behind_at=checkpoint.left_behind_at)
    given = _merged(source.model_dump(mode="json"), body.overrides)
    given["name"] = body.name or body.overrides.get("name") or _named(parent.name, "fork")
    with _as_overrides():
        spec = parse_spec(given)
    changed = [path for path in (*_KEPT, *_shape(source)) if _at(source, path) != _at(spec, path)]
    errors = [FieldError(f"overrides.{path}", "is the checkpoint's and cannot be changed; submit a new run for that") for path in changed]
    if spec.train.steps <= checkpoint.step:
        errors.append(
            FieldError("overrides.train.steps", f"{spec.train.steps} are done: the checkpoint is of step {checkpoint.step}; use more")
        )
    if errors:
        raise InvalidFields(tuple(errors))
    return spec


@contextlib.contextmanager
def _as_overrides() -> Iterator[None]:
    """A mistake in the new spec is one of the overrides."""
    try:
        yield
    except InvalidFields as fault:
        raise InvalidFields(tuple(FieldError(f"overrides.{error.field}", error.message) for error in fault.errors)) from None


def _shape(spec: RunSpec) -> list[str]:
    return [f"model.{name}" for name in type(spec.model).model_fields if name != "dropout"]


def _at(spec: RunSpec, path: str) -> Any:
    found: Any = spec
    for name in path.split("."):
        found = getattr(found, name)
    return found


def _merged(values: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Unknown names stay, for `parse_spec` to refuse."""
    both = {
        name: _merged(values[name], new) for name, new in change.items() if isinstance(new, dict) and isinstance(values.get(name), dict)
    }
    return {**values, **change, **both}


def _named(name: str, what: str) -> str:
    return f"{name[: 62 - len(what)]}-{what}"


def _create(session: Session, source: Run, spec: RunSpec, *, capacity: Any) -> Run:
    """With the very versions of data and tokenizer that the source has. Raises InvalidFields where the cluster is too small."""
    resolved = Resolved.model_validate(source.resolved)
    cost = estimate(spec, resolved.tokenizer)
    too_large, warnings = preflight(measure(session, parts().keeping.quota, capacity), spec, cost.checkpoint_bytes)
    tokens = int(resolved.dataset.bytes / resolved.tokenizer.bytes_per_token)
    if errors := [*too_few_tokens(spec, tokens), *too_few_slots(session, spec), *too_large]:
        raise InvalidFields(tuple(errors))
    run = create(session, Submission(spec, resolved, cost, warnings), by=principal().name, now=parts().clock())
    session.flush()
    return run


def _told(session: Session, run: Run) -> Answer:
    session.flush()
    return run_answers(session, [run])[0].model_dump(mode="json"), 201
