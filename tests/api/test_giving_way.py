"""Preemption, from the run that finds no place to the one that gave way."""

from typing import Any

import pytest

from services.api.placement import place
from services.api.scheduler import Scheduler
from shared.bus import connect
from shared.settings import Settings
from tests.api.stage import Stage
from tests.api.test_placement import placed_names, reason
from tests.conftest import headers


def low(stage: Stage, **changes: Any) -> tuple[Any, str, int]:
    """A run of priority 10 that takes both slots of w1."""
    return stage.running(**({"name": "low", "processes": 2, "priority": 10} | changes))


def report_of(attempt: str, fence: int, **more: Any) -> dict[str, Any]:
    return {"attempts": [{"attempt_id": attempt, "fence": fence, "progress": {"step": 7}, **more}]}


def test_a_run_gives_way_is_saved_and_goes_on_afterwards(both: Stage) -> None:
    run, attempt, fence = low(both)
    both.submit(name="urgent", priority=90)
    assert placed_names(both) == []
    assert reason(both, "urgent") == "waits for run 'low' to be saved and to give back its slots"
    told = both.beat(**report_of(attempt, fence)).json
    assert told["preempted"] == [{"attempt_id": attempt, "reason": "gives its slots to run 'urgent' (priority 90)"}]
    assert told["cancelled"] == [], "it has time to save"
    assert both.run(run["id"])["attempts"][0]["preempted"] is True
    both.now += 1
    both.place()
    assert [event["type"] for event in both.events(run["id"])].count("AttemptPreempted") == 1

    both.commit(attempt, fence, "ckpt_8", 8)
    for _ in range(2):
        assert both.report(attempt, fence, "preempted", progress={"step": 8}).status_code == 204
    found = both.run(run["id"])
    assert (found["state"], found["reason"]) == ("queued", "preempted by run 'urgent' (priority 90)")
    assert (found["attempts"][0]["state"], found["attempts"][0]["reason"]) == ("preempted", "preempted by run 'urgent' (priority 90)")
    assert placed_names(both) == ["urgent"], "and not the one that made room, although it is older"
    assert both.beat().json["preempted"] == []

    (urgent,) = both.get("/api/v1/runs?q=urgent")["items"]
    both.command(urgent["id"], "kill")
    assert placed_names(both) == ["low"], "at once: giving way counts as no failure"
    assert both.run(run["id"])["attempts"][1]["resume_step"] == 0
    again = both.claim(both.run(run["id"])["attempts"][1]["id"]).json
    assert [checkpoint["step"] for checkpoint in again["checkpoints"]] == [8]


@pytest.mark.parametrize(("processes", "device"), [(3, "auto"), (1, "cuda")])
def test_nothing_gives_way_to_a_run_that_would_not_fit(stage: Stage, processes: int, device: str) -> None:
    _, attempt, fence = low(stage)
    stage.beat("w2", slots=3, device="cuda")
    stage.drain("w2")
    stage.submit(name="urgent", priority=90, processes=processes, device=device)
    assert stage.place() == []
    assert stage.beat(**report_of(attempt, fence)).json["preempted"] == []
    assert reason(stage, "urgent") == "worker w2 is draining"


def test_equals_and_those_that_said_no_stay(stage: Stage) -> None:
    _, attempt, fence = low(stage, priority=50)
    stage.submit(name="equal", priority=50)
    stage.place()
    assert reason(stage, "equal") == "waits for 1 free slot; 0 of 2 are free"
    stage.report(attempt, fence, "succeeded")
    (equal,) = stage.get("/api/v1/runs?q=equal")["items"]
    stage.command(equal["id"], "kill")
    spec = {"compute": {"processes_per_node": 2, "priority": 10, "preemptible": False}}
    answer = stage.http.post("/api/v1/runs", json={**equal["spec"], **spec, "name": "firm"}, headers=headers("editor"))
    assert answer.status_code == 201
    assert placed_names(stage) == ["firm"]
    stage.submit(name="urgent", priority=90)
    stage.place()
    assert reason(stage, "urgent") == "waits for 1 free slot; 0 of 2 are free"


def test_only_as_much_as_is_needed_and_not_twice(both: Stage) -> None:
    both.beat(slots=4)
    attempts = []
    for number in range(4):
        both.now += 1
        both.submit(name=f"low-{number}", priority=10)
        attempts += [placed.attempt_id for placed in both.place()]
    fences = [both.claim(attempt).json["fence"] for attempt in attempts]
    both.submit(name="urgent", priority=90, processes=2)
    for _ in range(3):
        both.now += 1
        both.place()
    assert reason(both, "urgent") == "waits for runs 'low-2' and 'low-3' to be saved and to give back their slots"
    reports = [{"attempt_id": attempt, "fence": fence, "progress": {}} for attempt, fence in zip(attempts, fences, strict=True)]
    assert {one["attempt_id"] for one in both.beat(slots=4, attempts=reports).json["preempted"]} == set(attempts[2:])
    both.report(attempts[3], fences[3], "preempted")
    assert both.place() == [], "one slot is free, and is not given to the run that has just left it"
    assert reason(both, "urgent") == "waits for run 'low-2' to be saved and to give back its slots"
    both.report(attempts[2], fences[2], "preempted")
    assert placed_names(both) == ["urgent"]


