"""What a person may ask of a run, when, and what that does at once. What no worker has taken up needs none to obey."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy.orm import Session

from services.api.attempts import end_unclaimed
from services.api.commit import newest_step
from services.api.endings import finish, rest
from services.api.journal import folded, journal_of, open_commands, spec_at, spec_now
from services.api.models import Command, Run
from services.api.outbox import record
from services.api.rollback import begin_anew, can_resume, roll_back, target
from services.api.rows import locked
from services.api.settling import settle
from services.api.states import change_state
from serving.ids import new_id
from shared.commands import CommandType, Hyperparameters, JournalEntry, with_hyperparameters
from shared.errors import Conflict, FieldError, InvalidField, InvalidFields, NotFound
from shared.names import FINAL_STATES, RunState
from shared.run_events import CommandRequested

_S, _T = RunState, CommandType
_AT_WORK: Final = frozenset({_S.STARTING, _S.RUNNING})
_GOING: Final = frozenset({_S.QUEUED, _S.STARTING, _S.RUNNING, _S.PAUSING, _S.PAUSED})
LEGAL: Final[Mapping[CommandType, frozenset[RunState]]] = {
    _T.STOP: _GOING,
    _T.KILL: _GOING | {_S.STOPPING},
    _T.PAUSE: frozenset({_S.QUEUED, *_AT_WORK}),
    _T.RESUME: frozenset({_S.PAUSED}),
    _T.SAVE_CHECKPOINT: _AT_WORK,
    _T.EVALUATE: _AT_WORK,
    _T.SAMPLE: _AT_WORK,
    _T.SET_HYPERPARAMETERS: _GOING,
    _T.ROLLBACK: _GOING,
}
"""In which states a command makes sense."""
_ENDING: Final = frozenset({_T.STOP, _T.KILL})
CONFLICTS: Final[Mapping[CommandType, frozenset[CommandType]]] = {
    _T.STOP: frozenset(_T) - {_T.KILL},
    _T.KILL: frozenset(_T),
    _T.PAUSE: frozenset(_T) - _ENDING - {_T.SET_HYPERPARAMETERS},
    _T.RESUME: frozenset(_T) - _ENDING - {_T.SET_HYPERPARAMETERS},
    _T.ROLLBACK: frozenset(_T) - _ENDING,
    _T.SAVE_CHECKPOINT: frozenset({_T.SAVE_CHECKPOINT}),
    _T.EVALUATE: frozenset({_T.EVALUATE}),
    _T.SAMPLE: frozenset({_T.SAMPLE}),
    _T.SET_HYPERPARAMETERS: frozenset(),
}
"""What cannot be asked while one of these is open. Changes of hyperparameters conflict where they change the same field of a run that has
an attempt; of one that waits, the later change holds, so that a mistake can be put right.
"""
_REMEDIES: Final[Mapping[str, str]] = {
    _S.STOPPING: "use 'kill' to end it at once",
    _S.PAUSED: "resume it first",
    _S.QUEUED: "wait until it runs",
    _S.STARTING: "wait until it runs, or pause it first",
    _S.RUNNING: "pause it first",
    _S.PAUSING: "wait until it is paused",
}


@dataclass(frozen=True)
class Wish:
    """`arguments`: as in shared.conversation.CommandOrder; of resume `{"from_scratch": bool}`."""

    type: CommandType
    arguments: dict[str, Any] = field(default_factory=dict)


def ask(session: Session, run_id: str, wish: Wish, *, by: str, now: float) -> Command:
    """Raises NotFound, InvalidField(s), and Conflict where the run's state or another command does not allow it."""
    run = locked(session, Run, run_id)
    if run is None:
        raise NotFound(f"there is no run {run_id}")
    _check_legal(run, wish.type)
    others = open_commands(session, run.id)
    _check_conflicts(run, wish, others)
    arguments = _CHECKS.get(wish.type, _unchecked)(session, run, wish.arguments, others)
    asked = {"type": wish.type, "arguments": arguments, "by": by, "created_at": _after(others, now)}
    command = Command(id=new_id("cmd"), run_id=run.id, state="requested", **asked)
    session.add(command)
    record(session, run.id, CommandRequested(command_id=command.id, command=wish.type, by=by, arguments=arguments), now)
    session.flush()
    _EFFECTS.get(wish.type, _wait)(session, run, command, now)
    return command


def _after(others: list[Command], now: float) -> float:
    """So that they keep their order, whatever the clock does."""
    return max([now, *(other.created_at + 1e-6 for other in others)])


def _check_legal(run: Run, kind: CommandType) -> None:
    if run.state in LEGAL[kind]:
        return
    if run.state in FINAL_STATES:
        remedy = "fork from one of its checkpoints, replay it or submit it again"
        raise Conflict(f"run {run.name} has ended ({run.state}); there is nothing to {kind}", remedy=remedy, code="run-ended")
    raise Conflict(f"run {run.name} is {run.state}; it cannot {kind} now", remedy=_REMEDIES.get(run.state, ""), code="wrong-state")


def _check_conflicts(run: Run, wish: Wish, others: list[Command]) -> None:
    for other in others:
        kind, same = CommandType(other.type), _changed_by_both(wish, other) if run.current_attempt_id else []
        if wish.type in CONFLICTS[kind] or same:
            what = f"'{kind}' of {other.by} ({other.id})" + (f", which changes {', '.join(same)}," if same else "")
            raise Conflict(f"{what} is still open for run {run.name}", remedy="wait until it is applied", code="command-conflict")


def _changed_by_both(wish: Wish, other: Command) -> list[str]:
    if not wish.type == other.type == _T.SET_HYPERPARAMETERS:
        return []
    new, old = (Hyperparameters.model_validate(arguments).changes() for arguments in (wish.arguments, other.arguments))
    return sorted(new.keys() & old.keys())


