"""Commands over HTTP: a person asks a run to change, and sees what became of that."""

from collections.abc import Mapping
from typing import Any, Final

from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.api.answers import CommandPage, command_answer
from services.api.asking import Wish, ask
from services.api.models import Command, IdempotencyKey, Run
from services.api.paging import newest_first
from services.api.parts import parts
from services.api.paths import RunPath
from serving.idempotency import Answer, once
from serving.paging import PageQuery
from serving.principal import principal
from shared.commands import CommandType, Hyperparameters
from shared.errors import FieldError, InvalidFields, NotFound
from shared.spec import Prompt

api = APIBlueprint("commands", __name__)
_ARGUMENTS: Final[Mapping[str, CommandType]] = {
    "hold": CommandType.PAUSE,
    "from_scratch": CommandType.RESUME,
    "changes": CommandType.SET_HYPERPARAMETERS,
    "prompts": CommandType.SAMPLE,
    "checkpoint_id": CommandType.ROLLBACK,
}
"""Which command a field belongs to."""
_NEEDED: Final = {CommandType.SET_HYPERPARAMETERS: "changes", CommandType.ROLLBACK: "checkpoint_id"}


class CommandBody(BaseModel):
    """`stop` ends the run after its current step, with a checkpoint; `kill` ends its processes at once. All others are done between two
    steps, on all ranks between the same two, and are part of the run's next checkpoint.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    type: CommandType
    hold: bool = Field(False, description="pause: keep the slots, with the processes standing still")
    from_scratch: bool = Field(False, description="resume: begin at the first step, and leave all checkpoints behind")
    changes: Hyperparameters = Hyperparameters()
    prompts: list[Prompt] = Field(default_factory=list, max_length=16, description="sample: instead of the run's own")
    checkpoint_id: str = Field("", pattern=r"^[A-Za-z0-9_-]{0,100}$", description="rollback: where to go back to")

    def wish(self) -> Wish:
        """Raises InvalidFields for what does not belong to this command, or is missing."""
        faults = [
            FieldError(name, f"belongs to '{kind}', not to '{self.type}'")
            for name, kind in _ARGUMENTS.items()
            if name in self.model_fields_set and kind != self.type
        ]
        needed = _NEEDED.get(self.type)
        if needed and not self._told(needed):
            faults.append(
                FieldError(needed, f"'{self.type}' needs it" if needed == "checkpoint_id" else "nothing is changed; give a field of it")
            )
        if faults:
            raise InvalidFields(tuple(faults))
        if self.type == CommandType.SET_HYPERPARAMETERS:
            return Wish(self.type, self.changes.told())
        return Wish(self.type, {name: self._told(name) for name, kind in _ARGUMENTS.items() if kind == self.type and self._told(name)})

    def _told(self, name: str) -> Any:
        return self.changes.told() if name == "changes" else getattr(self, name)


class CommandRequestedAnswer(BaseModel):
    """`state`: `requested`; or `applied`, where no worker was needed for it."""

    command_id: str
    type: CommandType
    state: str


@api.post("/api/v1/runs/<run_id>/commands", responses={202: CommandRequestedAnswer})
def request_command(path: RunPath, body: CommandBody) -> Answer:
    """Ask a run to change: pause, resume, stop, save, set hyperparameters, ...

    409 `command-conflict` while another command stands in its way, `run-ended`, `wrong-state`, `no-checkpoint`; 422 names the field.
    """
    wish = body.wish()

    def create(session: Session) -> Answer:
        command = ask(session, path.run_id, wish, by=principal().name, now=parts().clock())
        return CommandRequestedAnswer(command_id=command.id, type=wish.type, state=command.state).model_dump(), 202

    return once(parts().database, IdempotencyKey, create)


@api.get("/api/v1/runs/<run_id>/commands", responses={200: CommandPage})
def list_commands(path: RunPath, query: PageQuery) -> Answer:
    """What a run was asked to do, newest first"""
    with parts().database.reading() as session:
        if session.get(Run, path.run_id) is None:
            raise NotFound(f"there is no run {path.run_id}")
        rows, cursor = newest_first(session, select(Command).where(Command.run_id == path.run_id), Command, query)
    return CommandPage(items=[command_answer(row) for row in rows], next_cursor=cursor).model_dump(), 200
