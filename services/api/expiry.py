"""Garbage collection in two phases. What nothing keeps gets a date; when that has come and still nothing keeps it, it is marked as being
deleted (services/api/deletion.py does the rest). Both are decided under the run's lock, by the rows as they are then.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from services.api.checkpoint_models import Checkpoint
from services.api.keeping import holds_of_runs
from services.api.models import Run
from services.api.rows import locked
from serving.database import Database

BY: Final = "retention"
_RUNS_AT_ONCE: Final = 500


def expire(database: Database, grace: float, *, now: float) -> int:
    """Both phases for every run; how many checkpoints changed. `grace`: seconds from the date's making to the date."""
    with database.reading() as session:
        runs = list(session.scalars(select(Checkpoint.run_id).distinct().order_by(Checkpoint.run_id)))
        some = [runs[start : start + _RUNS_AT_ONCE] for start in range(0, len(runs), _RUNS_AT_ONCE)]
        concerned = {row.run_id for run_ids in some for row, _ in _changes(session, run_ids, grace, now)}
    changed = 0
    for run_id in sorted(concerned):
        with database.writing() as session:
            locked(session, Run, run_id)
            for row, expires_at in _changes(session, [run_id], grace, now):
                changed += 1
                has_come = row.expires_at is not None and expires_at is not None and expires_at <= now
                if has_come and _is_certain(row, expires_at or now):
                    confirmed = row.damage_confirmed_at is not None
                    row.deleted_by, row.delete_reason = BY, f"damaged: {row.damage}" if confirmed else "nothing keeps it"
                row.expires_at = expires_at
    return changed


def _changes(session: Session, run_ids: Sequence[str], grace: float, now: float) -> Iterator[tuple[Checkpoint, float | None]]:
    """Checkpoints whose date is to be another, or has come, with the right date. A date moves forward only, where grace has shrunk."""
    kept = holds_of_runs(session, run_ids)
    here = select(Checkpoint).where(Checkpoint.run_id.in_(run_ids), Checkpoint.deleted_by.is_(None))
    columns = (Checkpoint.run_id, Checkpoint.expires_at, Checkpoint.deleted_by, Checkpoint.damage_confirmed_at, Checkpoint.damage)
    for row in session.scalars(here.options(load_only(*columns))):
        date = None if kept[row.id] else min(row.expires_at or float("inf"), now + grace)
        if date != row.expires_at or (date is not None and date <= now and _is_certain(row, date)):
            yield row, date


def _is_certain(row: Checkpoint, date: float) -> bool:
    """One that damage costs its place is read once more when its date has come (services/api/damage.py) before it goes."""
    return row.damage_confirmed_at is None or row.damage_confirmed_at >= date
