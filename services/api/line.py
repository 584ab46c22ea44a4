"""Who waits, and in which order: priority, then the project's busy slots by its weight, then age."""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.api.models import Run
from services.api.queue_models import ProjectShare
from shared.names import RunState


class Waiting(NamedTuple):
    """What there is to know of a queued run. `prepared_id`: of its tokens, None until they are ready."""

    id: str
    name: str
    project: str
    priority: int
    processes: int
    device: str
    created_at: float
    reason: str
    prepared_id: str | None
    not_before: float | None
    fruitless: int
    attempt_count: int

    def may_start(self, now: float) -> bool:
        return self.prepared_id is not None and (self.not_before is None or self.not_before <= now)


def waiting_runs(session: Session) -> list[Waiting]:
    columns = (getattr(Run, name) for name in Waiting._fields)
    return [Waiting._make(row) for row in session.execute(select(*columns).where(Run.state == RunState.QUEUED))]


def busy_slots(session: Session) -> dict[str, int]:
    """By project."""
    query = select(Run.project, func.sum(Run.processes)).where(Run.current_attempt_id.is_not(None)).group_by(Run.project)
    return {project: int(slots) for project, slots in session.execute(query)}


def weights(session: Session) -> dict[str, float]:
    """By project; one that is not there has 1."""
    return {row.project: row.weight for row in session.scalars(select(ProjectShare))}


class Line:
    """Gives every run once, in order. What is `placed` meanwhile makes its project busier, and the rest of the project goes further back.

    Within a project the order never changes, so only the first of each is compared: each run costs the logarithm of the projects.
    """

    def __init__(self, runs: Iterable[Waiting], busy: Mapping[str, int], weights: Mapping[str, float]) -> None:
        self.busy, self.weights = dict(busy), weights
        self.projects: dict[str, deque[Waiting]] = {}
        for run in sorted(runs, key=lambda run: (-run.priority, run.created_at, run.id)):
            self.projects.setdefault(run.project, deque()).append(run)

    def __iter__(self) -> Iterator[Waiting]:
        firsts = [self._key(runs[0]) for runs in self.projects.values()]
        heapq.heapify(firsts)
        while firsts:
            runs = self.projects[heapq.heappop(firsts)[-1]]
            yield runs.popleft()
            if runs:
                heapq.heappush(firsts, self._key(runs[0]))

    def placed(self, run: Waiting) -> None:
        self.busy[run.project] = self.busy.get(run.project, 0) + run.processes

    def _key(self, run: Waiting) -> tuple[int, float, float, str, str]:
        share = self.busy.get(run.project, 0) / self.weights.get(run.project, 1.0)
        return (-run.priority, share, run.created_at, run.id, run.project)
