"""Deleting by hand: what something needs is refused with the reasons, the rest goes, and a dry run only tells."""

import contextlib
from typing import Any

import pytest

from services.api.deletion import Refused, finish_deletions
from shared.errors import Conflict, EnvironmentFault, GroundupError
from tests.api.stage import FakeStorage, Stage
from tests.conftest import headers

EDITOR = headers("editor")


def delete(stage: Stage, checkpoint: str) -> Any:
    return stage.http.delete(f"/api/v1/checkpoints/{checkpoint}", headers=EDITOR)


def bulk(stage: Stage, *ids: str, dry_run: bool = False) -> Any:
    answer = stage.http.post("/api/v1/checkpoints/delete", json={"ids": ids, "dry_run": dry_run}, headers=EDITOR)
    assert answer.status_code == 200, answer.json
    return answer.json


def running(stage: Stage) -> tuple[Any, str, int]:
    """With checkpoints ckpt_10 to ckpt_50 of which the last three may be resumed from."""
    run, attempt, fence = stage.running()
    for step in (10, 20, 30, 40, 50):
        stage.commit(attempt, fence, f"ckpt_{step}", step, bytes=step, val_loss=step)
    return run, attempt, fence


def there(stage: Stage) -> dict[str, str]:
    return {item["id"]: item["state"] for item in stage.get("/api/v1/checkpoints")["items"]}


def test_what_a_run_needs_is_refused_with_the_reasons(both: Stage) -> None:
    run, attempt, fence = running(both)
    refused = delete(both, "ckpt_50")
    assert (refused.status_code, refused.json["code"]) == (409, "checkpoint-needed")
    assert "newest; one of the last 3" in refused.json["detail"]
    assert refused.json["remedy"]
    assert delete(both, "ckpt_10").status_code == 204, "the best is a wish that a person may overrule"
    assert there(both)["ckpt_10"] == "deleting"
    assert delete(both, "ckpt_10").status_code == 204
    assert finish_deletions(both.database, both.storage, now=both.now) == 1
    assert delete(both, "ckpt_10").status_code == 404
    (gone,) = [event for event in both.events(run["id"]) if event["type"] == "CheckpointDeleted"]
    assert (gone["checkpoint_id"], gone["by"], gone["bytes"]) == ("ckpt_10", "test-editor", 10)

    both.report(attempt, fence, "succeeded")
    assert delete(both, "ckpt_50").status_code == 204, "the run has ended"


def test_bulk_tells_first_and_deletes_then(both: Stage) -> None:
    running(both)
    both.http.patch("/api/v1/checkpoints/ckpt_20", json={"pinned": True}, headers=EDITOR)
    asked = ("ckpt_10", "ckpt_20", "ckpt_50", "none", "ckpt_10")
    expected = {
        "deleted": ["ckpt_10"],
        "refused": [
            {"id": "ckpt_20", "reasons": ["pinned by test-editor"]},
            {"id": "ckpt_50", "reasons": ["newest", "one of the last 3"]},
            {"id": "none", "reasons": ["there is no such checkpoint"]},
        ],
        "bytes": 10,
    }
    assert bulk(both, *asked, dry_run=True) == expected
    assert set(there(both).values()) == {"committed"}
    assert bulk(both, *asked) == expected
    assert there(both)["ckpt_10"] == "deleting"
    assert bulk(both, "ckpt_10") == {"deleted": ["ckpt_10"], "refused": [], "bytes": 0}, "on its way already"
    finish_deletions(both.database, both.storage, now=both.now)
    assert both.storage.deleted_checkpoints == ["ckpt_10"]
    assert set(there(both)) == {"ckpt_20", "ckpt_30", "ckpt_40", "ckpt_50"}


def test_an_attempt_that_may_resume_from_it_keeps_it(both: Stage) -> None:
    _run, attempt, fence = running(both)
    both.report(attempt, fence, "failed", reason="killed", retry=True, counts=False)
    (placed,) = both.place()
    both.claim(placed.attempt_id)
    assert bulk(both, "ckpt_10")["refused"] == [{"id": "ckpt_10", "reasons": ["attempt 2 may resume from it"]}]


