"""Stop and kill, in every state."""

from typing import Any

import pytest

from services.api.models import Command, Run
from services.api.scheduler import Scheduler
from shared.bus import connect
from shared.settings import Settings
from tests.api.stage import Stage
from tests.conftest import headers


@pytest.mark.parametrize(("kind", "end"), [("stop", "stopped"), ("kill", "killed")])
def test_what_waits_in_the_queue_ends_at_once(stage: Stage, kind: str, end: str) -> None:
    run = stage.submit()
    answer = stage.command(run["id"], kind)
    assert (answer.status_code, answer.json["type"], answer.json["state"]) == (202, kind, "applied")
    told = stage.run(run["id"])
    assert (told["state"], told["reason"]) == (end, f"{kind} requested by test-editor")
    (command,) = stage.get(f"/api/v1/runs/{run['id']}/commands")["items"]
    assert (command["command_id"], command["state"], command["by"]) == (answer.json["command_id"], "applied", "test-editor")
    assert [event["type"] for event in stage.events(run["id"])] == ["RunCreated", "CommandRequested", "RunStateChanged"]


def test_what_no_worker_took_up_ends_at_once_and_frees_its_slots(both: Stage) -> None:
    both.beat()
    run = both.submit(processes=2)
    (placed,) = both.place()
    both.command(run["id"], "stop")
    assert both.run(run["id"])["state"] == "stopped"
    assert both.claim(placed.attempt_id).status_code == 409
    both.submit(processes=2)
    assert len(both.place()) == 1


@pytest.mark.parametrize(("kind", "end"), [("stop", "stopped"), ("kill", "killed")])
def test_a_running_one_is_told_until_it_says_so(both: Stage, kind: str, end: str) -> None:
    run, attempt, fence = both.running()
    command_id = both.command(run["id"], kind).json["command_id"]
    assert both.run(run["id"])["state"] == "stopping"
    report: dict[str, Any] = {"attempts": [{"attempt_id": attempt, "fence": fence, "progress": {"step": 7}}]}
    for _ in range(2):
        (order,) = both.beat(**report).json["commands"]
        assert order == {"command_id": command_id, "attempt_id": attempt, "type": kind, "arguments": {}}
    (command,) = both.get(f"/api/v1/runs/{run['id']}/commands")["items"]
    assert command["state"] == "accepted"
    applied = both.beat(**report, applied=[{"command_id": command_id, "step": 8, "ranks": 1}])
    assert applied.json["commands"] == []
    both.report(attempt, fence, end)
    (command,) = both.get(f"/api/v1/runs/{run['id']}/commands")["items"]
    assert (command["state"], command["step"], command["ranks"]) == ("applied", 8, 1)
    assert both.run(run["id"])["state"] == end


def test_what_was_applied_is_known_also_where_the_end_comes_first(stage: Stage) -> None:
    run, attempt, fence = stage.running()
    command_id = stage.command(run["id"], "stop").json["command_id"]
    stage.report(attempt, fence, "stopped", progress={"step": 5})
    stage.beat(applied=[{"command_id": command_id, "step": 6, "ranks": 1}])
    (command,) = stage.get(f"/api/v1/runs/{run['id']}/commands")["items"]
    assert (command["state"], command["step"], command["ranks"]) == ("applied", 6, 1)


def test_a_run_that_was_done_first_rejects_the_command(stage: Stage) -> None:
    run, attempt, fence = stage.running()
    stage.command(run["id"], "stop")
    stage.report(attempt, fence, "succeeded")
    (command,) = stage.get(f"/api/v1/runs/{run['id']}/commands")["items"]
    assert (stage.run(run["id"])["state"], command["state"], command["reason"]) == ("succeeded", "rejected", "the run succeeded before")


@pytest.mark.parametrize(("kinds", "end"), [(["stop"], "stopped"), (["kill"], "killed"), (["stop", "kill"], "killed")])
def test_a_stopping_run_whose_attempt_dies_is_not_tried_again(stage: Stage, kinds: list[str], end: str) -> None:
    run, attempt, fence = stage.running()
    for kind in kinds:
        assert stage.command(run["id"], kind).status_code == 202
    stage.report(attempt, fence, "failed", reason="the process died", retry=True)
    assert stage.run(run["id"])["state"] == end
    assert {command["state"] for command in stage.get(f"/api/v1/runs/{run['id']}/commands")["items"]} == {"applied"}


def test_illegal_commands_say_why(stage: Stage) -> None:
    run, attempt, fence = stage.running()
    stage.command(run["id"], "stop")
    again = stage.command(run["id"], "stop")
    assert (again.status_code, again.json["code"]) == (409, "wrong-state")
    assert "kill" in again.json["remedy"]
    stage.report(attempt, fence, "stopped")
    for kind in ("stop", "kill"):
        refused = stage.command(run["id"], kind)
        assert (refused.status_code, refused.json["code"]) == (409, "run-ended")
    assert stage.command("run_none", "stop").status_code == 404
    assert stage.command(run["id"], "halt").json["errors"][0]["field"] == "type"
    assert len(stage.get(f"/api/v1/runs/{run['id']}/commands")["items"]) == 1


def test_a_repeated_key_asks_once(stage: Stage) -> None:
    run, _, _ = stage.running()
    path, with_key = f"/api/v1/runs/{run['id']}/commands", {**headers("editor"), "Idempotency-Key": "k"}
    answers = [stage.http.post(path, json={"type": "stop"}, headers=with_key) for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert [answer.status_code for answer in answers] == [202, 202]


def test_the_worker_is_hinted_once_for_a_placement_and_once_for_a_command(stage: Stage, settings: Settings) -> None:
    hints: list[str] = []
    with connect(settings.redis_url) as client:
        scheduler = Scheduler(settings, stage.database, stage.storage, client=client, send_hint=hints.append)
        stage.beat()
        run = stage.submit()
        for expected in (["w1"], ["w1"]):
            scheduler.tick(stage.now)
            scheduler.tell()
            assert hints == expected
        with stage.database.reading() as session:
            attempt = session.query(Run).one().current_attempt_id
        stage.claim(str(attempt))
        stage.command(run["id"], "stop")
        for _ in range(2):
            scheduler.tell()
            assert hints == ["w1", "w1"]
    with stage.database.reading() as session:
        assert session.query(Command).one().hinted


def test_the_word_of_an_attempt_that_was_taken_over_from_changes_no_journal(both: Stage) -> None:
    """Found by `./run chaos`: the attempts apply a change at different steps, and only the last one's weights go on."""
    run, _, fence = both.running()
    body = {"type": "set_hyperparameters", "changes": {"optimizer": {"lr": 0.001}}}
    command_id = both.http.post(f"/api/v1/runs/{run['id']}/commands", json=body, headers=headers("editor")).json["command_id"]
    both.now += 100
    both.beat("w2")
    both.reconcile()
    both.now += 10
    both.beat("w2")
    (placed,) = both.place()
    new = both.claim(placed.attempt_id, "w2").json["fence"]
    stale = {"command_id": command_id, "step": 5, "ranks": 1, "fence": fence}
    both.beat("w1", applied=[stale])
    (command,) = both.get(f"/api/v1/runs/{run['id']}/commands")["items"]
    assert (command["state"], command["step"]) == ("requested", None)
    both.beat("w2", applied=[{**stale, "step": 0, "fence": new}])
    both.beat("w1", applied=[stale])
    (command,) = both.get(f"/api/v1/runs/{run['id']}/commands")["items"]
    assert (command["state"], command["step"]) == ("applied", 0)
