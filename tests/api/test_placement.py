"""Gangs, order, reasons."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from services.api.line import waiting_runs
from services.api.models import Attempt, Run, Slot
from services.api.offers import Offer
from services.api.placement import _place_some, place
from shared.errors import Conflict, EnvironmentFault, GroundupError, InvalidField, NotAllowed, NotAuthenticated, NotFound
from shared.internal import Prepared
from tests.api.stage import Stage


def placed_names(stage: Stage) -> list[str]:
    """In the order of their placement."""
    attempts = [placed.attempt_id for placed in stage.place()]
    runs = stage.get("/api/v1/runs")["items"]
    names = {attempt["id"]: run["name"] for run in runs for attempt in run["attempts"]}
    return [names[attempt] for attempt in attempts]


def end(stage: Stage, name: str) -> None:
    (run,) = stage.get(f"/api/v1/runs?q={name}")["items"]
    stage.command(run["id"], "kill")


def reason(stage: Stage, name: str) -> str:
    (run,) = stage.get(f"/api/v1/runs?q={name}")["items"]
    return str(run["reason"])


def test_a_gang_gets_all_slots_on_one_worker_or_none(both: Stage) -> None:
    both.beat("w1", slots=2)
    both.beat("w2", slots=3)
    both.submit(name="one")
    assert placed_names(both) == ["one"]
    both.submit(name="four", processes=2, priority=90)
    both.submit(name="gang", processes=3)
    assert placed_names(both) == ["four"]
    assert reason(both, "gang") == "waits for 3 free slots; 1 of 3 is free"
    end(both, "four")
    assert placed_names(both) == ["gang"]
    (run,) = both.get("/api/v1/runs?q=gang")["items"]
    assert run["attempts"][0]["slots"] == ["w2/cpu0", "w2/cpu1", "w2/cpu2"]


def test_priority_then_fair_share_then_age(both: Stage) -> None:
    both.beat(slots=1)
    for name, project, priority in [("old", "busy", 50), ("young", "busy", 50), ("other", "idle", 50), ("urgent", "busy", 90)]:
        both.now += 1
        both.submit(name=name, project=project, priority=priority)
    order = []
    for _ in range(4):
        (name,) = placed_names(both)
        order.append(name)
        if name == "urgent":
            both.beat("w2", slots=1)  # urgent keeps its slot, so its project is the busy one
            continue
        end(both, name)
    assert order == ["urgent", "other", "old", "young"]


def test_small_runs_do_not_keep_a_gang_waiting_for_ever(stage: Stage) -> None:
    stage.beat(slots=2)
    for name, processes in [("first", 1), ("gang", 2), ("small", 1)]:
        stage.now += 1
        stage.submit(name=name, processes=processes)
    assert placed_names(stage) == ["first"]
    assert reason(stage, "gang") == "waits for 2 free slots; 1 of 2 is free"
    assert reason(stage, "small") == "waits behind run 'gang', which needs 2 slots"
    end(stage, "first")
    assert placed_names(stage) == ["gang"]


def test_the_device_that_is_asked_for(stage: Stage) -> None:
    stage.submit(name="on-gpu", device="cuda")
    stage.submit(name="on-cpu", device="cpu")
    stage.beat("w1", slots=1)
    assert placed_names(stage) == ["on-cpu"]
    assert reason(stage, "on-gpu") == "no online worker has a cuda slot"
    stage.beat("w2", slots=2, device="cuda")
    assert placed_names(stage) == ["on-gpu"]
    end(stage, "on-cpu")
    stage.submit(name="either")
    stage.place()
    (run,) = stage.get("/api/v1/runs?q=either")["items"]
    assert run["attempts"][0]["slots"] == ["w2/cuda1"], "a GPU where one is free"


def test_only_online_workers_count(both: Stage) -> None:
    both.submit(name="waiting", processes=2)
    both.place()
    assert reason(both, "waiting") == "no worker is online"
    both.beat(slots=1)
    both.place()
    assert reason(both, "waiting") == "waits for a worker with 2 slots; the largest online has 1"
    both.beat("w2", slots=2)
    both.now += both.lease_seconds + 1
    both.beat(slots=1)
    assert both.place() == [], "w2 is silent, whether or not that was noticed"
    both.beat("w2", slots=2)
    assert len(both.place()) == 1


def test_several_schedulers_at_once_book_nothing_twice(both: Stage) -> None:
    both.beat("w1", slots=3)
    both.beat("w2", slots=2)
    for number in range(6):
        both.submit(name=f"r{number}", processes=1 + number % 2)
    both.place()

    def once(_: int) -> int:
        return len(place(both.database, now=both.now, lease_seconds=both.lease_seconds))

    for run in both.get("/api/v1/runs?state=starting")["items"]:
        both.command(run["id"], "kill")
    for number in range(6, 10):
        both.submit(name=f"r{number}", processes=1 + number % 2)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(once, range(8)))
    both.place()
    with both.database.reading() as session:
        held = {slot.id: slot.attempt_id for slot in session.scalars(select(Slot)) if slot.attempt_id}
    runs = both.get("/api/v1/runs")["items"]
    attempts = [(run["id"], attempt) for run in runs for attempt in run["attempts"] if attempt["state"] == "placed"]
    assert len({run_id for run_id, _ in attempts}) == len(attempts), "no run has two current attempts"
    assert held == {slot: attempt["id"] for _, attempt in attempts for slot in attempt["slots"]}


def test_what_was_taken_meanwhile_keeps_one_run_waiting_and_not_those_beside_it(both: Stage) -> None:
    """In one transaction, between the look at what there is and the taking of the slots."""
    both.beat("w1", slots=2)
    both.beat("w2", slots=2)
    for name, processes in [("gang", 2), ("ended", 1), ("single", 1)]:
        both.now += 1
        both.submit(name=name, processes=processes)
    with both.database.reading() as session:
        gang, ended, single = sorted(waiting_runs(session), key=lambda run: run.created_at)
    both.command(ended.id, "kill")
    with both.database.writing() as session:
        session.execute(update(Slot).where(Slot.id == "w1/cpu0").values(attempt_id="att_of_another_scheduler"))
    w1, w2 = Offer("w1", "cpu", 2, 2), Offer("w2", "cpu", 2, 2)
    (placed,) = _place_some(both.database, [(gang, w1), (ended, w2), (single, w2)], both.now)
    assert (both.run(gang.id)["state"], both.run(ended.id)["state"], both.run(single.id)["state"]) == ("queued", "killed", "starting")
    with both.database.reading() as session:
        assert session.get_one(Run, single.id).current_attempt_id == placed.attempt_id
        held = dict(session.execute(select(Slot.id, Slot.attempt_id).where(Slot.attempt_id.is_not(None))).all())
    assert held == {"w1/cpu0": "att_of_another_scheduler", "w2/cpu0": placed.attempt_id}
    assert [event["type"] for event in both.events(single.id)][-2:] == ["RunStateChanged", "AttemptPlaced"]


def test_one_that_cannot_be_placed_holds_up_no_other(both: Stage) -> None:
    both.beat("w1", slots=4)
    for name in ("first", "cursed", "last"):
        both.now += 1
        both.submit(name=name)
    with both.database.writing() as session:  # a second attempt with the number of one that is there is refused by the database
        run_id = session.scalars(select(Run.id).where(Run.name == "cursed")).one()
        session.add(Attempt(id="att_there", run_id=run_id, number=1, state="failed", worker="w1", slots=[], placed_at=both.now))
    with pytest.raises(IntegrityError):
        both.place()
    states = {run["name"]: run["state"] for run in both.get("/api/v1/runs")["items"]}
    assert states == {"first": "starting", "cursed": "queued", "last": "starting"}


def test_a_dataset_that_is_being_prepared(stage: Stage) -> None:
    stage.beat()
    run = stage.submit()
    stage.storage.prepared = Prepared(id="prep_1", state="running", progress=0.43)
    assert stage.place() == []
    assert stage.run(run["id"])["reason"] == "preparing the dataset: 43 %"
    stage.storage.prepared = EnvironmentFault("storage does not answer")
    try:
        stage.place()
    except EnvironmentFault:
        assert stage.run(run["id"])["reason"] == "waits for storage: storage does not answer"
    else:
        raise AssertionError("the scheduler should log this")
    stage.storage.prepared = Prepared(id="prep_1", state="ready", progress=1, tokens=1_000_000)
    assert len(stage.place()) == 1


@pytest.mark.parametrize("fault", [NotAuthenticated("the join secret is wrong"), NotAllowed("no"), NotFound("no such page"), Conflict("?")])
def test_a_fault_of_the_configuration_does_not_fail_the_runs(stage: Stage, fault: GroundupError) -> None:
    run = stage.submit()
    stage.storage.prepared = fault
    with pytest.raises(GroundupError):  # the scheduler logs it
        stage.place()
    told = stage.run(run["id"])
    assert (told["state"], told["reason"]) == ("queued", f"waits for storage: {fault.detail}")


def test_a_failed_preparation_fails_the_run(stage: Stage) -> None:
    stage.beat()
    cases: list[tuple[Prepared | InvalidField, str]] = [
        (Prepared(id="p", state="failed", progress=0.5, reason="a part is damaged"), "preparing the dataset failed: a part is damaged"),
        (InvalidField("dataset", "is gone"), "its dataset cannot be prepared: dataset: is gone"),
    ]
    for said, told in cases:
        stage.storage.prepared = said
        run = stage.submit()
        assert stage.place() == []
        assert (stage.run(run["id"])["state"], stage.run(run["id"])["reason"]) == ("failed", told)


def test_the_true_number_of_tokens_is_checked_before_the_start(stage: Stage) -> None:
    stage.beat()
    run = stage.submit()
    stage.storage.prepared = Prepared(id="p", state="ready", progress=1, tokens=300)
    assert stage.place() == []
    told = stage.run(run["id"])
    assert told["state"] == "failed"
    assert "smaller than a batch" in told["reason"]
