"""Workers come, say what they have, come back as another, and fall silent."""

from typing import Any

import pytest

from shared.names import PROTOCOL
from tests.api.stage import NOTHING, WORKER, Stage
from tests.conftest import headers


def test_a_worker_joins_with_its_slots(both: Stage) -> None:
    assert both.beat().json == NOTHING
    both.beat()
    (worker,) = both.get("/api/v1/workers")["items"]
    assert (worker["name"], worker["state"], worker["host"]) == ("w1", "online", "w1")
    assert [slot["id"] for slot in worker["slots"]] == ["w1/cpu0", "w1/cpu1"]
    assert both.events("cluster") == [{"type": "WorkerJoined", "worker": "w1", "slots": 2}]


def test_another_protocol_is_refused(stage: Stage) -> None:
    answer = stage.beat(protocol=99)
    assert (answer.status_code, answer.json["code"]) == (409, "protocol-mismatch")
    assert "same version" in answer.json["remedy"]
    assert [worker["state"] for worker in stage.get("/api/v1/workers")["items"]] == ["refused"]


@pytest.mark.parametrize("bad", ["x" * 201, "a\0b"])
def test_names_that_the_tables_cannot_keep_are_problems(both: Stage, bad: str) -> None:
    slot = {"id": "w1/cpu0", "device": "cpu", "name": "a slot"}
    beat: dict[str, Any] = {"protocol": PROTOCOL, "instance": "one", "host": "h", "slots": [slot], "attempts": []}
    bad_slots: dict[str, dict[str, Any]] = {f"slots.0.{part}": {"slots": [{**slot, part: bad}]} for part in ("id", "name")}
    for field, change in {"host": {"host": bad}, "instance": {"instance": bad}, **bad_slots}.items():
        answer = both.http.post("/internal/workers/w1/heartbeat", json={**beat, **change}, headers=WORKER)
        assert (answer.status_code, [error["field"] for error in answer.json["errors"]]) == (422, [field])
    assert both.get("/api/v1/workers")["items"] == []


@pytest.mark.parametrize("cursor", ["%00", "Has%20Spaces", "a%0A", ""])
def test_a_foreign_cursor_is_a_problem(both: Stage, cursor: str) -> None:
    answer = both.http.get(f"/api/v1/workers?cursor={cursor}", headers=headers("viewer"))
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "cursor")


def test_workers_are_listed_in_pages(stage: Stage) -> None:
    for name in ("w3", "w1", "w2"):
        stage.beat(name)
    page = stage.get("/api/v1/workers?limit=2")
    assert [worker["name"] for worker in page["items"]] == ["w1", "w2"]
    rest = stage.get(f"/api/v1/workers?cursor={page['next_cursor']}")
    assert [worker["name"] for worker in rest["items"]] == ["w3"]
    assert rest["next_cursor"] is None


def test_a_slot_of_another_live_worker_is_not_taken_over(both: Stage) -> None:
    gpu = {"id": "GPU-1", "device": "cuda", "name": "H200"}
    beat = {"protocol": PROTOCOL, "instance": "one", "host": "h", "slots": [gpu], "attempts": []}
    for worker in ("w1", "w2"):
        both.http.post(f"/internal/workers/{worker}/heartbeat", json=beat, headers=WORKER)
    slots = {worker["name"]: worker["slots"] for worker in both.get("/api/v1/workers")["items"]}
    assert [len(slots["w1"]), len(slots["w2"])] == [1, 0]
    both.now += both.lease_seconds + 1
    both.http.post("/internal/workers/w2/heartbeat", json=beat, headers=WORKER)
    slots = {worker["name"]: worker["slots"] for worker in both.get("/api/v1/workers")["items"]}
    assert [len(slots["w1"]), len(slots["w2"])] == [0, 1]


def test_slots_that_are_gone_go_when_they_are_free(stage: Stage) -> None:
    _, attempt, fence = stage.running()
    report: dict[str, Any] = {"attempts": [{"attempt_id": attempt, "fence": fence, "progress": {}}]}
    stage.beat(slots=0, **report)
    (worker,) = stage.get("/api/v1/workers")["items"]
    assert [slot["attempt_id"] for slot in worker["slots"]] == [attempt]
    stage.report(attempt, fence, "succeeded")
    stage.beat(slots=0)
    assert stage.get("/api/v1/workers")["items"][0]["slots"] == []


