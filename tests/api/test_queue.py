"""What people decide about the queue: weights, drained workers, a pause; and what the queue says of itself."""

from typing import Any

import pytest
from sqlalchemy import select

from services.api.models import Attempt, Run
from services.api.placement import place
from shared.internal import Prepared
from tests.api.stage import Stage
from tests.api.test_placement import placed_names, reason
from tests.conftest import headers


def names(stage: Stage) -> list[str]:
    return [item["name"] for item in stage.get("/api/v1/queue")["items"]]


def cluster_events(stage: Stage, *types: str) -> list[dict[str, Any]]:
    return [event for event in stage.events("cluster") if event["type"] in types]


# --- shares ---------------------------------------------------------------------------------------------------------------------


def test_a_project_with_twice_the_weight_gets_twice_the_slots(both: Stage) -> None:
    assert both.share("large", 2).json == {"project": "large", "weight": 2}
    for number in range(6):
        for project in ("small", "large"):
            both.now += 1
            both.submit(name=f"{project}-{number}", project=project)
    both.beat(slots=6)
    assert sorted(placed_names(both)) == ["large-0", "large-1", "large-2", "large-3", "small-0", "small-1"]
    assert both.get("/api/v1/queue")["shares"] == [
        {"project": "large", "weight": 2, "busy_slots": 4, "waiting": 2},
        {"project": "small", "weight": 1, "busy_slots": 2, "waiting": 4},
    ]


def test_weights_change_nothing_between_priorities_and_can_be_changed(both: Stage) -> None:
    both.share("large", 10)
    both.share("large", 0.5)
    both.submit(name="heavy", project="large")
    both.submit(name="urgent", project="small", priority=60)
    assert names(both) == ["urgent", "heavy"]
    assert both.get("/api/v1/queue")["shares"][0]["weight"] == 0.5


@pytest.mark.parametrize("weight", [0, -1, 1001, "many", None])
def test_a_weight_that_is_none_is_refused_at_its_field(stage: Stage, weight: object) -> None:
    answer = stage.share("large", weight)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "weight")
    assert stage.get("/api/v1/queue")["shares"] == []


# --- drain ----------------------------------------------------------------------------------------------------------------------


def test_a_draining_worker_ends_what_it_has_and_gets_nothing_new(both: Stage) -> None:
    run, attempt, fence = both.running()
    answer = both.drain("w1")
    assert (answer.status_code, answer.json["state"], answer.json["draining"]) == (200, "draining", True)
    both.submit(name="next")
    assert both.place() == []
    assert reason(both, "next") == "worker w1 is draining"
    report = {"attempt_id": attempt, "fence": fence, "progress": {}}
    assert both.beat(attempts=[report]).json["cancelled"] == []
    both.report(attempt, fence, "succeeded")
    assert both.run(run["id"])["state"] == "succeeded"
    both.beat(instance="two")
    assert both.place() == [], "a restart of the worker does not end it"
    both.drain("w1", drain=False)
    assert len(both.place()) == 1
    assert [event["draining"] for event in cluster_events(both, "WorkerDraining")] == [True, False]


def test_reasons_name_what_is_draining(stage: Stage) -> None:
    stage.beat("w1", slots=1)
    stage.beat("w2", slots=2)
    stage.drain("w2")
    for name, processes in [("first", 1), ("second", 1), ("gang", 2)]:
        stage.now += 1
        stage.submit(name=name, processes=processes)
    assert placed_names(stage) == ["first"]
    assert reason(stage, "second") == "waits for 1 free slot; 0 of 1 are free; worker w2 is draining"
    assert reason(stage, "gang") == "worker w2 is draining"
    for worker in ("w3", "w4", "w5"):
        stage.beat(worker, slots=2)
        stage.drain(worker)
    stage.place()
    assert reason(stage, "gang") == "workers w2, w3, w4 and 1 more are draining"


def test_a_lost_worker_can_be_drained_and_comes_back_draining(both: Stage) -> None:
    both.beat()
    both.now += both.lease_seconds + 1
    both.reconcile()
    answer = both.drain("w1")
    assert (answer.json["state"], answer.json["draining"]) == ("lost", True)
    both.beat()
    (worker,) = both.get("/api/v1/workers")["items"]
    assert (worker["state"], worker["draining"]) == ("draining", True)


def test_draining_twice_is_told_once_and_unknown_workers_are_not_found(stage: Stage) -> None:
    stage.beat()
    for _ in range(2):
        assert stage.drain("w1").status_code == 200
    assert len(cluster_events(stage, "WorkerDraining")) == 1
    answer = stage.drain("nobody")
    assert (answer.status_code, answer.json["detail"]) == (404, "there is no worker nobody")
    assert stage.drain("w1", drain="perhaps").json["errors"][0]["field"] == "drain"


