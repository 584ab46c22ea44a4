"""Commands: a person asks a run to stop or to end. What no worker has taken up ends at once; a running one is told with the heartbeat."""

from collections.abc import Mapping
from typing import Final, Literal

from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.api.answers import CommandPage, command_answer
from services.api.attempts import end_unclaimed, finish
from services.api.models import Command, IdempotencyKey, Run
from services.api.outbox import record
from services.api.paging import newest_first
from services.api.parts import parts
from services.api.paths import RunPath
from services.api.rows import locked
from services.api.states import change_state
from serving.idempotency import Answer, once
from serving.ids import new_id
from serving.paging import PageQuery
from serving.principal import principal
from shared.errors import Conflict, NotFound
from shared.names import FINAL_STATES, RunState
from shared.run_events import CommandRequested

api = APIBlueprint("commands", __name__)
_S = RunState
LEGAL: Final[Mapping[str, frozenset[RunState]]] = {
    "stop": frozenset({_S.QUEUED, _S.STARTING, _S.RUNNING, _S.PAUSING, _S.PAUSED}),
    "kill": frozenset({_S.QUEUED, _S.STARTING, _S.RUNNING, _S.PAUSING, _S.PAUSED, _S.STOPPING}),
}
"""In which states a command makes sense."""
_WISH: Final[Mapping[str, RunState]] = {"stop": RunState.STOPPED, "kill": RunState.KILLED}


class CommandBody(BaseModel):
    """`stop` ends the run after its current step, with a checkpoint; `kill` ends its processes at once."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["stop", "kill"]


class CommandRequestedAnswer(BaseModel):
    command_id: str
    type: str
    state: str


@api.post("/api/v1/runs/<run_id>/commands", responses={202: CommandRequestedAnswer})
def request_command(path: RunPath, body: CommandBody) -> Answer:
    """Ask a run to stop or end it at once"""

    def create(session: Session) -> Answer:
        command = ask(session, path.run_id, body.type, by=principal().name, now=parts().clock())
        return CommandRequestedAnswer(command_id=command.id, type=command.type, state="requested").model_dump(), 202

    return once(parts().database, IdempotencyKey, create)


@api.get("/api/v1/runs/<run_id>/commands", responses={200: CommandPage})
def list_commands(path: RunPath, query: PageQuery) -> Answer:
    """What a run was asked to do, newest first"""
    with parts().database.reading() as session:
        if session.get(Run, path.run_id) is None:
            raise NotFound(f"there is no run {path.run_id}")
        rows, cursor = newest_first(session, select(Command).where(Command.run_id == path.run_id), Command, query)
    return CommandPage(items=[command_answer(row) for row in rows], next_cursor=cursor).model_dump(), 200


def ask(session: Session, run_id: str, kind: Literal["stop", "kill"], *, by: str, now: float) -> Command:
    """Raises NotFound, and Conflict where the run's state does not allow it."""
    run = locked(session, Run, run_id)
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    _check_legal(run, kind)
    command = Command(id=new_id("cmd"), run_id=run.id, type=kind, state="requested", by=by, created_at=now)
    session.add(command)
    record(session, run.id, CommandRequested(command_id=command.id, command=kind, by=by), now)
    run.wish = _WISH[kind]
    if run.current_attempt_id is None or end_unclaimed(session, run, run.current_attempt_id, _WISH[kind], now):
        session.flush()
        finish(session, run, _WISH[kind], by=by, reason=f"{kind} requested by {by}", now=now)
    elif run.state != RunState.STOPPING:
        change_state(session, run, RunState.STOPPING, by=by, reason=f"{kind} requested by {by}", now=now)
    return command


def _check_legal(run: Run, kind: str) -> None:
    if run.state in LEGAL[kind]:
        return
    if run.state in FINAL_STATES:
        raise Conflict(f"run {run.name} has ended ({run.state}); there is nothing to {kind}", code="run-ended")
    raise Conflict(f"run {run.name} is {run.state} already", remedy="use 'kill' to end it at once")