def test_the_reply_repeats_assignments_until_they_are_reported(stage: Stage) -> None:
    stage.beat()
    stage.submit()
    (placed,) = stage.place()
    assert stage.beat().json["assignments"] == [placed.attempt_id]
    fence = stage.claim(placed.attempt_id).json["fence"]
    assert stage.beat().json["assignments"] == [placed.attempt_id], "the claim's answer may have been lost"
    report: dict[str, Any] = {
        "attempts": [{"attempt_id": placed.attempt_id, "fence": fence, "progress": {"step": 3, "tokens": 768, "loss": 4.5}}]
    }
    assert stage.beat(**report).json == NOTHING


def test_progress_counts_with_the_right_fence_only(both: Stage) -> None:
    run, attempt, fence = both.running()
    progress = {"step": 40, "tokens": 10_240, "loss": 3.0, "tokens_per_second": 256.0}
    both.beat(attempts=[{"attempt_id": attempt, "fence": fence, "progress": progress}])
    assert both.run(run["id"])["progress"] == {**progress, "steps": 100, "eta_seconds": 180.0}
    wrong = both.beat(attempts=[{"attempt_id": attempt, "fence": fence + 1, "progress": {"step": 90}}])
    assert wrong.json["cancelled"] == [attempt]
    other = both.beat("w2", attempts=[{"attempt_id": attempt, "fence": fence, "progress": {"step": 90}}])
    assert other.json["cancelled"] == [attempt]
    assert both.run(run["id"])["progress"]["step"] == 40


def test_a_new_instance_has_lost_what_it_does_not_report(both: Stage) -> None:
    run, attempt, fence = both.running()
    kept_run = both.submit(name="kept")
    (kept,) = both.place()
    kept_fence = both.claim(kept.attempt_id).json["fence"]
    answer = both.beat(instance="two", attempts=[{"attempt_id": kept.attempt_id, "fence": kept_fence, "progress": {}}])
    assert answer.json == NOTHING
    told = both.run(run["id"])
    assert (told["state"], told["attempts"][0]["state"]) == ("queued", "lost")
    assert told["reason"] == "attempt 1 is lost: worker w1 was started anew"
    assert both.report(attempt, fence, "succeeded").status_code == 409
    assert both.run(kept_run["id"])["attempts"][0]["state"] == "claimed"
    assert both.beat(instance="two").json["assignments"] == [kept.attempt_id], "adopted by the new instance"


def test_a_placed_attempt_survives_a_new_instance(stage: Stage) -> None:
    stage.beat()
    stage.submit()
    (placed,) = stage.place()
    assert stage.beat(instance="two").json["assignments"] == [placed.attempt_id]
    assert stage.claim(placed.attempt_id, instance="two").status_code == 200


def test_a_silent_worker_is_lost_and_its_run_goes_elsewhere(both: Stage) -> None:
    run, attempt, fence = both.running()
    both.now += both.lease_seconds - 1
    both.reconcile()
    assert both.run(run["id"])["state"] == "running"
    both.now += 2
    assert both.get("/api/v1/workers")["items"][0]["state"] == "lost", "told before the scheduler has noticed"
    both.reconcile()
    both.reconcile()
    assert [event["worker"] for event in both.events("cluster") if event["type"] == "WorkerLost"] == ["w1"]
    told = both.run(run["id"])
    assert (told["state"], told["attempts"][0]["state"]) == ("queued", "lost")

    both.beat("w2")
    (placed,) = both.place()
    assert placed.worker == "w2"
    assert both.beat(attempts=[{"attempt_id": attempt, "fence": fence, "progress": {}}]).json["cancelled"] == [attempt]
    assert both.get("/api/v1/workers")["items"][0]["state"] == "online"
    assert both.claim(placed.attempt_id, worker="w2").json["fence"] == fence + 1


def test_a_worker_that_dies_again_and_again_does_not_fail_the_run(stage: Stage) -> None:
    stage.beat()
    run = stage.submit()
    for number in range(4):
        (placed,) = stage.place()
        stage.claim(placed.attempt_id, instance=str(number))
        stage.beat(instance=str(number + 1))
    assert stage.run(run["id"])["state"] == "queued"


def test_an_attempt_that_nobody_claims_goes_back_to_the_queue(stage: Stage) -> None:
    stage.beat()
    run = stage.submit()
    (placed,) = stage.place()
    stage.now += stage.lease_seconds / 2
    stage.beat()
    stage.now += stage.lease_seconds / 2 + 1
    stage.reconcile()
    told = stage.run(run["id"])
    assert (told["state"], told["reason"]) == ("queued", "attempt 1 is lost: worker w1 did not take it up")
    assert stage.claim(placed.attempt_id).status_code == 409
    assert len(stage.place()) == 1