# --- what is checked, and what a command is told with ---------------------------------------------------------------------------------

Check = Callable[[Session, Run, dict[str, Any], list[Command]], dict[str, Any]]


def _unchecked(_session: Session, _run: Run, arguments: dict[str, Any], _others: list[Command]) -> dict[str, Any]:
    return arguments


def _check_pause(_session: Session, run: Run, arguments: dict[str, Any], _others: list[Command]) -> dict[str, Any]:
    if arguments.get("hold") and run.state != RunState.RUNNING:
        raise Conflict(
            f"run {run.name} is {run.state} and holds no slots that it could keep", remedy="pause it without hold", code="wrong-state"
        )
    return arguments


def _check_resume(session: Session, run: Run, arguments: dict[str, Any], _others: list[Command]) -> dict[str, Any]:
    if run.current_attempt_id is None and not arguments.get("from_scratch") and not can_resume(session, run):
        remedy = "resume it with from_scratch: true to begin at its first step, or fork from another checkpoint"
        raise Conflict(f"run {run.name} has no checkpoint to go on from", remedy=remedy, code="no-checkpoint")
    if run.current_attempt_id is not None and arguments.get("from_scratch"):
        raise InvalidField("from_scratch", "the run holds its slots and its state; stop it and submit it again to begin anew")
    return arguments


def _check_changes(session: Session, run: Run, arguments: dict[str, Any], others: list[Command]) -> dict[str, Any]:
    """Against the run as it will be once what is still open is applied, and against what its next steps make again of its journal."""
    change = Hyperparameters.model_validate(arguments)
    pending = [_entry(command, run.step) for command in others if command.type == _T.SET_HYPERPARAMETERS]
    step = run.step if run.current_attempt_id else max(newest_step(session, run.id), run.origin_step or 0)
    ahead = [entry for entry in journal_of(session, run) if entry.step > step]  # made again, after this one
    try:
        with_hyperparameters(folded(spec_now(run), pending), change)
        folded(with_hyperparameters(folded(spec_at(session, run, step), pending), change), ahead)
    except InvalidFields as fault:
        raise InvalidFields(tuple(FieldError(_in_body(error.field), error.message) for error in fault.errors)) from None
    if change.steps is not None and change.steps < run.step:
        raise InvalidField("changes.steps", f"the run is at step {run.step} already; use at least that, or stop it")
    return arguments


def _entry(command: Command, step: int) -> JournalEntry:
    return JournalEntry(step=step, command_id=command.id, type=command.type, arguments=command.arguments)


def _in_body(path: str) -> str:
    return f"changes.{path.removeprefix('train.')}"


def _check_rollback(session: Session, run: Run, arguments: dict[str, Any], _others: list[Command]) -> dict[str, Any]:
    checkpoint = target(session, run, arguments["checkpoint_id"])
    return {"checkpoint_id": checkpoint.id, "step": checkpoint.step}


_CHECKS: Final[Mapping[CommandType, Check]] = {
    _T.PAUSE: _check_pause,
    _T.RESUME: _check_resume,
    _T.SET_HYPERPARAMETERS: _check_changes,
    _T.ROLLBACK: _check_rollback,
}


# --- what happens at once -------------------------------------------------------------------------------------------------------------


def _wait(_session: Session, _run: Run, _command: Command, _now: float) -> None:
    """For the worker, or for the next attempt."""


def _end(session: Session, run: Run, command: Command, now: float) -> None:
    run.wish = end = {_T.STOP: RunState.STOPPED, _T.KILL: RunState.KILLED}[CommandType(command.type)]
    reason = f"{command.type} requested by {command.by}"
    if _nobody_works_on(session, run, end, now):
        finish(session, run, end, by=command.by, reason=reason, now=now)
    elif run.state != RunState.STOPPING:
        change_state(session, run, RunState.STOPPING, by=command.by, reason=reason, now=now)


def _pause(session: Session, run: Run, command: Command, now: float) -> None:
    reason = f"paused by {command.by}"
    if _nobody_works_on(session, run, "paused", now):
        rest(session, run, by=command.by, reason=reason, now=now)
    else:
        change_state(session, run, RunState.PAUSING, by=command.by, reason=f"{reason}: it finishes its step and is saved", now=now)


def _resume(session: Session, run: Run, command: Command, now: float) -> None:
    if run.current_attempt_id is not None:
        return  # it holds its slots: the training is told
    if command.arguments.get("from_scratch"):
        begin_anew(session, run, now)
    run.fruitless, run.not_before, run.failure = 0, None, None
    change_state(session, run, RunState.QUEUED, by=command.by, reason=f"resumed by {command.by}", now=now)
    settle(command, step=run.step, now=now)


def _roll_back(session: Session, run: Run, command: Command, now: float) -> None:
    if not _nobody_works_on(session, run, "rolled_back", now):
        return
    if run.state == RunState.STARTING:
        change_state(session, run, RunState.QUEUED, by=command.by, reason=f"rolled back by {command.by}", now=now)
    roll_back(session, run, command, now)


def _nobody_works_on(session: Session, run: Run, outcome: str, now: float) -> bool:
    return run.current_attempt_id is None or end_unclaimed(session, run, run.current_attempt_id, outcome, now)


Effect = Callable[[Session, Run, Command, float], None]
_EFFECTS: Final[Mapping[CommandType, Effect]] = {
    _T.STOP: _end,
    _T.KILL: _end,
    _T.PAUSE: _pause,
    _T.RESUME: _resume,
    _T.ROLLBACK: _roll_back,
}
