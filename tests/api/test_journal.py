"""What a run changes about itself: which changes go together, which checkpoints it stands on, and what is told of both."""

from typing import Any

import pytest

from services.api.damage import report_damage
from services.api.models import Run
from shared.conversation import CheckpointDamage
from tests.api.stage import WORKER, Stage
from tests.api.test_asking import applied, ask, commands, report_of, saved
from tests.api.test_deletion import delete
from tests.api.test_forks import begun, changed, replay
from tests.conftest import headers


def changes_of(answer: Any) -> list[str]:
    return [error["field"] for error in answer.json.get("errors", [])]


def test_a_change_must_go_with_those_that_a_replay_makes_after_it(both: Stage) -> None:
    """Neither the end of it all nor the present would show that."""
    run, attempt, fence = saved(both, 10)
    changed(both, run, attempt, fence, 50, steps=60)
    both.report(attempt, fence, "succeeded", progress={"step": 60})
    new = replay(both, run["id"]).json
    second, claim = begun(both)
    both.beat(**report_of(second, claim["fence"], 20))
    refused = ask(both, new["id"], "set_hyperparameters", changes={"steps": 500, "schedule": {"warmup_steps": 300}})
    assert (refused.status_code, changes_of(refused)) == (422, ["changes.schedule.warmup_steps"])
    assert ask(both, new["id"], "set_hyperparameters", changes={"schedule": {"warmup_steps": 30}}).status_code == 202


def test_changes_at_the_same_step_build_on_each_other(both: Stage) -> None:
    run, attempt, fence = saved(both, 10)
    changed(both, run, attempt, fence, 21, steps=1000)
    second = ask(both, run["id"], "set_hyperparameters", changes={"schedule": {"warmup_steps": 800}})
    assert second.status_code == 202
    third = ask(both, run["id"], "set_hyperparameters", changes={"steps": 700})
    assert changes_of(third) == ["changes.schedule.warmup_steps"], "the second is open, and counts"


def test_a_word_of_the_training_is_taken_also_where_it_does_not_go_with_the_rest(both: Stage) -> None:
    """Refused it would be repeated with every heartbeat, and the worker lost."""
    run, attempt, fence = saved(both, 10)
    both.report(attempt, fence, "succeeded", progress={"step": 60})
    new = replay(both, run["id"]).json
    second, claim = begun(both)
    command_id = ask(both, new["id"], "set_hyperparameters", changes={"schedule": {"warmup_steps": 90}}).json["command_id"]
    with both.database.writing() as session:
        session.get_one(Run, new["id"]).journal = [
            {"step": 50, "command_id": "cmd_old", "type": "set_hyperparameters", "arguments": {"steps": 60}}
        ]
    assert both.beat(**report_of(second, claim["fence"], 20), applied=applied(command_id, 20)).status_code == 200
    assert commands(both, new["id"])[command_id]["state"] == "applied"
    assert both.run(new["id"])["train"]["schedule"]["warmup_steps"] == 90


def test_the_measure_of_a_step_is_not_of_what_was_left_behind_there(both: Stage) -> None:
    run, attempt, fence = saved(both, 10, 20)
    ask(both, run["id"], "rollback", checkpoint_id="ckpt_10")
    both.report(attempt, fence, "rolled_back", progress={"step": 21})
    second, claim = begun(both)
    body = {"fence": claim["fence"], "step": 20, "metrics": {"val/loss": 1.0}}
    path = f"/internal/attempts/{second}/metrics"
    assert both.http.post(path, json=body, headers=WORKER).status_code == 404
    both.commit(second, claim["fence"], "ckpt_20b", 20)
    assert both.http.post(path, json=body, headers=WORKER).status_code == 204
    measured = {item["id"]: item["metrics"]["val/loss"] for item in both.get("/api/v1/checkpoints")["items"]}
    assert (measured["ckpt_20"], measured["ckpt_20b"]) == (2.5, 1.0)


