"""The life of an attempt: placed, claimed with a fence, running, ended. What it writes counts while it is the run's current one.

What becomes of its run is in endings.py.
"""

from collections.abc import Callable

from sqlalchemy import update
from sqlalchemy.orm import Session

from services.api.commit import checkpoint_ref, current_attempt, finite_or_none, to_resume_from
from services.api.endings import ENDINGS, end_attempt, outcome_of, try_again
from services.api.journal import journal_of
from services.api.models import Attempt, Run
from services.api.outbox import record
from services.api.rows import rows_changed
from services.api.settling import acknowledge
from services.api.standing import must_not_stand
from services.api.states import change_state
from shared.conversation import Claim, ClaimRequest, Progress, SlotReport, StateReport
from shared.errors import NotFound, Stale
from shared.failures import Failure, FailureKind
from shared.internal import Resolved
from shared.names import RunState
from shared.run_events import AttemptClaimed
from shared.spec import RunSpec


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
        checkpoints=[checkpoint_ref(checkpoint) for checkpoint in to_resume_from(session, run)],
        journal=journal_of(session, run),
    )


def _raise_fence(session: Session, run: Run, attempt: Attempt, instance: str) -> None:
    raised = update(Run).where(Run.id == run.id, Run.current_attempt_id == attempt.id).values(fence=Run.fence + 1)
    if rows_changed(session, raised.execution_options(synchronize_session=False)) != 1:
        raise Stale(f"attempt {attempt.id} is not the run's current one")
    session.refresh(run, ["fence"])
    attempt.fence, attempt.instance, attempt.state = run.fence, instance, "claimed"
    attempt.resume_step = next((checkpoint.step for checkpoint in to_resume_from(session, run)), 0)


def report_state(session: Session, attempt_id: str, report: StateReport, now: float) -> None:
    """Take the worker's word for how its attempt is. A final report that is repeated changes nothing. Raises Stale."""
    known = session.get(Attempt, attempt_id)
    if known and known.fence == report.fence and known.worker == report.worker and known.state == outcome_of(report):
        return
    run, attempt = current_attempt(session, attempt_id)
    if attempt.fence is None or attempt.fence != report.fence or attempt.worker != report.worker:
        raise Stale(f"attempt {attempt_id} does not have fence {report.fence} on {report.worker}")
    if "running" in {report.state, attempt.state}:  # one that ends before it has begun knows no step
        take_progress(run, report.progress)
    if report.state == "running":
        _start(session, run, attempt, now)
    else:
        for applied in report.applied:
            acknowledge(session, run, applied, now)
        ENDINGS[report.state](session, run, attempt, report, now)


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
    end_attempt(session, run, attempt, outcome="lost", reason=reason, failure=failure, now=now)
    try_again(session, run, by="platform", reason=f"attempt {attempt.number} is lost: {reason}", now=now)
    return True


def end_unclaimed(session: Session, run: Run, attempt_id: str, outcome: str, now: float) -> bool:
    """End the current attempt of a locked run if no worker has taken it up."""
    attempt = session.get_one(Attempt, attempt_id, populate_existing=True)
    if attempt.fence is not None:
        return False
    end_attempt(session, run, attempt, outcome=outcome, reason="ended before a worker took it up", now=now)
    return True
