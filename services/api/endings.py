"""How attempts end, and what becomes of their runs: to the queue again, paused, or to their own end."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import update
from sqlalchemy.orm import Session

from services.api.commit import finite_only, newest_step
from services.api.failures import cleaned, kept
from services.api.journal import open_commands
from services.api.models import Attempt, Run, Slot
from services.api.outbox import record
from services.api.retries import MAX_FRUITLESS, told, wait_after
from services.api.rollback import carry_out_open
from services.api.rows import storable
from services.api.settling import reject, settle, settle_open
from services.api.states import change_state
from shared.commands import CommandType
from shared.conversation import StateReport
from shared.failures import Failure
from shared.names import FINAL_STATES, RunState
from shared.run_events import AttemptEnded

_RUN_STATE_AFTER: Final[Mapping[str, RunState]] = {state.value: state for state in FINAL_STATES}
_BECAME: Final[Mapping[RunState, str]] = {
    RunState.SUCCEEDED: "succeeded",
    RunState.FAILED: "failed",
    RunState.STOPPED: "was stopped",
    RunState.KILLED: "was killed",
}
Ending = Callable[[Session, Run, Attempt, StateReport, float], None]


def _ended(session: Session, run: Run, attempt: Attempt, report: StateReport, now: float) -> None:
    """Of itself: by success, by command, or by a failure that is the run's own."""
    run.summary = finite_only({**run.summary, **report.summary})
    reason = storable(report.reason)
    end_attempt(session, run, attempt, outcome=outcome_of(report), reason=reason, failure=cleaned(report.failure), now=now)
    if report.state == "failed" and carry_out_open(session, run, now):  # also out of what would have been its end: that is what it is for
        try_again(session, run, by=attempt.worker, reason=f"rolled back; attempt {attempt.number} failed: {reason}", now=now)
    elif report.state == "failed" and report.retry:
        run.fruitless = 0 if newest_step(session, run.id) > attempt.resume_step else run.fruitless + report.counts
        run.not_before = now + wait_after(run.fruitless) if report.counts and run.fruitless else None
        try_again(session, run, by=attempt.worker, reason=f"attempt {attempt.number} failed: {reason}", now=now)
    else:
        finish(session, run, _RUN_STATE_AFTER[report.state], by=attempt.worker, reason=reason, now=now)


def _paused(session: Session, run: Run, attempt: Attempt, report: StateReport, now: float) -> None:
    end_attempt(session, run, attempt, outcome="paused", reason=storable(report.reason), now=now)
    run.summary = finite_only({**run.summary, **report.summary})
    rest(session, run, by=attempt.worker, reason=_by_whom(run), now=now)


def _preempted(session: Session, run: Run, attempt: Attempt, report: StateReport, now: float) -> None:
    reason = f"preempted by {attempt.preempt_reason}" if attempt.preempt_reason else storable(report.reason)
    end_attempt(session, run, attempt, outcome="preempted", reason=reason, now=now)
    give_way(session, run, by=attempt.worker, reason=reason, now=now)


def _rolled_back(session: Session, run: Run, attempt: Attempt, report: StateReport, now: float) -> None:
    end_attempt(session, run, attempt, outcome="rolled_back", reason=storable(report.reason), now=now)
    try_again(session, run, by=attempt.worker, reason="rolled back", now=now)


def _halted(session: Session, run: Run, attempt: Attempt, report: StateReport, now: float) -> None:
    end_attempt(session, run, attempt, outcome="killed", reason=storable(report.reason), now=now)
    rest(session, run, by=attempt.worker, reason=storable(report.reason), now=now)


ENDINGS: Final[Mapping[str, Ending]] = {
    "succeeded": _ended,
    "failed": _ended,
    "stopped": _ended,
    "killed": _ended,
    "paused": _paused,
    "preempted": _preempted,
    "rolled_back": _rolled_back,
    "halted": _halted,
}
"""By the state that a worker reports."""


def outcome_of(report: StateReport) -> str:
    return "killed" if report.state == "halted" else report.state


def end_attempt(
    session: Session, run: Run, attempt: Attempt, *, outcome: str, reason: str, failure: Failure | None = None, now: float
) -> None:
    attempt.state, attempt.reason, attempt.ended_at, attempt.held = outcome, reason, now, False
    attempt.failure = kept(failure)
    if failure or outcome in {"failed", "succeeded"}:
        run.failure = kept(failure)
    run.current_attempt_id = None
    session.execute(update(Slot).where(Slot.attempt_id == attempt.id).values(attempt_id=None))
    record(session, run.id, AttemptEnded(attempt=attempt.number, outcome=outcome, reason=reason, failure=failure), now)


def give_way(session: Session, run: Run, *, by: str, reason: str, now: float) -> None:
    """Back to the queue, at once and without a word against the run. One that a person has paused stays so, without its slots."""
    run.not_before = None
    try_again(session, run, by=by, reason=reason, now=now)


def try_again(session: Session, run: Run, *, by: str, reason: str, now: float) -> None:
    """Back to the queue, from `not_before` on, unless the run is to stop or to pause, or keeps failing without getting anywhere."""
    carry_out_open(session, run, now)
    if run.state == RunState.STOPPING:
        finish(session, run, RunState(run.wish), by=by, reason=reason, now=now)
    elif run.state in {RunState.PAUSING, RunState.PAUSED} and not _is_to_resume(session, run):
        rest(session, run, by=by, reason=f"{_by_whom(run)}; {reason}", now=now)
    elif run.fruitless >= MAX_FRUITLESS:
        reason = f"{run.fruitless} attempts in a row came to no new checkpoint; {reason}"
        finish(session, run, RunState.FAILED, by=by, reason=reason, now=now)
    else:
        if run.not_before is not None:
            reason = told(wait_after(run.fruitless), run.attempt_count + 1) + reason
        settle_open(session, run, CommandType.RESUME, now)
        change_state(session, run, RunState.QUEUED, by=by, reason=reason, now=now)


def _by_whom(run: Run) -> str:
    """`paused by ada`, without what was to happen first, or the slots that it no longer keeps."""
    return re.split("[:;]", run.reason)[0] or "paused"


def _is_to_resume(session: Session, run: Run) -> bool:
    """It stood still with its slots, and had been asked to go on."""
    return any(command.type == CommandType.RESUME for command in open_commands(session, run.id))


def rest(session: Session, run: Run, *, by: str, reason: str, now: float) -> None:
    """No attempt, and none before a person wants one. A change waits for the next one; what can come to nothing now is rejected."""
    if run.state == RunState.STOPPING:
        finish(session, run, RunState(run.wish), by=by, reason=reason, now=now)
        return
    carry_out_open(session, run, now)
    settle_open(session, run, CommandType.PAUSE, now)
    for command in open_commands(session, run.id):
        if command.type != CommandType.SET_HYPERPARAMETERS:
            reject(session, command, f"the run was paused before: {reason}", now)
    if run.state == RunState.PAUSED:
        run.reason = reason
    else:
        change_state(session, run, RunState.PAUSED, by=by, reason=reason, now=now)


def finish(session: Session, run: Run, state: RunState, *, by: str, reason: str, now: float) -> None:
    """Move a run to a final state and close its open commands: the one that came true as applied, others as rejected."""
    change_state(session, run, state, by=by, reason=reason, now=now)
    fulfilled = {RunState.STOPPED: {"stop"}, RunState.KILLED: {"stop", "kill"}}.get(state, set())
    for command in open_commands(session, run.id):
        if command.type in fulfilled:
            settle(command, step=run.step, now=now)
        else:
            reject(session, command, f"the run {_BECAME[state]} before", now)
