"""The life of an attempt: placed, claimed with a fence, running, ended. What it writes counts while it is the run's current one."""

from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from services.api.commit import checkpoint_ref, current_attempt, finite_only, finite_or_none, newest_step, offered
from services.api.failures import cleaned, kept
from services.api.models import Attempt, Command, Run, Slot
from services.api.outbox import record
from services.api.retries import MAX_FRUITLESS, told, wait_after
from services.api.rows import rows_changed
from services.api.standing import must_not_stand
from services.api.states import change_state
from shared.conversation import Claim, ClaimRequest, Progress, SlotReport, StateReport
from shared.errors import NotFound, Stale
from shared.failures import Failure, FailureKind
from shared.internal import Resolved
from shared.names import FINAL_STATES, RunState
from shared.run_events import AttemptClaimed, AttemptEnded
from shared.spec import RunSpec

_RUN_STATE_AFTER: Final[Mapping[str, RunState]] = {state.value: state for state in FINAL_STATES}


def claim(session: Session, attempt_id: str, request: ClaimRequest, now: float) -> Claim:
    """Give the attempt its fence. The same instance gets the same answer again; anybody else Stale."""
    run, attempt = current_attempt(session, attempt_id)
    if attempt.worker != request.worker:
        raise Stale(f"attempt {attempt_id} is not placed on {request.worker}")
    must_not_stand(session)
    if attempt.fence is None:
        _raise_fence(session, run, attempt, request.instance)
        event = AttemptClaimed(attempt=attempt.number, worker=attempt.worker, resume_step=attempt.resume_step)
        record(session, run.id, event, now)
    elif attempt.instance != request.instance:
        raise Stale(f"attempt {attempt_id} is claimed by another instance of {request.worker}")
    assert attempt.fence is not None
    assert run.prepared_id is not None, "only prepared runs are placed"
    return Claim(
        run_id=run.id,
        attempt_id=attempt.id,
        attempt=attempt.number,
        fence=attempt.fence,
        spec=RunSpec.model_validate(run.spec),
        resolved=Resolved.model_validate(run.resolved),
        prepared_id=run.prepared_id,
        slots=[SlotReport.model_validate(slot) for slot in attempt.slots],
        checkpoints=[checkpoint_ref(checkpoint) for checkpoint in offered(session, run.id)],
    )


def _raise_fence(session: Session, run: Run, attempt: Attempt, instance: str) -> None:
    raised = update(Run).where(Run.id == run.id, Run.current_attempt_id == attempt.id).values(fence=Run.fence + 1)
    if rows_changed(session, raised.execution_options(synchronize_session=False)) != 1:
        raise Stale(f"attempt {attempt.id} is not the run's current one")
    session.refresh(run, ["fence"])
    attempt.fence, attempt.instance, attempt.state = run.fence, instance, "claimed"
    attempt.resume_step = next((checkpoint.step for checkpoint in offered(session, run.id)), 0)


def report_state(session: Session, attempt_id: str, report: StateReport, now: float) -> None:
    """Take the worker's word for how its attempt is. A final report that is repeated changes nothing. Raises Stale."""
    known = session.get(Attempt, attempt_id)
    if known and known.fence == report.fence and known.worker == report.worker and known.state == _outcome(report):
        return
    run, attempt = current_attempt(session, attempt_id)
    if attempt.fence is None or attempt.fence != report.fence or attempt.worker != report.worker:
        raise Stale(f"attempt {attempt_id} does not have fence {report.fence} on {report.worker}")
    take_progress(run, report.progress)
    if report.state == "running":
        _start(session, run, attempt, now)
        return
    run.summary = finite_only({**run.summary, **report.summary})
    reason, failure = report.reason.replace("\0", ""), cleaned(report.failure)  # PostgreSQL has no place for it
    if report.state in {"failed", "succeeded"}:
        run.failure = kept(failure) if report.state == "failed" else None
    if report.state == "preempted" and attempt.preempt_reason:
        reason = f"preempted by {attempt.preempt_reason}"
    _end(session, run, attempt, outcome=_outcome(report), reason=reason, failure=failure, now=now)
    if report.state == "halted":
        set_aside(session, run, by=attempt.worker, reason=reason, now=now)
    elif report.state == "preempted":
        give_way(session, run, by=attempt.worker, reason=reason, now=now)
    elif report.state == "failed" and report.retry:
        run.fruitless = 0 if newest_step(session, run.id) > attempt.resume_step else run.fruitless + report.counts
        run.not_before = now + wait_after(run.fruitless) if report.counts and run.fruitless else None
        try_again(session, run, by=attempt.worker, reason=f"attempt {attempt.number} failed: {reason}", now=now)
    else:
        finish(session, run, _RUN_STATE_AFTER[report.state], by=attempt.worker, reason=reason, now=now)


def _outcome(report: StateReport) -> str:
    return "killed" if report.state == "halted" else report.state


