"""Commands beyond stop and kill: what they do to a run, when they are refused, and how they end."""

from typing import Any

import pytest

from services.api.asking import LEGAL
from shared.commands import CommandType
from shared.names import FINAL_STATES, RunState
from tests.api.stage import Stage
from tests.conftest import headers

ARGUMENTS: dict[str, dict[str, Any]] = {
    "set_hyperparameters": {"changes": {"optimizer": {"lr": 0.01}}},
    "rollback": {"checkpoint_id": "ckpt_10"},
}


def ask(stage: Stage, run_id: str, kind: str, **arguments: Any) -> Any:
    return stage.http.post(f"/api/v1/runs/{run_id}/commands", json={"type": kind, **arguments}, headers=headers("editor"))


def commands(stage: Stage, run_id: str) -> dict[str, Any]:
    """By id."""
    return {command["command_id"]: command for command in stage.get(f"/api/v1/runs/{run_id}/commands")["items"]}


def report_of(attempt: str, fence: int, step: int = 7, **fields: Any) -> dict[str, Any]:
    return {"attempts": [{"attempt_id": attempt, "fence": fence, "progress": {"step": step}, **fields}]}


def applied(command_id: str, step: int = 8, **fields: Any) -> list[dict[str, Any]]:
    return [{"command_id": command_id, "step": step, "ranks": 2, **fields}]


def orders(answer: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(order["type"], order["arguments"]) for order in answer.json["commands"]]


def saved(both: Stage, *steps: int) -> tuple[Any, str, int]:
    """A running run with checkpoints `ckpt_<step>`, a step behind the last."""
    run, attempt, fence = both.running()
    for step in steps:
        assert both.commit(attempt, fence, f"ckpt_{step}", step).status_code == 204
    both.beat(**report_of(attempt, fence, steps[-1] + 1))
    return run, attempt, fence


def test_pause_ends_the_attempt_and_resume_queues_the_run(both: Stage) -> None:
    run, attempt, fence = saved(both, 10)
    command_id = ask(both, run["id"], "pause").json["command_id"]
    assert both.run(run["id"])["state"] == "pausing"
    assert orders(both.beat(**report_of(attempt, fence, 11))) == [("pause", {})]
    both.beat(**report_of(attempt, fence, 11), applied=applied(command_id, 11))
    assert both.report(attempt, fence, "paused", progress={"step": 11}).status_code == 204
    paused = both.run(run["id"])
    assert (paused["state"], paused["holds_slots"], paused["attempts"][0]["state"]) == ("paused", False, "paused")
    assert paused["reason"] == "paused by test-editor"
    assert both.place() == []
    known = commands(both, run["id"])[command_id]
    assert (known["state"], known["step"], known["ranks"]) == ("applied", 11, 2)
    assert ask(both, run["id"], "resume").json["state"] == "applied"
    assert both.run(run["id"])["state"] == "queued"
    assert len(both.place()) == 1


def test_a_pause_that_holds_keeps_attempt_and_slots(both: Stage) -> None:
    run, attempt, fence = saved(both, 10)
    pause = ask(both, run["id"], "pause", hold=True).json["command_id"]
    assert orders(both.beat(**report_of(attempt, fence))) == [("pause", {"hold": True})]
    both.beat(**report_of(attempt, fence, held=True), applied=applied(pause))
    held = both.run(run["id"])
    assert (held["state"], held["holds_slots"], held["attempts"][0]["state"]) == ("paused", True, "running")
    resume = ask(both, run["id"], "resume").json
    assert resume["state"] == "requested"
    assert orders(both.beat(**report_of(attempt, fence))) == [("resume", {})]
    both.beat(**report_of(attempt, fence), applied=applied(resume["command_id"]))
    assert (both.run(run["id"])["state"], both.run(run["id"])["holds_slots"]) == ("running", False)


def test_a_held_run_whose_worker_is_lost_stays_paused_without_slots(both: Stage) -> None:
    run, attempt, fence = saved(both, 10)
    pause = ask(both, run["id"], "pause", hold=True).json["command_id"]
    both.beat(**report_of(attempt, fence, held=True), applied=applied(pause))
    both.now += 2 * both.lease_seconds
    both.reconcile()
    lost = both.run(run["id"])
    assert (lost["state"], lost["holds_slots"], lost["failure"]["kind"]) == ("paused", False, "worker_lost")
    assert lost["reason"] == "paused by test-editor; attempt 1 is lost: worker w1 was silent for 60 s"


@pytest.mark.parametrize("state", ["failed", "preempted"])
def test_what_dies_while_it_is_to_pause_is_paused(both: Stage, state: str) -> None:
    run, attempt, fence = saved(both, 10)
    command_id = ask(both, run["id"], "pause").json["command_id"]
    both.report(attempt, fence, state, reason="it died")
    assert both.run(run["id"])["state"] == "paused"
    assert commands(both, run["id"])[command_id]["state"] == "applied"


