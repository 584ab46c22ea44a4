"""The states of a run: which may follow which, and the one function that moves a run from one to the next."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import func, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from services.api.models import Run
from services.api.outbox import record_all
from services.api.rows import rows_changed
from shared.errors import Conflict
from shared.names import CLUSTER_TOPIC, FINAL_STATES, RunState
from shared.run_events import RunStateChanged

_S = RunState
TRANSITIONS: Final[Mapping[RunState, frozenset[RunState]]] = {
    _S.QUEUED: frozenset({_S.STARTING, _S.PAUSED, _S.FAILED, _S.STOPPED, _S.KILLED}),
    _S.STARTING: frozenset({_S.RUNNING, _S.QUEUED, _S.PAUSING, _S.PAUSED, _S.STOPPING, *FINAL_STATES}),
    _S.RUNNING: frozenset({_S.PAUSING, _S.PAUSED, _S.QUEUED, _S.STOPPING, *FINAL_STATES}),
    _S.PAUSING: frozenset({_S.PAUSED, _S.RUNNING, _S.QUEUED, _S.STOPPING, *FINAL_STATES}),
    _S.PAUSED: frozenset({_S.RUNNING, _S.QUEUED, _S.STOPPING, *FINAL_STATES}),  # it may hold its slots, and then go on or end at once
    _S.STOPPING: frozenset(FINAL_STATES),
    _S.SUCCEEDED: frozenset(),
    _S.FAILED: frozenset(),
    _S.STOPPED: frozenset(),
    _S.KILLED: frozenset(),
}


def change_state(session: Session, run: Run, new: RunState, *, by: str, reason: str = "", now: float) -> None:
    """Move `run` on, if it is still in the state it was read in, and say so on its topic and the cluster's. Raises Conflict."""
    change_states(session, [run], new, by=by, reason=reason, now=now)


def change_states(session: Session, runs: Sequence[Run], new: RunState, *, by: str, reason: str = "", now: float) -> None:
    """Move on several runs, one at least, that were read in one state. Raises Conflict, after which the transaction must be undone."""
    old = RunState(runs[0].state)
    if odd := [run for run in runs if run.state != old or new not in TRANSITIONS[old]]:
        raise Conflict(f"run {odd[0].id} is {odd[0].state}; it cannot become {new}")
    changed: dict[str, object] = {"state": new, "reason": reason}
    if new in FINAL_STATES:
        changed["ended_at"] = now
    begins = {"started_at": func.coalesce(Run.started_at, now)} if new == RunState.RUNNING else {}
    conditional = update(Run).where(Run.id.in_([run.id for run in runs]), Run.state == old).values(changed | begins)
    if rows_changed(session, conditional.execution_options(synchronize_session=False)) != len(runs):
        names = ", ".join(run.id for run in runs)
        raise Conflict(f"run {names} is no longer {old}" if len(runs) == 1 else f"one of the runs {names} is no longer {old}")
    told: list[tuple[str, RunStateChanged]] = []
    for run in runs:
        own = {"started_at": now if run.started_at is None else run.started_at} if begins else {}
        for name, value in (changed | own).items():
            set_committed_value(run, name, value)
        event = RunStateChanged(run_id=run.id, old=old, new=new, by=by, reason=reason)
        told += [(run.id, event), (CLUSTER_TOPIC, event)]
    record_all(session, told, now)
