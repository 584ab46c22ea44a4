"""Which attempt counts where, and how far a run's history reaches."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.monitor.models import MetricChunk
from shared.names import Metric


@dataclass(frozen=True)
class Timeline:
    """`started`: seconds since 1970 of the run's first point. `reached`: (attempt, step) of its newest one; nothing before it is missing.

    superseded: per name and attempt, the step from which on a later attempt counts: that of its first point of the name, or the first
    step it took. An attempt that resumes behind step 120 evaluates 120 again, but takes 121 first.
    """

    started: float
    reached: tuple[int, int]
    superseded: dict[tuple[str, int], int]


def read_timeline(session: Session, run_id: str) -> Timeline | None:
    """None where the run has no points."""
    first, last, at = func.min(MetricChunk.first_step), func.max(MetricChunk.last_step), func.min(MetricChunk.first_at)
    query = select(MetricChunk.name, MetricChunk.attempt, first, last, at).where(MetricChunk.run_id == run_id)
    rows = session.execute(query.group_by(MetricChunk.name, MetricChunk.attempt)).all()
    if not rows:
        return None
    firsts: dict[str, dict[int, int]] = {}
    for name, attempt, step, *_ in rows:
        firsts.setdefault(name, {})[attempt] = step
    reached = max((row[1], row[3]) for row in rows)
    return Timeline(min(row[4] for row in rows), reached, _superseded(firsts))


def _superseded(firsts: dict[str, dict[int, int]]) -> dict[tuple[str, int], int]:
    """firsts: per name and attempt, the first step of its points."""
    taken = firsts.get(Metric.TRAIN_LOSS, {})
    return {
        (name, attempt): min(steps)
        for name, own in firsts.items()
        for attempt in own
        if (steps := [step for beginnings in (own, taken) for later, step in beginnings.items() if later > attempt])
    }