def test_changes_are_told_with_their_journal_and_kept(both: Stage) -> None:
    run, attempt, fence = saved(both, 10)
    changes = {"optimizer": {"lr": 0.01, "betas": [0.8, 0.9]}, "steps": 50, "schedule": {"name": "constant"}}
    command_id = ask(both, run["id"], "set_hyperparameters", changes=changes).json["command_id"]
    assert orders(both.beat(**report_of(attempt, fence))) == [("set_hyperparameters", changes)]
    assert both.run(run["id"])["train"]["optimizer"]["lr"] != 0.01
    for _ in range(2):
        both.beat(**report_of(attempt, fence), applied=applied(command_id, 12))
    now = both.run(run["id"])
    assert (now["train"]["optimizer"]["lr"], now["progress"]["steps"], now["spec"]["train"]["steps"]) == (0.01, 50, 100)
    both.report(attempt, fence, "failed", reason="the process died", counts=False)
    (placed,) = both.place()
    journal = both.claim(placed.attempt_id).json["journal"]
    assert journal == [{"step": 12, "command_id": command_id, "type": "set_hyperparameters", "arguments": changes}]


def test_what_the_training_refuses_is_rejected_with_its_reason(both: Stage) -> None:
    run, attempt, fence = saved(both, 10)
    command_id = ask(both, run["id"], "set_hyperparameters", changes={"steps": 20}).json["command_id"]
    both.beat(**report_of(attempt, fence), applied=applied(command_id, 25, rejected="the run is at step 25 already"))
    known = commands(both, run["id"])[command_id]
    assert (known["state"], known["reason"]) == ("rejected", "the run is at step 25 already")
    assert both.run(run["id"])["progress"]["steps"] == 100


def test_the_end_of_a_run_does_not_overtake_what_it_has_applied(both: Stage) -> None:
    """The heartbeat that would have told is never heard."""
    run, attempt, fence = saved(both, 10)
    command_id = ask(both, run["id"], "set_hyperparameters", changes={"optimizer": {"lr": 0.01}}).json["command_id"]
    both.beat(**report_of(attempt, fence))
    both.report(attempt, fence, "succeeded", progress={"step": 100}, applied=applied(command_id, 40))
    known = commands(both, run["id"])[command_id]
    assert (known["state"], known["step"], both.run(run["id"])["train"]["optimizer"]["lr"]) == ("applied", 40, 0.01)


def test_a_change_of_a_waiting_run_is_told_to_its_next_attempt(both: Stage) -> None:
    run = both.submit()
    command_id = ask(both, run["id"], "set_hyperparameters", changes={"optimizer": {"lr": 0.01}}).json["command_id"]
    both.beat()
    (placed,) = both.place()
    fence = both.claim(placed.attempt_id).json["fence"]
    assert [order["command_id"] for order in both.beat(**report_of(placed.attempt_id, fence)).json["commands"]] == [command_id]


def test_a_rollback_leaves_what_came_later_behind(both: Stage) -> None:
    run, attempt, fence = saved(both, 10, 20, 30)
    change = ask(both, run["id"], "set_hyperparameters", changes={"optimizer": {"lr": 0.01}}).json["command_id"]
    both.beat(**report_of(attempt, fence, 31), applied=applied(change, 25))
    command_id = ask(both, run["id"], "rollback", checkpoint_id="ckpt_10").json["command_id"]
    assert orders(both.beat(**report_of(attempt, fence, 31))) == [("rollback", {"checkpoint_id": "ckpt_10", "step": 10})]
    both.beat(**report_of(attempt, fence, 31), applied=applied(command_id, 31))
    assert commands(both, run["id"])[command_id]["state"] == "accepted", "it is not done before the attempt has ended"
    both.report(attempt, fence, "rolled_back", progress={"step": 31})
    now = both.run(run["id"])
    assert (now["state"], now["progress"]["step"], now["train"]["optimizer"]["lr"]) == ("queued", 10, 0.001)
    assert commands(both, run["id"])[change]["undone"]
    known = commands(both, run["id"])[command_id]
    assert (known["state"], known["step"], known["ranks"]) == ("applied", 31, 2)
    left = {item["id"]: item["left_behind"] for item in both.get("/api/v1/checkpoints")["items"]}
    assert left == {"ckpt_10": False, "ckpt_20": True, "ckpt_30": True}
    (placed,) = both.place()
    claim = both.claim(placed.attempt_id).json
    assert ([checkpoint["id"] for checkpoint in claim["checkpoints"]], claim["journal"]) == (["ckpt_10"], [])
    assert both.commit(placed.attempt_id, claim["fence"], "ckpt_20b", 20).status_code == 204
    (event,) = [event for event in both.events(run["id"]) if event["type"] == "RunRolledBack"]
    assert (event["old_step"], event["step"]) == (31, 10)


def test_a_rollback_is_carried_out_also_where_the_attempt_dies_first(both: Stage) -> None:
    run, attempt, fence = saved(both, 10, 20)
    ask(both, run["id"], "rollback", checkpoint_id="ckpt_10")
    both.report(attempt, fence, "failed", reason="the process died")
    assert both.run(run["id"])["progress"]["step"] == 10


