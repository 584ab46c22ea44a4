"""Claim, state, checkpoints: what a worker tells of its attempt, and that a stale one changes nothing."""

from typing import Any

import pytest

from shared.conversation import Claim
from tests.api.stage import WORKER, Stage


def test_an_attempt_goes_from_placed_to_succeeded(both: Stage) -> None:
    run, attempt, fence = both.running()
    assert fence == 1
    both.now += 5
    progress = {"step": 100, "tokens": 25_600, "loss": 2.0, "tokens_per_second": 900.0}
    assert both.report(attempt, fence, "succeeded", progress=progress, summary={"val/loss": 2.1}).status_code == 204
    told = both.run(run["id"])
    assert (told["state"], told["summary"], told["progress"]["step"]) == ("succeeded", {"val/loss": 2.1}, 100)
    assert told["started_at"] < told["ended_at"]
    (only,) = told["attempts"]
    assert (only["attempt"], only["state"], only["worker"], only["slots"]) == (1, "succeeded", "w1", ["w1/cpu0"])
    assert [event["type"] for event in both.events(run["id"])] == [
        "RunCreated",
        "RunStateChanged",
        "AttemptPlaced",
        "AttemptClaimed",
        "RunStateChanged",
        "AttemptEnded",
        "RunStateChanged",
    ]
    assert [event["new"] for event in both.events("cluster") if event["type"] == "RunStateChanged"] == [
        "queued",
        "starting",
        "running",
        "succeeded",
    ]
    assert {slot["attempt_id"] for slot in both.get("/api/v1/workers")["items"][0]["slots"]} == {None}


def test_a_claim_says_everything_and_may_be_repeated(stage: Stage) -> None:
    stage.beat()
    run = stage.submit(processes=2)
    (placed,) = stage.place()
    first = stage.claim(placed.attempt_id)
    claim = Claim.model_validate(first.json)
    assert (claim.run_id, claim.attempt, claim.fence, claim.prepared_id, claim.checkpoints) == (run["id"], 1, 1, "prep_1", [])
    assert [slot.id for slot in claim.slots] == ["w1/cpu0", "w1/cpu1"]
    assert claim.spec.model_dump(mode="json") == run["spec"]
    assert stage.claim(placed.attempt_id).json == first.json
    assert stage.run(run["id"])["attempts"][0]["state"] == "claimed"


def test_a_claim_by_anybody_else_is_stale(stage: Stage) -> None:
    _run, attempt, _fence = stage.running()
    for answer in (stage.claim(attempt, worker="w2"), stage.claim(attempt, instance="two")):
        assert (answer.status_code, answer.json["code"]) == (409, "stale-fence")
    assert stage.claim("att_none").status_code == 404


def test_a_stale_fence_changes_nothing(both: Stage) -> None:
    run, old, old_fence = both.running()
    both.report(old, old_fence, "failed", reason="killed", retry=True)
    both.now += 5
    (placed,) = both.place()
    fence = both.claim(placed.attempt_id).json["fence"]
    assert fence == old_fence + 1
    before, events = both.run(run["id"]), both.events(run["id"])
    answers = [
        both.claim(old),
        both.report(old, old_fence, "running"),
        both.report(old, old_fence, "succeeded"),
        both.report(placed.attempt_id, old_fence, "succeeded"),
        both.report(placed.attempt_id, fence, "succeeded", worker="w2"),
        both.commit(old, old_fence, "ckpt_old", 50),
        both.commit(placed.attempt_id, old_fence, "ckpt_old", 50),
    ]
    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(409, "stale-fence")] * 7
    beat = both.beat(attempts=[{"attempt_id": old, "fence": old_fence, "progress": {"step": 77}}])
    assert beat.json["cancelled"] == [old]
    assert both.run(run["id"]) == before
    assert both.events(run["id"]) == events


def test_a_final_report_may_be_repeated(both: Stage) -> None:
    run, attempt, fence = both.running()
    assert both.report(attempt, fence, "failed", reason="out of memory", retry=True).status_code == 204
    after = both.events(run["id"])
    assert both.report(attempt, fence, "failed", reason="out of memory", retry=True).status_code == 204
    assert both.events(run["id"]) == after
    assert both.report(attempt, fence, "succeeded").status_code == 409