# --- pause ----------------------------------------------------------------------------------------------------------------------


def test_a_paused_queue_places_nothing_and_everybody_says_so(both: Stage) -> None:
    both.beat()
    assert both.pause("maintenance").status_code == 200
    both.submit(name="waiting")
    assert both.place() == []
    why = "the queue is paused by test-admin: maintenance"
    assert reason(both, "waiting") == why
    told = both.get("/api/v1/queue")
    assert (told["pause"]["by"], told["pause"]["reason"], told["pause"]["since"][:4]) == ("test-admin", "maintenance", "2023")
    assert [(item["position"], item["name"], item["reason"]) for item in told["items"]] == [(1, "waiting", why)]
    both.pause("maintenance until noon")
    both.place()
    assert reason(both, "waiting").endswith(": maintenance until noon")
    for _ in range(2):
        assert both.reopen().status_code == 204
    assert both.get("/api/v1/queue")["pause"] is None
    assert len(both.place()) == 1
    events = cluster_events(both, "QueuePaused", "QueueReopened")
    assert [event["type"] for event in events] == ["QueuePaused", "QueuePaused", "QueueReopened"]


def test_what_runs_goes_on_in_a_paused_queue_and_waiting_runs_can_be_stopped(stage: Stage) -> None:
    _run, attempt, fence = stage.running()
    stage.pause("")
    assert stage.commit(attempt, fence, "ckpt_10", 10).status_code == 204
    assert stage.report(attempt, fence, "succeeded").status_code == 204
    waiting = stage.submit()
    stage.place()
    assert stage.run(waiting["id"])["reason"] == "the queue is paused by test-admin"
    stage.command(waiting["id"], "stop")
    assert stage.run(waiting["id"])["state"] == "stopped"


@pytest.mark.parametrize("decision", ["pause", "drain"])
def test_a_decision_in_the_middle_of_a_round_counts(both: Stage, decision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler has read its offers already."""
    both.beat(slots=2)
    run = both.submit()
    assert both.get("/api/v1/queue")["waiting"] == 1
    original = both.database.writing
    decided: list[bool] = []

    def decide_first() -> Any:
        if not decided:
            decided.append(True)
            assert (both.pause("now") if decision == "pause" else both.drain("w1")).status_code == 200
        return original()

    with both.database.writing() as session:
        session.get_one(Run, run["id"]).prepared_id = "prep_1"
    monkeypatch.setattr(both.database, "writing", decide_first)
    assert place(both.database, now=both.now, lease_seconds=both.lease_seconds) == []
    with both.database.reading() as session:
        assert session.scalars(select(Attempt)).all() == []


# --- what the queue says --------------------------------------------------------------------------------------------------------


def test_positions_are_the_order_of_placement(both: Stage) -> None:
    for number, (project, priority) in enumerate([("a", 50), ("a", 50), ("b", 50), ("b", 90), ("c", 50), ("a", 60)]):
        both.now += 1
        both.submit(name=f"r{number}", project=project, priority=priority)
    both.share("a", 3)
    expected = names(both)
    both.beat(slots=6)
    assert placed_names(both) == expected


def test_the_queue_is_told_in_pages(stage: Stage) -> None:
    for number in range(5):
        stage.now += 1
        stage.submit(name=f"r{number}")
    first = stage.get("/api/v1/queue?limit=3")
    rest = stage.get(f"/api/v1/queue?limit=3&cursor={first['next_cursor']}")
    assert (first["waiting"], rest["waiting"], rest["next_cursor"]) == (5, 5, None)
    told = [(item["position"], item["name"]) for item in first["items"] + rest["items"]]
    assert told == [(number + 1, f"r{number}") for number in range(5)]
    assert stage.http.get("/api/v1/queue?cursor=x", headers=headers("viewer")).status_code == 422


def test_runs_that_are_being_prepared_have_their_place(stage: Stage) -> None:
    stage.storage.prepared = Prepared(id="p", state="running", progress=0.43)
    stage.submit(name="early")
    stage.place()
    assert stage.get("/api/v1/queue")["items"][0]["reason"] == "preparing the dataset: 43 %"


def test_only_admins_decide(stage: Stage) -> None:
    stage.beat()
    for answer in (stage.drain("w1", role="editor"), stage.pause("x", "editor"), stage.reopen("editor"), stage.share("p", 2, "editor")):
        assert (answer.status_code, answer.json["code"]) == (403, "not-allowed")
    assert stage.get("/api/v1/queue")["pause"] is None
    told = stage.http.post("/api/v1/queue/pause", json={"reason": "x" * 501}, headers=headers("admin"))
    assert told.json["errors"][0]["field"] == "reason"
