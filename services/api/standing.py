"""The emergency stop that stands: what it says, whom it refuses, and which of what it ended is not known to be gone."""

from collections.abc import Iterable

from pydantic import BaseModel
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from services.api.models import Run
from services.api.queue_models import EmergencyAttempt, EmergencyStop
from serving.times import iso
from shared.conversation import EmergencyOrder
from shared.errors import Conflict


class EmergencyAnswer(BaseModel):
    """`active`: it stands; nothing is placed or claimed. `by`, `reason` and `since` are null where none does. `attempts`: how many had
    their slots when it came. `remaining`: of those, what no heartbeat has yet told to be gone; a silent worker's stay.
    """

    active: bool
    by: str | None
    reason: str | None
    since: str | None
    attempts: int
    remaining: int


def standing(session: Session) -> EmergencyStop | None:
    return session.get(EmergencyStop, 1)


def why(stop: EmergencyStop) -> str:
    """What the runs say that it ended."""
    return f"emergency stop by {stop.stopped_by}" + (f": {stop.reason}" if stop.reason else "")


def closed(stop: EmergencyStop) -> str:
    """What the runs say that wait while it stands."""
    return f"the queue is closed by an {why(stop)}"


def order_of(stop: EmergencyStop) -> EmergencyOrder:
    return EmergencyOrder(id=stop.stop_id, reason=stop.reason, by=stop.stopped_by)


def must_not_stand(session: Session) -> None:
    """Raises Conflict `emergency-stop`."""
    if stop := standing(session):
        remedy = "`groundup emergency-stop --reopen` opens the queue again"
        raise Conflict(f"nothing may start: {why(stop)}", remedy=remedy, code="emergency-stop")


def note_gone(session: Session, worker: str, reported: Iterable[str]) -> None:
    """Of what was ended on `worker`, this much it still reports; the rest is gone."""
    here = delete(EmergencyAttempt).where(EmergencyAttempt.worker == worker)
    session.execute(here.where(EmergencyAttempt.attempt_id.not_in(list(reported))))


def emergency_answer(session: Session) -> EmergencyAnswer:
    stop = standing(session)
    if stop is None:
        return EmergencyAnswer(active=False, by=None, reason=None, since=None, attempts=0, remaining=0)
    return EmergencyAnswer(
        active=True,
        by=stop.stopped_by,
        reason=stop.reason,
        since=iso(stop.stopped_at),
        attempts=stop.attempts,
        remaining=current_attempts(session) + (session.scalar(select(func.count()).select_from(EmergencyAttempt)) or 0),
    )


def current_attempts(session: Session) -> int:
    """While a stop stands, those that have not been ended yet."""
    return session.scalar(select(func.count()).where(Run.current_attempt_id.is_not(None))) or 0
