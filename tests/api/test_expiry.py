"""Garbage collection in two phases: a date first, then the end; whatever keeps a checkpoint again in between saves it."""

from typing import Any, cast

import pytest

from services.api.damage import scrub
from services.api.deletion import finish_deletions
from services.api.expiry import expire
from serving.database import Database
from shared.errors import EnvironmentFault
from tests.api.stage import SPEC, Stage
from tests.api.test_reconcile import Meanwhile
from tests.conftest import headers

EDITOR = headers("editor")
GRACE = 1000.0


def collect(stage: Stage, grace: float = GRACE) -> int:
    """What the housekeeper does."""
    while scrub(stage.database, stage.storage, 0, clock=lambda: stage.now, stop=lambda: False):
        pass
    changed = expire(stage.database, grace, now=stage.now)
    finish_deletions(stage.database, stage.storage, now=stage.now)
    return changed


def saved(stage: Stage, steps: int = 5, *, ended: bool = True, **policy: Any) -> tuple[Any, str, int]:
    """A run with checkpoints ckpt_10, ckpt_20, ..., of which the policy keeps the last."""
    checkpoint = {"keep_last": 1, "keep_best": 0, **policy}
    run, attempt, fence = stage.running(train={**SPEC["train"], "checkpoint": checkpoint})
    for number in range(1, steps + 1):
        stage.commit(attempt, fence, f"ckpt_{number * 10}", number * 10, val_loss=abs(number - 2) + 1.5)
        stage.now += 1
    if ended:
        stage.report(attempt, fence, "succeeded")
    return run, attempt, fence


def there(stage: Stage) -> set[str]:
    return {item["id"] for item in stage.get("/api/v1/checkpoints")["items"]}


def test_what_nothing_keeps_gets_a_date_and_goes_when_it_has_come(both: Stage) -> None:
    run, _, _ = saved(both, keep_best=1, keep_every=40)
    assert collect(both) == 2
    told = {item["id"]: item for item in both.get(f"/api/v1/runs/{run['id']}/checkpoints")["items"]}
    assert {name: item["kept_because"] for name, item in told.items()} == {
        "ckpt_10": [],
        "ckpt_20": ["best val/loss (1.5)"],
        "ckpt_30": [],
        "ckpt_40": ["every 40 steps"],
        "ckpt_50": ["newest"],
    }
    assert {name for name, item in told.items() if item["expires_at"]} == {"ckpt_10", "ckpt_30"}
    both.now += GRACE - 1
    assert (collect(both), len(there(both))) == (0, 5)
    both.now += 2
    assert collect(both) == 2
    assert there(both) == {"ckpt_20", "ckpt_40", "ckpt_50"}
    assert sorted(both.storage.deleted_checkpoints) == ["ckpt_10", "ckpt_30"]
    gone = [event for event in both.events(run["id"]) if event["type"] == "CheckpointDeleted"]
    assert {(event["checkpoint_id"], event["bytes"], event["by"], event["reason"]) for event in gone} == {
        ("ckpt_10", 10, "retention", "nothing keeps it"),
        ("ckpt_30", 10, "retention", "nothing keeps it"),
    }
    assert gone == [event for event in both.events("cluster") if event["type"] == "CheckpointDeleted"]
    assert collect(both) == 0


def test_whatever_keeps_it_again_clears_the_date(both: Stage) -> None:
    saved(both)
    collect(both)
    both.now += GRACE + 1
    assert both.http.patch("/api/v1/checkpoints/ckpt_10", json={"pinned": True}, headers=EDITOR).json["expires_at"] is None
    assert both.http.patch("/api/v1/checkpoints/ckpt_20", json={"aliases": ["good"]}, headers=EDITOR).status_code == 200
    collect(both)
    assert there(both) == {"ckpt_10", "ckpt_20", "ckpt_50"}
    both.http.patch("/api/v1/checkpoints/ckpt_10", json={"pinned": False}, headers=EDITOR)
    collect(both)
    assert "ckpt_10" in there(both), "it has a new grace"
    assert both.get("/api/v1/checkpoints/ckpt_10")["expires_at"]


def test_a_date_comes_nearer_when_room_is_short_and_never_goes_back(stage: Stage) -> None:
    saved(stage)
    collect(stage)
    first = stage.get("/api/v1/checkpoints/ckpt_10")["expires_at"]
    collect(stage, grace=100)
    sooner = stage.get("/api/v1/checkpoints/ckpt_10")["expires_at"]
    assert sooner < first
    collect(stage)
    assert stage.get("/api/v1/checkpoints/ckpt_10")["expires_at"] == sooner