def test_a_paused_run_is_rolled_back_at_once_and_stays_paused(both: Stage) -> None:
    run, attempt, fence = saved(both, 10, 20)
    ask(both, run["id"], "pause")
    both.report(attempt, fence, "paused", progress={"step": 21})
    assert ask(both, run["id"], "rollback", checkpoint_id="ckpt_10").json["state"] == "applied"
    assert (both.run(run["id"])["state"], both.run(run["id"])["progress"]["step"]) == ("paused", 10)


def test_a_resume_without_a_checkpoint_is_refused_unless_it_begins_anew(both: Stage) -> None:
    run, attempt, fence = both.running()
    both.beat(**report_of(attempt, fence, 5))
    ask(both, run["id"], "pause")
    both.report(attempt, fence, "paused", progress={"step": 5})
    refused = ask(both, run["id"], "resume")
    assert (refused.status_code, refused.json["code"]) == (409, "no-checkpoint")
    assert "from_scratch" in refused.json["remedy"]
    assert ask(both, run["id"], "resume", from_scratch=True).json["state"] == "applied"
    assert (both.run(run["id"])["state"], both.run(run["id"])["progress"]["step"]) == ("queued", 0)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"type": "set_hyperparameters", "changes": {"optimizer": {"lr": -1}}}, "changes.optimizer.lr"),
        ({"type": "set_hyperparameters", "changes": {"optimizer": {"lr": float("nan")}}}, "changes.optimizer.lr"),
        ({"type": "set_hyperparameters", "changes": {"batch_size": 7}}, "changes.batch_size"),
        ({"type": "set_hyperparameters", "changes": {"steps": 3}}, "changes.steps"),
        ({"type": "set_hyperparameters", "changes": {"schedule": {"warmup_steps": 1000}}}, "changes.schedule.warmup_steps"),
        ({"type": "set_hyperparameters", "changes": {"lr": 1}}, "changes.lr"),
        ({"type": "set_hyperparameters"}, "changes"),
        ({"type": "rollback"}, "checkpoint_id"),
        ({"type": "rollback", "checkpoint_id": "ckpt_other"}, "checkpoint_id"),
        ({"type": "stop", "hold": True}, "hold"),
        ({"type": "sample", "prompts": [""]}, "prompts.0"),
    ],
)
def test_bad_arguments_name_their_field(stage: Stage, body: dict[str, Any], field: str) -> None:
    run, _, _ = saved(stage, 10)
    answer = stage.http.post(f"/api/v1/runs/{run['id']}/commands", json=body, headers=headers("editor"))
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)
    assert commands(stage, run["id"]) == {}


def test_commands_that_conflict_are_refused(stage: Stage) -> None:
    run, _, _ = saved(stage, 10)
    ask(stage, run["id"], "set_hyperparameters", changes={"optimizer": {"lr": 0.01}})
    assert ask(stage, run["id"], "set_hyperparameters", changes={"optimizer": {"weight_decay": 0.2}}).status_code == 202
    same = ask(stage, run["id"], "set_hyperparameters", changes={"optimizer": {"lr": 0.02}})
    assert (same.status_code, same.json["code"]) == (409, "command-conflict")
    assert "train.optimizer.lr" in same.json["detail"]
    ask(stage, run["id"], "rollback", checkpoint_id="ckpt_10")
    for kind in ("pause", "evaluate", "rollback"):
        assert ask(stage, run["id"], kind, **ARGUMENTS.get(kind, {})).json["code"] == "command-conflict"
    assert ask(stage, run["id"], "stop").status_code == 202


def in_state(stage: Stage, state: RunState) -> str:
    """A run in this state, with a checkpoint wherever it may have one."""
    if state == RunState.QUEUED:
        return str(stage.submit()["id"])
    if state == RunState.STARTING:
        run = stage.submit()
        stage.beat()
        stage.claim(stage.place()[0].attempt_id)
        return str(run["id"])
    run, attempt, fence = saved(stage, 10)
    if state in {RunState.PAUSING, RunState.PAUSED}:
        ask(stage, run["id"], "pause")
    if state == RunState.PAUSED:
        stage.report(attempt, fence, "paused", progress={"step": 11})
    if state == RunState.STOPPING:
        ask(stage, run["id"], "stop")
    if state in FINAL_STATES:
        stage.report(attempt, fence, state, retry=False)
    return str(run["id"])


@pytest.mark.parametrize("kind", list(CommandType))
@pytest.mark.parametrize("state", list(RunState))
def test_every_command_in_every_state_is_taken_or_refused_with_a_code(stage: Stage, state: RunState, kind: CommandType) -> None:
    run_id = in_state(stage, state)
    assert stage.run(run_id)["state"] == state
    answer = ask(stage, run_id, kind, **ARGUMENTS.get(kind, {}))
    if state not in LEGAL[kind]:
        assert (answer.status_code, answer.json["code"]) == (409, "run-ended" if state in FINAL_STATES else "wrong-state")
        assert answer.json["remedy"]
    elif answer.status_code != 202:
        assert (state, kind) in {(RunState.QUEUED, "rollback"), (RunState.STARTING, "rollback"), (RunState.PAUSING, "rollback")}
        assert answer.json["code"] in {"command-conflict", "invalid-field"}