def _start(session: Session, run: Run, attempt: Attempt, now: float) -> None:
    attempt.state, attempt.started_at = "running", attempt.started_at or now
    if run.state == RunState.STARTING:
        change_state(session, run, RunState.RUNNING, by=attempt.worker, now=now)


def take_progress(run: Run, progress: Progress) -> None:
    run.step, run.tokens = progress.step, progress.tokens
    run.loss, run.tokens_per_second = finite_or_none(progress.loss), finite_or_none(progress.tokens_per_second)


def lose(session: Session, attempt_id: str, reason: str, *, still: Callable[[Session, Attempt], bool], now: float) -> bool:
    """End an attempt nobody works on any more; its run goes back to the queue.

    `still` is asked under the run's lock whether that is true: a worker may have spoken since. False where it is not, or it had ended.
    """
    try:
        run, attempt = current_attempt(session, attempt_id)
    except (Stale, NotFound):
        return False
    if not still(session, attempt):
        return False
    run.not_before = None  # not the run's fault
    failure = Failure.of(FailureKind.WORKER_LOST, reason) if attempt.fence is not None else None
    run.failure = kept(failure) or run.failure
    _end(session, run, attempt, outcome="lost", reason=reason, failure=failure, now=now)
    try_again(session, run, by="platform", reason=f"attempt {attempt.number} is lost: {reason}", now=now)
    return True


def end_unclaimed(session: Session, run: Run, attempt_id: str, outcome: str, now: float) -> bool:
    """End the current attempt of a locked run if no worker has taken it up."""
    attempt = session.get_one(Attempt, attempt_id, populate_existing=True)
    if attempt.fence is not None:
        return False
    _end(session, run, attempt, outcome=outcome, reason="ended before a worker took it up", now=now)
    return True


def end_and_set_aside(session: Session, run: Run, attempt: Attempt, *, outcome: str, by: str, reason: str, now: float) -> None:
    """End the current attempt of a locked run, and set the run aside."""
    _end(session, run, attempt, outcome=outcome, reason=reason, now=now)
    set_aside(session, run, by=by, reason=reason, now=now)


def set_aside(session: Session, run: Run, *, by: str, reason: str, now: float) -> None:
    """Paused without slots until somebody resumes it; one that was to stop has ended as it was to."""
    if run.state == RunState.STOPPING:
        finish(session, run, RunState(run.wish), by=by, reason=reason, now=now)
    elif run.state == RunState.PAUSED:
        run.reason = reason
    else:
        change_state(session, run, RunState.PAUSED, by=by, reason=reason, now=now)


def give_way(session: Session, run: Run, *, by: str, reason: str, now: float) -> None:
    """Back to the queue, at once and without a word against the run. One that a person has paused stays so, without its slots."""
    run.not_before = None
    if run.state in {RunState.PAUSED, RunState.PAUSING}:
        set_aside(session, run, by=by, reason=reason, now=now)
    else:
        try_again(session, run, by=by, reason=reason, now=now)


def _end(session: Session, run: Run, attempt: Attempt, *, outcome: str, reason: str, now: float, failure: Failure | None = None) -> None:
    attempt.state, attempt.reason, attempt.ended_at, attempt.failure = outcome, reason, now, kept(failure)
    run.current_attempt_id = None
    session.execute(update(Slot).where(Slot.attempt_id == attempt.id).values(attempt_id=None))
    record(session, run.id, AttemptEnded(attempt=attempt.number, outcome=outcome, reason=reason, failure=failure), now)


def try_again(session: Session, run: Run, *, by: str, reason: str, now: float) -> None:
    """Back to the queue, from `not_before` on, unless the run is to stop or keeps failing without getting anywhere."""
    if run.state == RunState.STOPPING:
        finish(session, run, RunState(run.wish), by=by, reason=reason, now=now)
    elif run.fruitless >= MAX_FRUITLESS:
        reason = f"{run.fruitless} attempts in a row came to no new checkpoint; {reason}"
        finish(session, run, RunState.FAILED, by=by, reason=reason, now=now)
    else:
        if run.not_before is not None:
            reason = told(wait_after(run.fruitless), run.attempt_count + 1) + reason
        change_state(session, run, RunState.QUEUED, by=by, reason=reason, now=now)


def finish(session: Session, run: Run, state: RunState, *, by: str, reason: str, now: float) -> None:
    """Move a run to a final state and close its open commands: the one that came true as applied, others as rejected."""
    change_state(session, run, state, by=by, reason=reason, now=now)
    fulfilled = {RunState.STOPPED: {"stop"}, RunState.KILLED: {"stop", "kill"}}.get(state, set())
    for command in session.scalars(select(Command).where(Command.run_id == run.id, Command.state.in_(("requested", "accepted")))):
        if command.type in fulfilled:
            command.state, command.step = "applied", run.step
        else:
            command.state, command.reason = "rejected", f"the run was {state} before"
