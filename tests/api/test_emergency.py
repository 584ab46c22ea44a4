"""The emergency stop: what it ends, what it refuses, what it says, and how it is lifted."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import update

from services.api.emergency import end_all
from services.api.models import Run
from services.api.scheduler import Scheduler
from shared.bus import connect
from shared.conversation import EmergencyOrder
from shared.names import EMERGENCY_CHANNEL
from shared.settings import Settings
from tests.api.stage import NOTHING, Stage
from tests.api.test_placement import placed_names, reason
from tests.api.test_queue import cluster_events
from tests.conftest import headers

WHY = "emergency stop by test-admin: smoke"


def stop(stage: Stage, reason: str = "smoke", role: str = "admin", **more: Any) -> Any:
    return stage.http.post("/api/v1/emergency-stop", json={"reason": reason, **more}, headers=headers(role))


def reopen(stage: Stage, role: str = "admin") -> Any:
    return stage.http.delete("/api/v1/emergency-stop", headers=headers(role))


def shown(stage: Stage) -> Any:
    return stage.get("/api/v1/emergency-stop")


def test_every_attempt_ends_and_its_run_is_paused(both: Stage) -> None:
    run, attempt, fence = both.running()
    both.commit(attempt, fence, "ckpt_10", 10)
    claimed = both.submit(name="claimed")
    (placed,) = both.place()
    both.claim(placed.attempt_id)
    both.beat("w2", slots=1)
    unclaimed = both.submit(name="unclaimed")
    both.place()
    answer = stop(both)
    assert (answer.status_code, answer.json["active"], answer.json["attempts"], answer.json["remaining"]) == (202, True, 3, 3)
    for one in (run, claimed, unclaimed):
        told = both.run(one["id"])
        assert (told["state"], told["reason"]) == ("paused", WHY)
        assert (told["attempts"][0]["state"], told["attempts"][0]["reason"]) == ("killed", WHY)
    assert [checkpoint["id"] for checkpoint in both.get(f"/api/v1/runs/{run['id']}/checkpoints")["items"]] == ["ckpt_10"]
    slots = [slot for worker in both.get("/api/v1/workers")["items"] for slot in worker["slots"]]
    assert {slot["attempt_id"] for slot in slots} == {None}
    (event,) = cluster_events(both, "EmergencyStopped")
    assert event == {"type": "EmergencyStopped", "by": "test-admin", "reason": "smoke", "worker": "", "attempts": 3}
    assert both.report(attempt, fence, "running").json["code"] == "stale-fence"
    assert both.report(attempt, fence, "halted").status_code == 204, "the worker may say what it has done"


def test_the_heartbeats_carry_it_and_tell_what_is_gone(both: Stage) -> None:
    _, attempt, fence = both.running()
    both.submit(name="unclaimed")
    both.place()
    stop(both)
    order = EmergencyOrder.model_validate(both.beat("w2").json["emergency"])
    assert (order.by, order.reason) == ("test-admin", "smoke")
    assert shown(both)["remaining"] == 1, "nothing has to be killed that was not claimed"
    told = both.beat(attempts=[{"attempt_id": attempt, "fence": fence, "progress": {}}]).json
    assert (told["cancelled"], told["assignments"], told["emergency"]["id"]) == ([attempt], [], order.id)
    assert shown(both)["remaining"] == 1
    both.beat()
    assert (shown(both)["attempts"], shown(both)["remaining"]) == (2, 0)
    reopen(both)
    assert both.beat().json == NOTHING


def test_nothing_starts_until_it_is_lifted_and_everybody_says_why(both: Stage) -> None:
    both.beat()
    both.submit(name="placed")
    (placed,) = both.place()
    stop(both)
    both.submit(name="later", priority=100)
    assert both.place() == []
    why = f"the queue is closed by an {WHY}"
    assert reason(both, "later") == why
    told = both.get("/api/v1/queue")
    assert (told["emergency"]["by"], told["emergency"]["reason"], told["pause"]) == ("test-admin", "smoke", None)
    assert [item["reason"] for item in told["items"]] == [why]
    assert both.claim(placed.attempt_id).json["code"] == "stale-fence"

    both.pause("maintenance")
    both.place()
    assert reason(both, "later") == why
    for _ in range(2):
        assert reopen(both).status_code == 204
    assert both.place() == []
    assert reason(both, "later") == "the queue is paused by test-admin: maintenance", "which is a thing of its own"
    both.reopen()
    assert both.get("/api/v1/queue")["emergency"] is None
    assert shown(both) == {"active": False, "by": None, "reason": None, "since": None, "attempts": 0, "remaining": 0}
    assert placed_names(both) == ["later"], "the other stays paused until it is resumed"
    assert [event["by"] for event in cluster_events(both, "EmergencyEnded")] == ["test-admin"]


def test_a_claim_is_refused_while_it_stands(both: Stage) -> None:
    """An attempt that was placed in the same moment, and not yet ended."""
    both.beat()
    run = both.submit()
    (placed,) = both.place()
    stop(both)
    with both.database.writing() as session:
        row = session.get_one(Run, run["id"])
        row.current_attempt_id, row.state = placed.attempt_id, "starting"
    answer = both.claim(placed.attempt_id)
    assert (answer.status_code, answer.json["code"]) == (409, "emergency-stop")
    assert "test-admin: smoke" in answer.json["detail"]
    assert "--reopen" in answer.json["remedy"]


def test_runs_that_were_to_end_do(both: Stage) -> None:
    run, _attempt, _fence = both.running()
    both.command(run["id"], "stop")
    other = both.submit(name="killed")
    (placed,) = both.place()
    both.claim(placed.attempt_id)
    both.command(other["id"], "kill")
    stop(both)
    assert [both.run(one["id"])["state"] for one in (run, other)] == ["stopped", "killed"]
    assert both.get(f"/api/v1/runs/{other['id']}/commands")["items"][0]["state"] == "applied"


def test_a_second_one_changes_nothing(both: Stage) -> None:
    both.running()
    first = stop(both).json
    again = stop(both, "another reason")
    assert (again.status_code, again.json["reason"], again.json["attempts"]) == (202, "smoke", first["attempts"])
    assert len(cluster_events(both, "EmergencyStopped")) == 1
    with ThreadPoolExecutor(4) as pool:
        assert {answer.status_code for answer in pool.map(lambda _: stop(both), range(4))} == {202}


def test_a_repeated_request_does_not_stop_again_what_was_reopened(both: Stage) -> None:
    sent = {**headers("admin"), "Idempotency-Key": "once"}
    both.http.post("/api/v1/emergency-stop", json={"reason": "smoke"}, headers=sent)
    reopen(both)
    both.running()
    assert both.http.post("/api/v1/emergency-stop", json={"reason": "smoke"}, headers=sent).status_code == 202
    assert shown(both)["active"] is False
    assert len(both.get("/api/v1/runs?state=running")["items"]) == 1


def test_workers_hear_it_on_redis_at_once(stage: Stage, settings: Settings) -> None:
    with connect(settings.redis_url, blocking_seconds=5) as client, client.pubsub(ignore_subscribe_messages=True) as listener:
        listener.subscribe(EMERGENCY_CHANNEL)
        listener.get_message(timeout=5)
        stop(stage)
        message = listener.get_message(timeout=5)
        assert message is not None
        order = EmergencyOrder.model_validate(json.loads(message["data"]))
        assert (order.by, order.reason) == ("test-admin", "smoke")
        assert stage.beat().json["emergency"]["id"] == order.id
        stop(stage)
        assert listener.get_message(timeout=5) is not None, "pressing again tells them again"


def test_the_scheduler_goes_on_where_a_request_broke_off(both: Stage, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _attempt, _fence = both.running()
    monkeypatch.setattr("services.api.emergency.end_all", lambda *_: None)
    assert stop(both).json["remaining"] == 1
    assert both.run(run["id"])["state"] == "running"
    monkeypatch.undo()
    with connect(settings.redis_url) as client:
        scheduler = Scheduler(settings, both.database, both.storage, client=client, send_hint=lambda _: None)
        scheduler.tick(both.now)
    assert not scheduler.failing
    assert (both.run(run["id"])["state"], shown(both)["remaining"]) == ("paused", 1)
    end_all(both.database, both.now)
    assert len(both.run(run["id"])["attempts"]) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [({"confirm": "yes"}, "confirm"), ({"reason": "x" * 501}, "reason"), ({"reason": "\0"}, "reason"), ({"why": 1}, "why")],
)
def test_what_is_no_emergency_stop_is_refused_at_its_field(stage: Stage, body: dict[str, Any], field: str) -> None:
    answer = stage.http.post("/api/v1/emergency-stop", json=body, headers=headers("admin"))
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)
    assert shown(stage)["active"] is False


def test_only_an_admin_stops_and_reopens_and_the_audit_knows_who(stage: Stage) -> None:
    for role in ("viewer", "editor"):
        assert stop(stage, role=role).status_code == 403
    assert stop(stage, confirm="stop everything").status_code == 202
    assert reopen(stage, "editor").status_code == 403
    assert shown(stage)["active"] is True
    reopen(stage)
    rows = [row for row in stage.get("/api/v1/audit", "admin")["items"] if row["path"] == "/api/v1/emergency-stop"]
    assert [(row["method"], row["who"], row["status"]) for row in rows[:3]] == [
        ("DELETE", "test-admin", 204),
        ("DELETE", "test-editor", 403),
        ("POST", "test-admin", 202),
    ]


def test_one_run_that_cannot_be_ended_keeps_no_other_alive(both: Stage) -> None:
    """Whatever is wrong with it; here the row says that it stops, and not how it is to end."""
    first, _, _ = both.running(name="first")
    second, _, _ = both.running(name="second")
    broken, sound = sorted((first["id"], second["id"]))
    with both.database.writing() as session:
        session.execute(update(Run).where(Run.id == broken).values(state="stopping", wish=""))
    answer = stop(both)
    assert (answer.status_code, both.run(sound)["state"], shown(both)["remaining"]) == (202, "paused", 2)
    with both.database.writing() as session:
        session.execute(update(Run).where(Run.id == broken).values(wish="stopped"))
    end_all(both.database, both.now)
    assert both.run(broken)["state"] == "stopped"