def test_what_is_wanted_at_the_last_moment_stays(both: Stage) -> None:
    """Between the look and the run's lock somebody pins one, and an attempt is claimed."""
    _run, attempt, fence = saved(both, ended=False)
    collect(both)
    both.now += GRACE + 1

    def pin_and_claim() -> None:
        assert both.http.patch("/api/v1/checkpoints/ckpt_10", json={"pinned": True}, headers=EDITOR).status_code == 200
        both.report(attempt, fence, "failed", reason="killed", retry=True, counts=False)
        both.beat()
        (placed,) = both.place()
        assert len(both.claim(placed.attempt_id).json["checkpoints"]) == 5

    meanwhile = Meanwhile(both.database, {0: pin_and_claim})
    expire(cast(Database, meanwhile), GRACE, now=both.now)
    assert meanwhile.count == 1, "it did try"
    collect(both)
    assert len(there(both)) == 5


def test_what_an_attempt_was_offered_stays_until_it_runs(both: Stage) -> None:
    _run, attempt, fence = saved(both, ended=False)
    collect(both)
    both.now += GRACE - 1
    both.report(attempt, fence, "failed", reason="killed", retry=True, counts=False)
    both.beat()
    (placed,) = both.place()
    claim = both.claim(placed.attempt_id).json
    assert len(claim["checkpoints"]) == 5
    both.now += 2
    collect(both)
    assert len(there(both)) == 5
    assert both.get("/api/v1/checkpoints/ckpt_10")["kept_because"] == ["attempt 2 may resume from it"]
    both.report(placed.attempt_id, claim["fence"], "running")
    collect(both)
    both.now += GRACE + 1
    collect(both)
    assert there(both) == {"ckpt_50"}, "it has read what it goes on from; a long attempt must not fill the quota with what was before it"


def test_what_is_being_deleted_is_offered_to_nobody(both: Stage) -> None:
    _run, attempt, fence = saved(both, ended=False)
    collect(both)
    both.now += GRACE + 1
    both.storage.fault = EnvironmentFault("storage is down")
    with pytest.raises(EnvironmentFault):
        collect(both)
    assert {item["id"] for item in both.get("/api/v1/checkpoints?state=deleting")["items"]} == {"ckpt_10", "ckpt_20", "ckpt_30", "ckpt_40"}
    both.report(attempt, fence, "failed", reason="killed", retry=True, counts=False)
    both.beat()
    (placed,) = both.place()
    assert [checkpoint["id"] for checkpoint in both.claim(placed.attempt_id).json["checkpoints"]] == ["ckpt_50"]
    for change in ({"pinned": True}, {"aliases": ["x"]}):
        assert both.http.patch("/api/v1/checkpoints/ckpt_10", json=change, headers=EDITOR).status_code == 409
    both.storage.fault = None
    collect(both)
    assert there(both) == {"ckpt_50"}


def test_a_repeated_commit_does_not_bring_back_what_was_deleted(both: Stage) -> None:
    _run, attempt, fence = saved(both, ended=False)
    for _ in range(2):
        collect(both)
        both.now += GRACE + 1
    assert both.commit(attempt, fence, "ckpt_10", 10).status_code == 204
    assert there(both) == {"ckpt_50"}


def test_a_damaged_one_goes_too_and_a_deleted_run_takes_everything(both: Stage) -> None:
    run, _, _ = saved(both, steps=2)
    both.storage.damage = {"ckpt_20": ["bad bytes"]}
    both.http.post("/api/v1/checkpoints/ckpt_20/verify", headers=EDITOR)
    collect(both)
    both.now += GRACE + 1
    collect(both)
    assert there(both) == {"ckpt_10"}
    gone = [event for event in both.events(run["id"]) if event["type"] == "CheckpointDeleted"]
    assert [event["reason"] for event in gone] == ["damaged: bad bytes"]
    both.http.patch("/api/v1/checkpoints/ckpt_10", json={"pinned": True, "aliases": ["a"]}, headers=EDITOR)
    assert both.http.delete(f"/api/v1/runs/{run['id']}?force=true", headers=EDITOR).status_code == 204
    assert there(both) == set()
    assert both.get("/api/v1/aliases")["items"] == []
