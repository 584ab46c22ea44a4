"""What the API says of runs and commands: the shapes, and how they come from the tables."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.api.failures import read
from services.api.journal import spec_now
from services.api.models import Attempt, Command, Run
from serving.times import iso, iso_or_none
from shared.commands import CommandType
from shared.failures import Failure
from shared.internal import Resolved
from shared.names import RunState
from shared.spec import RunSpec, TrainSpec


class AttemptAnswer(BaseModel):
    id: str
    attempt: int
    state: Literal["placed", "claimed", "running", "succeeded", "failed", "stopped", "killed", "lost", "paused", "preempted", "rolled_back"]
    worker: str
    slots: list[str]
    reason: str
    failure: Failure | None
    preempted: bool
    resume_step: int
    started_at: str | None
    ended_at: str | None


class ProgressAnswer(BaseModel):
    step: int
    steps: int
    tokens: int
    loss: float | None
    tokens_per_second: float | None
    eta_seconds: float | None


class OriginAnswer(BaseModel):
    """The checkpoint of another run that this one begins from."""

    checkpoint_id: str
    step: int


class RunAnswer(BaseModel):
    """`reason`: why it waits, or how it ended. `resolved`: the versions that `spec` meant when it was submitted. `train`: the spec's
    section as it is now, after what was changed. `failure`: what its last attempt died of. `holds_slots`: it is paused and keeps them.
    `parent_id`, `origin`: of a run that was forked. `replay_of`: the run whose spec and journal it repeats.
    """

    id: str
    name: str
    project: str
    state: RunState
    reason: str
    created_at: str
    created_by: str
    started_at: str | None
    ended_at: str | None
    spec: RunSpec
    resolved: Resolved
    attempts: list[AttemptAnswer]
    progress: ProgressAnswer
    summary: dict[str, float]
    train: TrainSpec
    failure: Failure | None
    holds_slots: bool
    parent_id: str | None
    origin: OriginAnswer | None
    replay_of: str | None


class RunPage(BaseModel):
    items: list[RunAnswer]
    next_cursor: str | None


class CommandAnswer(BaseModel):
    """`step`, `ranks`: applied after this step, on so many processes. `undone`: the run was rolled back to before it."""

    command_id: str
    type: CommandType
    arguments: dict[str, Any]
    state: Literal["requested", "accepted", "applied", "rejected"]
    step: int | None
    ranks: int | None
    reason: str
    by: str
    created_at: str
    accepted_at: str | None
    ended_at: str | None
    undone: bool


class CommandPage(BaseModel):
    items: list[CommandAnswer]
    next_cursor: str | None


def run_answers(session: Session, runs: Sequence[Run]) -> list[RunAnswer]:
    query = select(Attempt).where(Attempt.run_id.in_([run.id for run in runs])).order_by(Attempt.number)
    attempts: dict[str, list[Attempt]] = {}
    for attempt in session.scalars(query):
        attempts.setdefault(attempt.run_id, []).append(attempt)
    return [_run_answer(run, attempts.get(run.id, ())) for run in runs]


def _run_answer(run: Run, attempts: Iterable[Attempt]) -> RunAnswer:
    spec, now = RunSpec.model_validate(run.spec), spec_now(run)
    origin = run.origin_checkpoint_id
    return RunAnswer(
        id=run.id,
        name=run.name,
        project=run.project,
        state=RunState(run.state),
        reason=run.reason,
        created_at=iso(run.created_at),
        created_by=run.created_by,
        started_at=iso_or_none(run.started_at),
        ended_at=iso_or_none(run.ended_at),
        spec=spec,
        resolved=Resolved.model_validate(run.resolved),
        attempts=[_attempt_answer(attempt) for attempt in attempts],
        progress=_progress_answer(run, now),
        summary=run.summary,
        train=now.train,
        failure=read(run.failure),
        holds_slots=run.state == RunState.PAUSED and run.current_attempt_id is not None,
        parent_id=run.parent_id,
        origin=OriginAnswer(checkpoint_id=origin, step=run.origin_step or 0) if origin else None,
        replay_of=run.replay_of,
    )


def _attempt_answer(attempt: Attempt) -> AttemptAnswer:
    told = {name: getattr(attempt, name) for name in ("id", "state", "worker", "reason", "resume_step")}
    times = {"started_at": iso_or_none(attempt.started_at), "ended_at": iso_or_none(attempt.ended_at)}
    more = {
        "failure": read(attempt.failure),
        "preempted": attempt.preempted_at is not None,
        "slots": [slot["id"] for slot in attempt.slots],
    }
    return AttemptAnswer(**told, **times, **more, attempt=attempt.number)


def _progress_answer(run: Run, spec: RunSpec) -> ProgressAnswer:
    left = (spec.train.steps - run.step) * spec.train.batch_size * spec.model.sequence_length
    moving = run.state == RunState.RUNNING and run.tokens_per_second
    return ProgressAnswer(
        step=run.step,
        steps=spec.train.steps,
        tokens=run.tokens,
        loss=run.loss,
        tokens_per_second=run.tokens_per_second,
        eta_seconds=left / run.tokens_per_second if moving and run.tokens_per_second else None,
    )


def command_answer(command: Command) -> CommandAnswer:
    told = {name: getattr(command, name) for name in ("type", "arguments", "state", "step", "ranks", "reason", "by")}
    times = {name: iso_or_none(getattr(command, name)) for name in ("accepted_at", "ended_at")}
    undone = command.undone_at is not None
    return CommandAnswer(command_id=command.id, created_at=iso(command.created_at), undone=undone, **times, **told)