def test_checkpoints_become_visible_once_and_newest_comes_first(both: Stage) -> None:
    run, attempt, fence = both.running()
    for step in (10, 20):
        assert both.commit(attempt, fence, f"ckpt_{step}", step).status_code == 204
        assert both.commit(attempt, fence, f"ckpt_{step}", step).status_code == 204
        both.now += 1
    listed = both.get(f"/api/v1/runs/{run['id']}/checkpoints")["items"]
    assert [(item["step"], item["attempt"], item["bytes"], item["metrics"]) for item in listed] == [
        (20, 1, 10, {"val/loss": 2.5}),
        (10, 1, 10, {"val/loss": 2.5}),
    ]
    assert both.get("/api/v1/checkpoints?limit=1")["items"] == listed[:1]
    assert both.get("/api/v1/checkpoints/ckpt_10") == listed[1]
    for topic in (run["id"], "cluster"):
        assert [event["step"] for event in both.events(topic) if event["type"] == "CheckpointCommitted"] == [10, 20]

    both.report(attempt, fence, "failed", reason="killed", retry=True)
    assert both.commit(attempt, fence, "ckpt_20", 20).status_code == 204, "a repeated commit is harmless, also after the end"
    (placed,) = both.place()
    claim = both.claim(placed.attempt_id).json
    assert [checkpoint["id"] for checkpoint in claim["checkpoints"]] == ["ckpt_20", "ckpt_10"]
    assert both.run(run["id"])["attempts"][1]["resume_step"] == 20


def test_a_checkpoint_id_belongs_to_one_attempt(stage: Stage) -> None:
    _, attempt, fence = stage.running()
    stage.commit(attempt, fence, "ckpt_1", 10)
    stage.submit(name="other")
    (placed,) = stage.place()
    other_fence = stage.claim(placed.attempt_id).json["fence"]
    assert stage.commit(placed.attempt_id, other_fence, "ckpt_1", 10).json["code"] == "stale-fence"


def fail_once(stage: Stage, *, commits: int | None = None, counts: bool = True) -> None:
    stage.now += 10  # the longest that a run has to wait
    stage.beat()
    (placed,) = stage.place()
    fence = stage.claim(placed.attempt_id).json["fence"]
    if commits is not None:
        stage.commit(placed.attempt_id, fence, f"ckpt_{commits}", commits)
    stage.report(placed.attempt_id, fence, "failed", reason="CUDA is out of memory", retry=True, counts=counts)


def test_three_failures_without_a_checkpoint_end_the_run(stage: Stage) -> None:
    stage.beat()
    run = stage.submit()
    for commits in (None, None, 10, None, None):
        fail_once(stage, commits=commits)
    told = stage.run(run["id"])
    assert told["state"] == "queued", "the checkpoint in between was progress"
    assert told["reason"] == "waits 10 s before attempt 6: attempt 5 failed: CUDA is out of memory"
    fail_once(stage)
    told = stage.run(run["id"])
    assert told["state"] == "failed"
    assert "3 attempts in a row" in told["reason"]
    assert "CUDA is out of memory" in told["reason"]


def test_failures_of_the_platform_do_not_end_the_run(stage: Stage) -> None:
    stage.beat()
    run = stage.submit()
    for counts in (True, True, *[False] * 4):
        fail_once(stage, counts=counts)
    assert stage.run(run["id"])["state"] == "queued"
    fail_once(stage)
    assert stage.run(run["id"])["state"] == "failed", "nor do they make up for the others"


def test_a_failure_of_the_run_itself_is_not_retried(stage: Stage) -> None:
    run, attempt, fence = stage.running()
    stage.report(attempt, fence, "failed", reason="the loss is NaN", retry=False)
    assert (stage.run(run["id"])["state"], stage.run(run["id"])["reason"]) == ("failed", "the loss is NaN")
    assert stage.place() == []


def test_numbers_that_json_cannot_carry_are_left_out(both: Stage) -> None:
    run, attempt, fence = both.running()
    progress = {"step": 3, "loss": float("nan")}
    both.beat(attempts=[{"attempt_id": attempt, "fence": fence, "progress": progress}])
    both.report(attempt, fence, "failed", reason="NaN\0", retry=False, summary={"val/loss": float("nan"), "val/bpb": 1.0})
    told = both.run(run["id"])
    assert (told["progress"]["loss"], told["summary"], told["reason"]) == (None, {"val/bpb": 1.0}, "NaN")


@pytest.mark.parametrize(
    "body", [{}, {"fence": "x", "worker": "w1", "state": "running"}, {"fence": 1, "worker": "w1", "state": "queued"}, {"colour": 1}]
)
def test_reports_that_are_none_are_problems(stage: Stage, body: dict[str, Any]) -> None:
    _, attempt, _ = stage.running()
    answer = stage.http.post(f"/internal/attempts/{attempt}/state", json=body, headers=WORKER)
    assert answer.status_code == 422
    assert answer.json["errors"]