def test_what_no_worker_has_taken_up_makes_room_at_once(both: Stage) -> None:
    both.beat()
    run = both.submit(name="low", processes=2, priority=10)
    (placed,) = both.place()
    both.submit(name="urgent", priority=90)
    assert both.place() == []
    found = both.run(run["id"])
    assert (found["state"], found["attempts"][0]["state"]) == ("queued", "preempted")
    assert found["reason"].startswith("preempted by run 'urgent'")
    assert both.claim(placed.attempt_id).json["code"] == "stale-fence"
    assert placed_names(both) == ["urgent"]


def test_a_victim_that_never_answers_is_bounded_by_its_workers_lease(both: Stage) -> None:
    run, _attempt, _fence = low(both)
    both.submit(name="urgent", priority=90)
    both.place()
    both.now += both.lease_seconds + 1
    both.reconcile()
    both.beat("w2")
    assert placed_names(both) == ["urgent"]
    assert both.run(run["id"])["state"] == "queued"


def test_a_victim_that_is_to_stop_ends_as_it_was_to(both: Stage) -> None:
    run, attempt, fence = low(both)
    both.submit(name="urgent", priority=90)
    both.place()
    both.command(run["id"], "stop")
    both.report(attempt, fence, "preempted")
    assert both.run(run["id"])["state"] == "stopped"
    assert placed_names(both) == ["urgent"]


def test_a_run_that_is_stopping_anyway_is_waited_for(stage: Stage) -> None:
    run, attempt, fence = low(stage)
    stage.command(run["id"], "stop")
    stage.submit(name="urgent", priority=90)
    stage.place()
    assert reason(stage, "urgent") == "waits for run 'low' to be saved and to give back its slots"
    assert stage.beat(**report_of(attempt, fence)).json["preempted"] == []


@pytest.mark.parametrize("hold", [False, True])
def test_a_run_that_is_pausing_is_waited_for_unless_it_holds_its_slots(both: Stage, hold: bool) -> None:
    both.beat("w2")
    pausing, attempt, fence = low(both, priority=20)
    other = both.submit(name="other", processes=2, priority=10)
    both.place()
    asked = {"type": "pause", **({"hold": True} if hold else {})}
    assert both.http.post(f"/api/v1/runs/{pausing['id']}/commands", json=asked, headers=headers("editor")).status_code == 202
    both.beat(**report_of(attempt, fence))
    both.submit(name="urgent", priority=90)
    both.place()
    assert both.run(other["id"])["attempts"][0]["preempted"] is hold
    assert both.run(pausing["id"])["attempts"][0]["preempted"] is False


def test_a_run_that_ended_meanwhile_is_not_asked(both: Stage) -> None:
    run, attempt, fence = low(both)
    both.submit(name="urgent", priority=90)
    both.pause("hold")
    both.place()
    both.reopen()
    both.report(attempt, fence, "succeeded")
    assert placed_names(both) == ["urgent"]
    assert "AttemptPreempted" not in {event["type"] for event in both.events(run["id"])}


def test_the_worker_is_told_at_once(stage: Stage, settings: Settings) -> None:
    low(stage)
    stage.submit(name="urgent", priority=90)
    told: list[str] = []
    with connect(settings.redis_url) as client:
        scheduler = Scheduler(settings, stage.database, stage.storage, client=client, send_hint=told.append)
        scheduler.tell()
        told.clear()
        scheduler.tick(stage.now)
        for _ in range(2):
            scheduler.tell()
    assert told == ["w1"]
    assert not scheduler.failing


def test_a_low_run_that_made_room_does_not_come_back_while_the_other_waits(both: Stage) -> None:
    """The gang needs both workers' worth of patience: what is free is kept for it."""
    both.beat(slots=3)
    both.submit(name="a", priority=10, processes=2)
    both.submit(name="b", priority=20)
    attempts = [placed.attempt_id for placed in both.place()]
    fences = [both.claim(attempt).json["fence"] for attempt in attempts]
    both.submit(name="gang", priority=90, processes=3)
    both.place()
    named = {both.run(run["id"])["attempts"][0]["id"]: run["name"] for run in both.get("/api/v1/runs?state=starting")["items"]}
    first = next(number for number, attempt in enumerate(attempts) if named[attempt] == "a")
    both.report(attempts[first], fences[first], "preempted")
    for _ in range(3):
        both.now += 1
        assert place(both.database, now=both.now, lease_seconds=both.lease_seconds) == []
    both.report(attempts[1 - first], fences[1 - first], "preempted")
    assert placed_names(both) == ["gang"]
