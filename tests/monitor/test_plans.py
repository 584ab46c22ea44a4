"""That what is asked again and again reads no more than it needs: SQLite's own account of how it goes about it."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from services.monitor.keeping import Keeping, let_go
from services.monitor.timeline import read_timeline
from serving.database import Database
from tests.monitor.producing import RUN


def plans(database: Database, work: Callable[[Session], Any]) -> list[str]:
    """Of all statements that `work` executes."""
    told: list[str] = []

    def explain(_connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        rows = cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
        told.append("; ".join(row[3] for row in rows))

    event.listen(database.engine, "before_cursor_execute", explain)
    try:
        with database.writing() as session:
            work(session)
    finally:
        event.remove(database.engine, "before_cursor_execute", explain)
    return told


@pytest.mark.parametrize(
    ("keeping", "index"), [(Keeping(logs=1.0), "ix_log_chunks_at (at<?)"), (Keeping(points=1.0), "ix_metric_chunks_old (last_at<?)")]
)
def test_retention_looks_at_what_is_old_and_at_nothing_else(sqlite: Database, keeping: Keeping, index: str) -> None:
    (plan,) = [plan for plan in plans(sqlite, lambda session: let_go(keeping, session, 1e6)) if "chunks" in plan]
    assert index in plan
    assert "SCAN" not in plan


def test_a_timeline_is_read_from_an_index_alone(sqlite: Database) -> None:
    (plan,) = [plan for plan in plans(sqlite, lambda session: read_timeline(session, RUN)) if "chunks" in plan]
    assert plan == "SEARCH metric_chunks USING COVERING INDEX ix_metric_chunks_series (run_id=?)"
