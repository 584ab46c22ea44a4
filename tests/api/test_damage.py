"""A checkpoint whose bytes are wrong is marked, told and never offered again."""

from typing import Any

import pytest

from services.api.damage import scrub
from services.api.expiry import expire
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


def look(stage: Stage) -> str | None:
    return scrub(stage.database, stage.storage, 0, clock=lambda: stage.now, stop=lambda: False)


def test_a_worker_that_suspects_everything_costs_no_checkpoint(both: Stage) -> None:
    """Its memory is bad, say. Days later everything is there, and the first look of storage offers it again."""
    run, attempt, fence = resumed(both)
    for name in ("ckpt_10", "ckpt_20"):
        assert report(both, attempt, fence, name).status_code == 204
    both.report(attempt, fence, "failed", reason="killed", retry=True, counts=False)
    (placed,) = both.place()
    offered = both.claim(placed.attempt_id).json
    assert [each["id"] for each in offered["checkpoints"]] == ["ckpt_20", "ckpt_10"], "rather than starting from the first step"
    assert both.run(run["id"])["attempts"][-1]["resume_step"] == 20
    both.report(placed.attempt_id, offered["fence"], "running")
    both.storage.fault = EnvironmentFault("storage is down")
    for _ in range(5):
        both.now += 86_400
        expire(both.database, 100, now=both.now)
        with pytest.raises(EnvironmentFault):
            look(both)
    both.storage.fault = None
    assert {look(both), look(both)} == {"ckpt_10", "ckpt_20"}
    assert look(both) is None
    assert {item["state"] for item in both.get("/api/v1/checkpoints")["items"]} == {"committed"}


def test_what_is_missing_is_not_confirmed_and_looked_at_again_later(both: Stage) -> None:
    """The disk of the store is not mounted: every object is missing."""
    _run, attempt, fence = resumed(both)
    report(both, attempt, fence, "ckpt_20")
    both.storage.unsure = {"ckpt_20": ["there is no such object"]}
    both.now += 1
    assert [look(both), look(both)] == ["ckpt_20", None]
    assert both.get("/api/v1/checkpoints/ckpt_20")["state"] == "damaged"
    for _ in range(3):
        both.now += 86_400
        expire(both.database, 100, now=both.now)
    assert both.get("/api/v1/checkpoints/ckpt_20")["kept_because"][0] == "newest"
    both.storage.unsure = {}
    assert look(both) == "ckpt_20"
    assert both.get("/api/v1/checkpoints/ckpt_20")["state"] == "committed"


def test_confirmed_damage_is_read_once_more_before_it_goes(both: Stage) -> None:
    _run, attempt, fence = resumed(both)
    both.storage.damage = {"ckpt_10": ["bad"], "ckpt_20": ["bad"]}
    for name in ("ckpt_10", "ckpt_20"):
        report(both, attempt, fence, name)
    both.now += 1
    assert {look(both), look(both)} == {"ckpt_10", "ckpt_20"}
    both.report(attempt, fence, "succeeded")
    expire(both.database, 100, now=both.now)
    both.now += 101
    expire(both.database, 100, now=both.now)
    assert both.get("/api/v1/checkpoints?state=deleting")["items"] == [], "not before a fresh look"
    del both.storage.damage["ckpt_20"]
    assert {look(both), look(both)} == {"ckpt_10", "ckpt_20"}
    expire(both.database, 100, now=both.now)
    assert [item["id"] for item in both.get("/api/v1/checkpoints?state=deleting")["items"]] == ["ckpt_10"]
    assert both.get("/api/v1/checkpoints/ckpt_20")["state"] == "committed"