def test_a_delete_between_reading_and_the_end_of_its_run_is_harmless(both: Stage) -> None:
    run, attempt, fence = running(both)
    both.report(attempt, fence, "succeeded")
    bulk(both, "ckpt_10", "ckpt_20")
    assert both.http.delete(f"/api/v1/runs/{run['id']}", headers=EDITOR).status_code == 204
    assert finish_deletions(both.database, both.storage, now=both.now) == 0
    assert both.events(run["id"])[-1]["type"] == "RunDeleted"


def test_an_impossible_bulk_names_its_field(stage: Stage) -> None:
    for body, field in (({"ids": []}, "ids"), ({"ids": ["../x"]}, "ids.0"), ({}, "ids"), ({"ids": ["a"], "dry": True}, "dry")):
        answer = stage.http.post("/api/v1/checkpoints/delete", json=body, headers=EDITOR)
        assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)


def test_a_run_with_pinned_or_named_checkpoints_is_deleted_by_force_only(both: Stage) -> None:
    run, attempt, fence = running(both)
    both.report(attempt, fence, "succeeded")
    both.http.patch("/api/v1/checkpoints/ckpt_20", json={"pinned": True}, headers=EDITOR)
    both.http.patch("/api/v1/checkpoints/ckpt_30", json={"aliases": ["production"]}, headers=EDITOR)
    path = f"/api/v1/runs/{run['id']}"
    refused = both.http.delete(path, headers=EDITOR)
    assert (refused.status_code, refused.json["code"]) == (409, "checkpoint-needed")
    for told in ("ckpt_20 is pinned by test-editor", "ckpt_30 has the alias production"):
        assert told in refused.json["detail"]
    assert (both.storage.deleted, set(there(both).values())) == ([], {"committed"}), "nothing was touched"
    assert both.http.delete(f"{path}?force=perhaps", headers=EDITOR).status_code == 422

    both.storage.fault = EnvironmentFault("storage is down")
    assert both.http.delete(f"{path}?force=true", headers=EDITOR).status_code == 503
    assert set(there(both).values()) == {"deleting"}
    assert both.http.patch("/api/v1/checkpoints/ckpt_10", json={"pinned": True}, headers=EDITOR).status_code == 409
    both.storage.fault = None
    assert both.http.delete(path, headers=EDITOR).status_code == 204, "its end was decided"
    assert (both.storage.deleted, there(both)) == ([run["id"]], {})


class Picky(FakeStorage):
    """Refuses some, each time in the same way."""

    def __init__(self) -> None:
        super().__init__()
        self.refusals: dict[str, GroundupError] = {}
        self.asked: list[str] = []

    def delete_checkpoint_objects(self, run_id: str, checkpoint_id: str, *, changed_before: float | None = None) -> None:
        self.asked.append(checkpoint_id)
        if fault := self.refusals.get(checkpoint_id):
            raise fault
        super().delete_checkpoint_objects(run_id, checkpoint_id, changed_before=changed_before)


@pytest.mark.parametrize("fault", [Conflict("no"), EnvironmentFault("S3 refused this key")])
def test_what_storage_refuses_waits_and_does_not_block_the_others(
    both: Stage, fault: GroundupError, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run, attempt, fence = running(both)
    both.report(attempt, fence, "succeeded")
    bulk(both, "ckpt_10", "ckpt_20", "ckpt_30", "ckpt_40")
    monkeypatch.setattr("services.api.deletion._AT_ONCE", 2)
    storage, refused = Picky(), Refused()
    storage.refusals = {"ckpt_10": fault, "ckpt_20": fault}
    for _ in range(4):
        with contextlib.suppress(GroundupError):
            finish_deletions(both.database, storage, now=both.now, refused=refused)
        both.now += 0.3
    assert (sorted(storage.deleted_checkpoints), set(there(both))) == (["ckpt_30", "ckpt_40"], {"ckpt_10", "ckpt_20", "ckpt_50"})
    assert len(storage.asked) == 4, "what was refused is not asked for again at once"
    storage.refusals = {}
    both.now += 600
    assert finish_deletions(both.database, storage, now=both.now, refused=refused) == 2
    assert set(there(both)) == {"ckpt_50"}
