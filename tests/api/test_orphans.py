"""Objects that were never committed go when nobody can commit them; what another database may know of stays."""

import logging
from typing import Any

import pytest

from services.api.orphans import Orphans
from services.api.witness import LONGEST_GAP, watch
from shared.storage_client import StoredCheckpoint
from tests.api.stage import Stage
from tests.conftest import headers

DAY = 86_400.0


def see(stage: Stage, seconds: float) -> None:
    """The housekeeper is alive for so long."""
    until = stage.now + seconds
    with stage.database.writing() as session:
        while stage.now < until:
            watch(session, stage.now)
            session.flush()
            stage.now += LONGEST_GAP


def put(stage: Stage, run_id: str, checkpoint_id: str, changed_at: float) -> None:
    stage.storage.stored.append(StoredCheckpoint(run_id=run_id, checkpoint_id=checkpoint_id, bytes=5, changed_at=changed_at))


def left(stage: Stage) -> set[str]:
    return {stored.checkpoint_id for stored in stage.storage.stored}


def trained(stage: Stage, *, ended: bool = True) -> tuple[Any, str, int]:
    """A run with one checkpoint, ckpt_10."""
    run, attempt, fence = stage.running()
    stage.commit(attempt, fence, "ckpt_10", 10)
    put(stage, run["id"], "ckpt_10", stage.now)
    if ended:
        stage.report(attempt, fence, "succeeded")
    return run, attempt, fence


def test_they_go_at_the_second_look_when_nobody_can_commit_them(both: Stage) -> None:
    see(both, 10)
    run, attempt, fence = trained(both, ended=False)
    put(both, run["id"], "during", both.now)
    see(both, 2 * DAY)
    orphans = Orphans(both.database, both.storage)
    for _ in range(3):
        assert orphans.collect(DAY, now=both.now) == 0, "its attempt may still commit it"
    both.report(attempt, fence, "succeeded")
    assert [orphans.collect(DAY, now=both.now), left(both)] == [0, {"ckpt_10", "during"}], "only seen"
    assert [orphans.collect(DAY, now=both.now), left(both)] == [1, {"ckpt_10"}]
    put(both, run["id"], "new", both.now - 10)
    for _ in range(3):
        assert orphans.collect(DAY, now=both.now) == 0
    assert left(both) == {"ckpt_10", "new"}


def test_what_lay_there_before_the_current_attempt_goes(both: Stage) -> None:
    see(both, 10)
    began = both.now - 5
    see(both, 2 * DAY)
    run, _attempt, _fence = trained(both, ended=False)
    put(both, run["id"], "before", began)
    orphans = Orphans(both.database, both.storage)
    assert [orphans.collect(DAY, now=both.now) for _ in range(2)] == [0, 1]
    assert left(both) == {"ckpt_10"}


def test_runs_that_this_database_does_not_know_are_left_alone_and_told_once(both: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """A new database, another's address, or a second installation on the same bucket."""
    see(both, 10)
    put(both, "run_elsewhere", "ckpt_1", both.now)
    see(both, 2 * DAY)
    orphans = Orphans(both.database, both.storage)
    with caplog.at_level(logging.WARNING, "services.api.orphans"):
        for _ in range(4):
            assert orphans.collect(DAY, now=both.now) == 0
    assert left(both) == {"ckpt_1"}
    assert [record.message for record in caplog.records] == [
        "ckpt_1 of run run_elsewhere (5 bytes) is in the store and not in this database; it is left alone"
    ]


def test_what_was_committed_after_a_backup_survives_the_backup(both: Stage) -> None:
    """The database is as it was then: it knows the run, and not the checkpoints that it saved later."""
    see(both, 10)
    run, _attempt, _fence = trained(both)
    both.now += DAY
    put(both, run["id"], "ckpt_20", both.now)
    both.now += DAY
    see(both, 2 * DAY)
    orphans = Orphans(both.database, both.storage)
    for _ in range(4):
        assert orphans.collect(DAY, now=both.now) == 0
    assert left(both) == {"ckpt_10", "ckpt_20"}


def test_what_is_left_below_a_deleted_run_goes(both: Stage) -> None:
    run, _attempt, _fence = trained(both)
    assert both.http.delete(f"/api/v1/runs/{run['id']}", headers=headers("editor")).status_code == 204
    put(both, run["id"], "late", both.now)
    both.now += 2 * DAY
    orphans = Orphans(both.database, both.storage)
    assert [orphans.collect(DAY, now=both.now) for _ in range(2)] == [0, 2]
    assert left(both) == set()
