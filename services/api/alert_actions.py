"""What a detector asks of a run: a person's command, asked once however often the request is repeated."""

from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.api.asking import Wish, ask
from services.api.commit import checkpoints_newest_first
from services.api.models import Command, IdempotencyKey, Run
from services.api.rows import locked
from shared.alert_actions import AlertAction, AlertCommand
from shared.commands import CommandType
from shared.errors import Conflict, NotFound

_BY: Final = "detector "
"""Who asked, in front of the detector's name: no token may be named so, since names have no blanks."""
_PRINCIPAL: Final = "all detectors"
"""Of their keys. With a blank, too: whoever had that name could use up an alert's key, and nothing would be done about it."""


def act(session: Session, run_id: str, asked: AlertAction, now: float) -> AlertCommand:
    """Raises NotFound, InvalidField, and Conflict where the run has gone on since, what was found has passed, or it is not allowed."""
    run = locked(session, Run, run_id)
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    known = session.get(IdempotencyKey, (_PRINCIPAL, asked.alert_id))
    if known is not None:
        return AlertCommand.model_validate(known.body)
    if asked.passed:
        raise Conflict(asked.passed, code="alert-passed")
    if asked.attempt and run.attempt_count != asked.attempt:
        raise Conflict(f"it was found in attempt {asked.attempt}, and the run is at attempt {run.attempt_count}", code="stale-alert")
    wish = Wish(CommandType.PAUSE) if asked.action == "pause" else _rollback(session, run, asked)
    command = ask(session, run_id, wish, by=f"{_BY}{asked.detector}", now=now)
    answer = AlertCommand(command_id=command.id, state=command.state)
    body = answer.model_dump()
    session.add(IdempotencyKey(principal=_PRINCIPAL, key=asked.alert_id, request_digest=asked.action, status=200, body=body))
    return answer


def _rollback(session: Session, run: Run, asked: AlertAction) -> Wish:
    """To the newest checkpoint of before what was found, so many times at most: the same data may do the same harm again."""
    own = (Command.run_id == run.id, Command.type == CommandType.ROLLBACK, Command.by.startswith(_BY), Command.state != "rejected")
    done = session.scalar(select(func.count()).select_from(Command).where(*own)) or 0
    if done >= asked.max_rollbacks:
        remedy = "look at the run, and roll it back by hand with another learning rate"
        raise Conflict(f"detectors have rolled it back {done} times, as often as they may", remedy=remedy, code="too-many-rollbacks")
    before = [checkpoint for checkpoint in checkpoints_newest_first(session, run.id) if checkpoint.step < asked.step]
    if not before:
        remedy = "lower train.checkpoint.every"
        raise Conflict(f"there is no checkpoint of before step {asked.step}", remedy=remedy, code="no-checkpoint")
    return Wish(CommandType.ROLLBACK, {"checkpoint_id": before[0].id})
