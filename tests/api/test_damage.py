"""A checkpoint whose bytes are wrong is marked, told and never offered again."""

from typing import Any

import pytest

from services.api.damage import scrub
from shared.errors import EnvironmentFault
from tests.api.stage import WORKER, Stage
from tests.conftest import headers

EDITOR = headers("editor")


def report(stage: Stage, attempt: str, fence: int, checkpoint: str, **more: Any) -> Any:
    body = {"worker": "w1", "fence": fence, "checkpoint_id": checkpoint, "reason": "model.safetensors: its SHA-256 differs", **more}
    return stage.http.post(f"/internal/attempts/{attempt}/damaged", json=body, headers=WORKER)


def resumed(stage: Stage) -> tuple[Any, str, int]:
    """A run that has saved 10 and 20 and is in its second attempt."""
    run, attempt, fence = stage.running()
    for step in (10, 20):
        stage.commit(attempt, fence, f"ckpt_{step}", step)
        stage.now += 1
    stage.report(attempt, fence, "failed", reason="killed", retry=True, counts=False)
    (placed,) = stage.place()
    return run, placed.attempt_id, stage.claim(placed.attempt_id).json["fence"]


def test_a_restore_marks_a_damaged_checkpoint_and_it_is_not_offered_again(both: Stage) -> None:
    run, attempt, fence = resumed(both)
    for _ in range(2):
        assert report(both, attempt, fence, "ckpt_20").status_code == 204
    told = both.get("/api/v1/checkpoints/ckpt_20")
    assert (told["state"], told["damage"]) == ("damaged", "model.safetensors: its SHA-256 differs")
    for topic in (run["id"], "cluster"):
        damaged = [event for event in both.events(topic) if event["type"] == "CheckpointDamaged"]
        assert [(event["checkpoint_id"], event["step"]) for event in damaged] == [("ckpt_20", 20)]
    assert [item["id"] for item in both.get("/api/v1/checkpoints?state=damaged")["items"]] == ["ckpt_20"]
    assert [item["id"] for item in both.get("/api/v1/checkpoints?state=committed")["items"]] == ["ckpt_10"]

    both.report(attempt, fence, "failed", reason="killed", retry=True, counts=False)
    (placed,) = both.place()
    claim = both.claim(placed.attempt_id).json
    assert [checkpoint["id"] for checkpoint in claim["checkpoints"]] == ["ckpt_10"]
    assert both.run(run["id"])["attempts"][-1]["resume_step"] == 10


def test_only_the_runs_own_attempt_with_its_fence_may_say_so(both: Stage) -> None:
    run, attempt, fence = resumed(both)
    old = both.run(run["id"])["attempts"][0]["id"]
    _other, other_attempt, other_fence = both.running(name="other")
    events = both.events(run["id"])
    answers = [
        report(both, attempt, fence - 1, "ckpt_20"),
        report(both, attempt, fence + 1, "ckpt_20"),
        report(both, attempt, fence, "ckpt_20", worker="w2"),
        report(both, old, fence - 1, "ckpt_20"),
        report(both, other_attempt, other_fence, "ckpt_20"),
        report(both, attempt, fence, "ckpt_none"),
    ]
    assert [answer.json["code"] for answer in answers] == ["stale-fence"] * 4 + ["not-found"] * 2
    assert both.events(run["id"]) == events
    assert both.get("/api/v1/checkpoints/ckpt_20")["state"] == "committed"


def test_a_damaged_checkpoint_generates_nothing(stage: Stage) -> None:
    run, attempt, fence = resumed(stage)
    report(stage, attempt, fence, "ckpt_20")
    body = {"checkpoint_id": "ckpt_20", "prompt": "x"}
    answer = stage.http.post("/api/v1/generate", json=body, headers=EDITOR)
    assert (answer.status_code, answer.json["code"]) == (409, "checkpoint-damaged")
    report(stage, attempt, fence, "ckpt_10")
    answer = stage.http.post("/api/v1/generate", json={"run_id": run["id"], "prompt": "x"}, headers=EDITOR)
    assert (answer.status_code, "no checkpoint yet" in answer.json["detail"]) == (409, True)


def test_verifying_marks_or_clears(both: Stage) -> None:
    run, _attempt, _fence = resumed(both)
    both.now += 100
    before = both.get("/api/v1/checkpoints/ckpt_20")["verified_at"]
    told = both.http.post("/api/v1/checkpoints/ckpt_20/verify", headers=EDITOR).json
    assert (told["state"], told["verified_at"] > before) == ("committed", True)

    both.storage.fault = EnvironmentFault("storage does not answer")
    assert both.http.post("/api/v1/checkpoints/ckpt_20/verify", headers=EDITOR).status_code == 503
    assert both.get("/api/v1/checkpoints/ckpt_20")["state"] == "committed", "an outage is no damage"

    both.storage.fault, both.storage.damage = None, {"ckpt_20": ["expected A", "found no B"]}
    told = both.http.post("/api/v1/checkpoints/ckpt_20/verify", headers=EDITOR).json
    assert (told["state"], told["damage"]) == ("damaged", "expected A; found no B")
    both.storage.damage = {}
    told = both.http.post("/api/v1/checkpoints/ckpt_20/verify", headers=EDITOR).json
    assert (told["state"], told["damage"]) == ("committed", "")
    assert [event["type"] for event in both.events(run["id"])].count("CheckpointDamaged") == 1
    assert both.http.post("/api/v1/checkpoints/ckpt_none/verify", headers=EDITOR).status_code == 404


@pytest.mark.parametrize("stops", [False, True])
def test_the_scrub_takes_what_was_verified_longest_ago(stage: Stage, stops: bool) -> None:
    resumed(stage)

    def once() -> str | None:
        return scrub(stage.database, stage.storage, 1000, clock=lambda: stage.now, stop=lambda: stops)

    assert once() is None
    stage.now += 2000
    if stops:
        assert [once(), once()] == ["ckpt_10", "ckpt_10"], "what was cut short is not verified"
        return
    stage.storage.damage = {"ckpt_20": ["bad"]}
    assert [once(), once(), once()] == ["ckpt_10", "ckpt_20", None]
    assert stage.get("/api/v1/checkpoints/ckpt_20")["state"] == "damaged"
