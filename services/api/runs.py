"""Runs: submit, check, list, show, delete."""

from collections.abc import Iterable
from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, RootModel
from pydantic.json_schema import JsonSchemaValue
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from services.api.answers import RunAnswer, RunPage, run_answers
from services.api.deletion import forget_all, mark_run
from services.api.estimate import Estimate
from services.api.models import Attempt, Command, IdempotencyKey, Run
from services.api.outbox import record
from services.api.paging import newest_first
from services.api.parts import parts
from services.api.paths import RunPath
from services.api.rows import locked
from services.api.submit import check, create
from services.api.witness import DeletedRun
from serving.idempotency import Answer, once, repeated
from serving.paging import PageQuery
from serving.principal import principal
from shared.errors import Conflict, FieldError, InvalidField, InvalidFields, NotFound
from shared.names import CLUSTER_TOPIC, FINAL_STATES, RunState
from shared.run_events import RunDeleted
from shared.spec import Name, RunSpec

api = APIBlueprint("runs", __name__)


class SubmittedSpec(RootModel[Any]):
    """A run spec as it was sent. `parse_spec` reads it, which names the nearest known field for an unknown one."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(RunSpec.__pydantic_core_schema__)


class RunQuery(PageQuery):
    state: RunState | None = None
    project: Name | None = None
    q: str | None = Field(None, max_length=63, pattern=r"^[^\x00]*$", description="part of the name")


class SpecError(BaseModel):
    field: str
    message: str


class Validation(BaseModel):
    """`estimate` is null where the spec is not good enough to tell."""

    model_config = ConfigDict(extra="forbid")
    valid: bool
    errors: list[SpecError]
    warnings: list[SpecError]
    estimate: Estimate | None


class SubmittedRun(RunAnswer):
    """`warnings`: what may go wrong later."""

    warnings: list[SpecError]


class RunDeletion(BaseModel):
    model_config = ConfigDict(extra="forbid")
    force: bool = Field(False, description="also where checkpoints are pinned or have aliases")


@api.post("/api/v1/runs", responses={201: SubmittedRun})
def create_run(body: SubmittedSpec) -> Answer:
    """Submit a run

    The spec is checked, completed with defaults and frozen; dataset and tokenizer are fixed to their present versions.
    """
    if answer := repeated(parts().database, IdempotencyKey):
        return answer  # whatever has changed or is down since then
    submission = check(parts(), body.root)

    def insert(session: Session) -> Answer:
        run = create(session, submission, by=principal().name, now=parts().clock())
        session.flush()
        answer = SubmittedRun(**dict(run_answers(session, [run])[0]), warnings=_told(submission.warnings))
        return answer.model_dump(mode="json"), 201

    return once(parts().database, IdempotencyKey, insert)


@api.post("/api/v1/runs/validate", responses={200: Validation})
def validate_run(body: SubmittedSpec) -> Answer:
    """Check a run spec and estimate its cost, without submitting it"""
    try:
        submission = check(parts(), body.root)
    except (InvalidField, InvalidFields) as fault:
        return Validation(valid=False, errors=_told(fault.errors), warnings=[], estimate=None).model_dump(), 200
    return Validation(valid=True, errors=[], warnings=_told(submission.warnings), estimate=submission.cost).model_dump(), 200


def _told(faults: Iterable[FieldError]) -> list[SpecError]:
    return [SpecError(field=fault.field, message=fault.message) for fault in faults]


@api.get("/api/v1/runs", responses={200: RunPage})
def list_runs(query: RunQuery) -> Answer:
    """List runs, newest first"""
    runs = select(Run)
    if query.state:
        runs = runs.where(Run.state == query.state)
    if query.project:
        runs = runs.where(Run.project == query.project)
    if query.q:
        runs = runs.where(func.lower(Run.name).contains(query.q.lower(), autoescape=True))
    with parts().database.reading() as session:
        rows, cursor = newest_first(session, runs, Run, query)
        return RunPage(items=run_answers(session, rows), next_cursor=cursor).model_dump(mode="json"), 200


@api.get("/api/v1/runs/<run_id>", responses={200: RunAnswer})
def get_run(path: RunPath) -> Answer:
    """Show a run"""
    with parts().database.reading() as session:
        run = session.get(Run, path.run_id)
        if run is None:
            raise NotFound(f"there is no run {path.run_id}")
        return run_answers(session, [run])[0].model_dump(mode="json"), 200


@api.delete("/api/v1/runs/<run_id>", responses={204: None})
def delete_run(path: RunPath, query: RunDeletion) -> tuple[str, int]:
    """Delete a run that has ended, with its checkpoints; its history follows

    409 `checkpoint-needed` with the reasons where one is pinned or has an alias, unless `force` is true.
    """
    with parts().database.writing() as session:
        _must_have_ended(locked(session, Run, path.run_id), path.run_id)
        mark_run(session, path.run_id, by=principal().name, force=query.force)
    parts().storage.delete_run_objects(path.run_id)  # a failure here leaves the run to be deleted again
    with parts().database.writing() as session:
        _must_have_ended(locked(session, Run, path.run_id), path.run_id)
        for topic in (path.run_id, CLUSTER_TOPIC):
            record(session, topic, RunDeleted(run_id=path.run_id, by=principal().name), parts().clock())
        forget_all(session, [path.run_id])
        for table in (Command, Attempt):
            session.execute(delete(table).where(table.run_id == path.run_id))
        session.execute(delete(Run).where(Run.id == path.run_id))
        session.add(DeletedRun(id=path.run_id, deleted_at=parts().clock(), deleted_by=principal().name))
    return "", 204


def _must_have_ended(run: Run | None, run_id: str) -> None:
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    if run.state not in FINAL_STATES:
        raise Conflict(f"run {run.name} is {run.state}", remedy="stop it first; a run is deleted when it has ended")