def test_a_rollback_does_not_wait_for_the_next_heartbeat_to_know_the_step(both: Stage) -> None:
    run, attempt, fence = both.running()
    for step in (10, 20):
        both.commit(attempt, fence, f"ckpt_{step}", step)
    assert both.run(run["id"])["progress"]["step"] == 0
    assert ask(both, run["id"], "rollback", checkpoint_id="ckpt_20").status_code == 409
    assert ask(both, run["id"], "rollback", checkpoint_id="ckpt_10").status_code == 202


def test_what_a_rollback_goes_back_to_is_not_deleted_meanwhile(both: Stage) -> None:
    run, attempt, fence = saved(both, 10, 20, 30, 40, 50)
    ask(both, run["id"], "rollback", checkpoint_id="ckpt_10")
    assert "a rollback goes back to it" in delete(both, "ckpt_10").json["detail"]
    both.report(attempt, fence, "rolled_back", progress={"step": 51})
    assert "newest" in delete(both, "ckpt_10").json["detail"]
    assert delete(both, "ckpt_50").status_code == 204, "nothing needs what was left behind"


def test_a_rollback_to_what_cannot_be_used_any_more_is_rejected(both: Stage) -> None:
    run, attempt, fence = saved(both, 10, 20)
    command_id = ask(both, run["id"], "rollback", checkpoint_id="ckpt_10").json["command_id"]
    with both.database.writing() as session:
        damage = CheckpointDamage(worker="w1", fence=fence, checkpoint_id="ckpt_10", reason="a byte differs")
        report_damage(session, attempt, damage, both.now)
    both.report(attempt, fence, "rolled_back", progress={"step": 21})
    known = commands(both, run["id"])[command_id]
    assert (known["state"], both.run(run["id"])["state"], both.run(run["id"])["progress"]["step"]) == ("rejected", "queued", 21)
    rejected = [event["reason"] for event in both.events(run["id"]) if event["type"] == "CommandRejected"]
    assert rejected == [known["reason"]]
    assert [ref["id"] for ref in begun(both)[1]["checkpoints"]] == ["ckpt_20"]


def test_a_run_of_which_only_a_suspect_is_left_can_be_resumed(both: Stage) -> None:
    run, attempt, fence = saved(both, 10)
    with both.database.writing() as session:
        damage = CheckpointDamage(worker="w1", fence=fence, checkpoint_id="ckpt_10", reason="a byte differs")
        report_damage(session, attempt, damage, both.now)
    ask(both, run["id"], "pause")
    both.report(attempt, fence, "paused", progress={"step": 11})
    assert ask(both, run["id"], "resume").json["state"] == "applied"
    assert [ref["id"] for ref in begun(both)[1]["checkpoints"]] == ["ckpt_10"]


def test_what_waited_for_an_attempt_is_rejected_when_the_run_is_paused_in_the_queue(both: Stage) -> None:
    run, attempt, fence = saved(both, 10)
    evaluate = ask(both, run["id"], "evaluate").json["command_id"]
    change = ask(both, run["id"], "set_hyperparameters", changes={"optimizer": {"lr": 0.01}}).json["command_id"]
    both.report(attempt, fence, "failed", reason="it died", counts=False)
    assert ask(both, run["id"], "pause").json["state"] == "applied"
    known = commands(both, run["id"])
    assert (known[evaluate]["state"], known[change]["state"]) == ("rejected", "requested")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"type": "set_hyperparameters", "chnges": {}}, "did you mean 'changes'?"),
        ({"type": "set_hyperparameters", "changes": {"optimizer": {"lrr": 1}}}, "did you mean 'lr'?"),
        ({"type": "rollback", "checkpoint_id": "ckpt\0"}, "pattern"),
        ({"type": "pause", "prompts": ["x"]}, "belongs to 'sample', not to 'pause'"),
    ],
)
def test_a_mistake_is_told_with_what_was_meant(both: Stage, body: dict[str, Any], message: str) -> None:
    run, _, _ = saved(both, 10)
    answer = both.http.post(f"/api/v1/runs/{run['id']}/commands", json=body, headers=headers("editor"))
    assert answer.status_code == 422
    assert message in answer.json["errors"][0]["message"]
