"""Workers that take nothing: stopped by hand on their host, about to go, or of another version."""

from typing import Any

from services.api.line import waiting_runs
from services.api.offers import Offer
from services.api.placement import _place_some
from shared.names import PROTOCOL
from tests.api.stage import Stage
from tests.api.test_placement import placed_names, reason
from tests.api.test_queue import cluster_events

BY_HAND = "stopped by hand: smoke"


def worker(stage: Stage, name: str = "w1") -> Any:
    return next(found for found in stage.get("/api/v1/workers")["items"] if found["name"] == name)


def test_a_halted_worker_gets_nothing_until_it_says_otherwise(both: Stage) -> None:
    both.beat()
    both.beat(halted=BY_HAND)
    both.beat(slots=0, halted=BY_HAND)
    assert (worker(both)["state"], worker(both)["halted"], len(worker(both)["slots"])) == ("halted", BY_HAND, 2)
    run = both.submit(name="waits", processes=2)
    assert both.place() == []
    assert both.run(run["id"])["reason"] == f"worker w1 is halted: {BY_HAND}"
    both.beat("w2", slots=1)
    both.submit(name="small")
    assert placed_names(both) == ["small"]
    both.beat()
    assert (worker(both)["state"], worker(both)["halted"]) == ("online", "")
    assert placed_names(both) == ["waits"]
    assert cluster_events(both, "WorkerHalted", "EmergencyEnded") == [
        {"type": "WorkerHalted", "worker": "w1", "reason": BY_HAND},
        {"type": "EmergencyEnded", "by": "w1", "worker": "w1"},
    ]


def test_what_it_killed_is_paused_with_the_reason(both: Stage) -> None:
    run, attempt, fence = both.running()
    stopping = both.submit(name="stopping")
    (placed,) = both.place()
    other = both.claim(placed.attempt_id).json["fence"]
    both.command(stopping["id"], "stop")
    for _ in range(2):
        assert both.report(attempt, fence, "halted", reason=BY_HAND + "\0", progress={"step": 5}).status_code == 204
    assert both.report(placed.attempt_id, other, "halted", reason=BY_HAND).status_code == 204
    told = both.run(run["id"])
    assert (told["state"], told["reason"], told["attempts"][0]["state"]) == ("paused", BY_HAND, "killed")
    assert both.run(stopping["id"])["state"] == "stopped"
    assert placed_names(both) == []


def test_what_it_had_not_taken_up_goes_elsewhere_at_once(both: Stage) -> None:
    both.beat()
    run = both.submit()
    (placed,) = both.place()
    assert both.beat(halted=BY_HAND + "\0").json["assignments"] == []
    told = both.run(run["id"])
    assert (told["state"], told["failure"]) == ("queued", None)
    assert told["reason"] == f"attempt 1 is lost: worker w1 is halted: {BY_HAND}"
    assert both.claim(placed.attempt_id).json["code"] == "stale-fence"
    both.beat("w2")
    assert [one.worker for one in both.place()] == ["w2"]


def test_what_it_still_works_on_goes_on(stage: Stage) -> None:
    """A host that is about to go says so and saves."""
    run, attempt, fence = stage.running()
    report = {"attempt_id": attempt, "fence": fence, "progress": {"step": 3}}
    assert stage.beat(attempts=[report], halted="the host goes in 2 minutes").json["cancelled"] == []
    assert stage.run(run["id"])["state"] == "running"
    stage.report(attempt, fence, "preempted", reason="the host goes in 2 minutes")
    told = stage.run(run["id"])
    assert (told["state"], told["reason"], told["attempts"][0]["preempted"]) == ("queued", "the host goes in 2 minutes", False)


def test_reasons_name_the_halted_with_the_draining(stage: Stage) -> None:
    for name in ("w1", "w2", "w3"):
        stage.beat(name)
    stage.drain("w1")
    stage.beat("w2", halted=BY_HAND)
    stage.submit(name="gang", processes=2)
    assert placed_names(stage) == ["gang"]
    stage.submit(name="next")
    stage.place()
    assert reason(stage, "next") == f"waits for 1 free slot; 0 of 2 are free; worker w1 is draining; worker w2 is halted: {BY_HAND}"
    stage.beat("w3", halted=BY_HAND)
    stage.place()
    assert reason(stage, "next") == "worker w1 is draining; workers w2, w3 are halted"


def test_halted_at_the_last_moment(both: Stage) -> None:
    """Between the look at what there is and the taking of the slots."""
    both.beat()
    run = both.submit()
    both.beat(halted=BY_HAND)
    with both.database.reading() as session:
        (waiting,) = waiting_runs(session)
    assert _place_some(both.database, [(waiting._replace(prepared_id="prep_1"), Offer("w1", "cpu", 2, 2))], both.now) == []
    assert both.run(run["id"])["attempts"] == []


def test_a_worker_of_another_version_is_seen_with_the_reason(both: Stage) -> None:
    both.submit(name="waits", processes=4)
    for _ in range(2):
        assert both.beat("old", protocol=PROTOCOL - 1).status_code == 409
    told = worker(both, "old")
    assert (told["state"], told["slots"], told["last_heartbeat"]) == ("refused", [], None)
    remedy = "install the same version of Groundup on both"
    assert told["halted"] == f"worker old speaks protocol {PROTOCOL - 1}, this server {PROTOCOL}; {remedy}"
    both.place()
    assert reason(both, "waits") == "no worker is online"
    assert both.submit(name="more", processes=6)["state"] == "queued", "nothing is known of the cluster's size"
    both.beat("old", slots=4)
    assert (worker(both, "old")["state"], worker(both, "old")["halted"]) == ("online", "")
    assert [event["type"] for event in both.events("cluster") if "worker" in event] == ["WorkerJoined"]
    assert placed_names(both) == ["waits"]


def test_a_worker_that_was_let_in_is_refused_when_its_lease_has_ended(both: Stage) -> None:
    run, _attempt, _fence = both.running()
    both.beat(protocol=PROTOCOL + 1)
    assert (worker(both)["state"], both.run(run["id"])["state"]) == ("online", "running")
    both.now += both.lease_seconds + 1
    both.reconcile()
    both.beat(protocol=PROTOCOL + 1)
    both.reconcile()
    assert worker(both)["state"] == "refused"
    assert both.run(run["id"])["state"] == "queued"


def test_names_that_are_none_leave_nothing_behind(stage: Stage) -> None:
    for name in ("Has%20Space", "a%00b"):
        assert stage.beat(name, protocol=1).status_code in {409, 422}
    stage.beat("plain", protocol=1, host=["no", "host"])
    assert [found["name"] for found in stage.get("/api/v1/workers")["items"]] == ["plain"]
