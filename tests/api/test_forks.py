"""New runs out of old ones: what a fork and a replay begin with, what is refused, and what is kept for them."""

from typing import Any

import pytest

from services.api.damage import report_damage
from shared.conversation import CheckpointDamage
from shared.errors import EnvironmentFault
from tests.api.stage import Stage
from tests.api.test_asking import applied, ask, report_of, saved
from tests.api.test_deletion import delete
from tests.api.test_expiry import collect
from tests.conftest import headers

EDITOR = headers("editor")


def fork(stage: Stage, run_id: str, checkpoint_id: str = "ckpt_10", role: str = "editor", **body: Any) -> Any:
    return stage.http.post(f"/api/v1/runs/{run_id}/fork", json={"checkpoint_id": checkpoint_id, **body}, headers=headers(role))


def replay(stage: Stage, run_id: str, **body: Any) -> Any:
    return stage.http.post(f"/api/v1/runs/{run_id}/replay", json=body, headers=EDITOR)


def changed(stage: Stage, run: Any, attempt: str, fence: int, step: int, **changes: Any) -> str:
    """A change of hyperparameters, applied at this step."""
    command_id = str(ask(stage, run["id"], "set_hyperparameters", changes=changes).json["command_id"])
    stage.beat(**report_of(attempt, fence, step), applied=applied(command_id, step))
    return command_id


def begun(stage: Stage) -> tuple[str, Any]:
    """The next run in line is placed and claimed: (attempt, claim)."""
    stage.beat()
    (placed,) = stage.place()
    return placed.attempt_id, stage.claim(placed.attempt_id).json


def delete_run(stage: Stage, run_id: str) -> Any:
    return stage.http.delete(f"/api/v1/runs/{run_id}", headers=EDITOR)


def test_a_fork_goes_on_from_the_checkpoint_as_the_run_was_there(both: Stage) -> None:
    run, attempt, fence = saved(both, 10, 20)
    changed(both, run, attempt, fence, 15, optimizer={"lr": 0.01})
    changed(both, run, attempt, fence, 25, optimizer={"lr": 0.02})
    both.report(attempt, fence, "stopped", progress={"step": 25})
    answer = fork(both, run["id"], "ckpt_20", overrides={"train": {"optimizer": {"weight_decay": 0.3}, "steps": 60}})
    assert answer.status_code == 201, answer.json
    new = answer.json
    assert (new["name"], new["parent_id"], new["origin"]) == ("tiny-fork", run["id"], {"checkpoint_id": "ckpt_20", "step": 20})
    optimizer = new["spec"]["train"]["optimizer"]
    assert (optimizer["lr"], optimizer["weight_decay"], new["spec"]["train"]["steps"]) == (0.01, 0.3, 60)
    assert (new["progress"]["step"], new["progress"]["tokens"]) == (20, 20 * 256)
    _, claim = begun(both)
    assert [(ref["id"], ref["run_id"]) for ref in claim["checkpoints"]] == [("ckpt_20", run["id"])]
    assert (claim["run_id"], claim["journal"]) == (new["id"], [])
    assert [event["checkpoint_id"] for event in both.events(new["id"]) if event["type"] == "RunForked"] == ["ckpt_20"]


def test_its_own_checkpoints_come_before_the_origin(both: Stage) -> None:
    run, attempt, fence = saved(both, 10)
    both.report(attempt, fence, "succeeded")
    fork(both, run["id"])
    second, claim = begun(both)
    assert both.commit(second, claim["fence"], "ckpt_own", 30).status_code == 204
    both.report(second, claim["fence"], "failed", reason="it died", counts=False)
    _, again = begun(both)
    assert [ref["id"] for ref in again["checkpoints"]] == ["ckpt_own", "ckpt_10"]


def test_a_checkpoint_that_was_left_behind_is_forked_as_the_run_was_then(both: Stage) -> None:
    """Its change is undone since, and there is another at an earlier step."""
    run, attempt, fence = saved(both, 10, 20)
    changed(both, run, attempt, fence, 15, optimizer={"lr": 0.01})
    both.now += 1
    ask(both, run["id"], "rollback", checkpoint_id="ckpt_10")
    both.report(attempt, fence, "rolled_back", progress={"step": 21})
    both.now += 1
    second, claim = begun(both)
    changed(both, run, second, claim["fence"], 12, optimizer={"weight_decay": 0.5})
    optimizer = fork(both, run["id"], "ckpt_20").json["spec"]["train"]["optimizer"]
    assert (optimizer["lr"], optimizer["weight_decay"]) == (0.01, 0.1)
    optimizer = fork(both, run["id"], "ckpt_10").json["spec"]["train"]["optimizer"]
    assert (optimizer["lr"], optimizer["weight_decay"]) == (0.001, 0.1)


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"train": {"optimizer": {"lr": -1}}}, "overrides.train.optimizer.lr"),
        ({"train": {"optimizer": {"lr": float("nan")}}}, "overrides.train.optimizer.lr"),
        ({"train": {"optimzer": {}}}, "overrides.train.optimzer"),
        ({"train": 5}, "overrides.train"),
        ({"train": {"steps": 10}}, "overrides.train.steps"),
        ({"train": {"seed": 7}}, "overrides.train.seed"),
        ({"train": {"batch_size": 100_000}}, "overrides.dataset"),
        ({"model": {"n_layer": 9}}, "overrides.model.n_layer"),
        ({"model": {"preset": "micro"}}, "overrides.model.preset"),
        ({"dataset": "other"}, "overrides.dataset"),
        ({"compute": {"processes_per_node": 3}}, "overrides.compute.processes_per_node"),
        ({"name": "no good name"}, "overrides.name"),
    ],
)
def test_what_does_not_fit_the_checkpoint_or_the_cluster_is_refused_by_field(stage: Stage, overrides: dict[str, Any], field: str) -> None:
    run, _, _ = saved(stage, 10)
    answer = fork(stage, run["id"], overrides=overrides)
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, field)
    assert len(stage.get("/api/v1/runs")["items"]) == 1


def test_checkpoints_that_cannot_be_gone_on_from_are_refused(both: Stage) -> None:
    run, attempt, fence = saved(both, 10, 20, 30, 40, 50)
    other = both.submit(name="other")
    assert fork(both, other["id"]).json["errors"][0]["field"] == "checkpoint_id"
    assert fork(both, run["id"], "ckpt_99").json["errors"][0]["field"] == "checkpoint_id"
    assert fork(both, run["id"], "ckpt\0").json["errors"][0]["field"] == "checkpoint_id"
    assert fork(both, "run_none").status_code == 404
    assert fork(both, run["id"], role="viewer").status_code == 403
    with both.database.writing() as session:
        damage = CheckpointDamage(worker="w1", fence=fence, checkpoint_id="ckpt_20", reason="a byte differs")
        report_damage(session, attempt, damage, both.now)
    assert fork(both, run["id"], "ckpt_20").json["code"] == "checkpoint-damaged"
    assert delete(both, "ckpt_10").status_code == 204
    assert "is being deleted" in fork(both, run["id"], "ckpt_10").json["detail"]


def test_an_origin_is_kept_until_the_fork_has_ended(both: Stage) -> None:
    run, attempt, fence = saved(both, 10, 20, 30, 40, 50)
    both.report(attempt, fence, "succeeded")
    child = fork(both, run["id"]).json
    refused = delete(both, "ckpt_10")
    assert (refused.status_code, refused.json["code"]) == (409, "checkpoint-needed")
    assert "run tiny-fork begins from it" in refused.json["detail"]
    parent = delete_run(both, run["id"])
    assert (parent.status_code, parent.json["code"]) == (409, "checkpoint-origin")
    assert "tiny-fork" in parent.json["detail"]
    for _ in range(2):
        both.now += 10_000
        collect(both)
    assert "ckpt_10" in {item["id"] for item in both.get("/api/v1/checkpoints")["items"]}
    ask(both, child["id"], "stop")
    assert delete_run(both, run["id"]).status_code == 204
    assert both.run(child["id"])["origin"]["checkpoint_id"] == "ckpt_10"
    gone = replay(both, child["id"])
    assert (gone.status_code, gone.json["code"]) == (409, "no-checkpoint")


def test_a_fork_that_begins_anew_is_at_its_origin(both: Stage) -> None:
    run, attempt, fence = saved(both, 10)
    both.report(attempt, fence, "succeeded")
    child = fork(both, run["id"]).json
    second, claim = begun(both)
    both.report(second, claim["fence"], "running", progress={"step": 10})
    both.commit(second, claim["fence"], "ckpt_own", 30)
    both.beat(**report_of(second, claim["fence"], 31))
    ask(both, child["id"], "pause")
    both.report(second, claim["fence"], "paused", progress={"step": 31})
    assert ask(both, child["id"], "resume", from_scratch=True).json["state"] == "applied"
    assert (both.run(child["id"])["progress"]["step"], both.run(child["id"])["progress"]["tokens"]) == (10, 2560)
    _, again = begun(both)
    assert [ref["id"] for ref in again["checkpoints"]] == ["ckpt_10"]


def test_a_replay_is_given_spec_and_effective_journal(both: Stage) -> None:
    run, attempt, fence = saved(both, 10)
    first = changed(both, run, attempt, fence, 12, optimizer={"lr": 0.01}, steps=50)
    both.report(attempt, fence, "succeeded", progress={"step": 50})
    new = replay(both, run["id"], name="again").json
    assert (new["name"], new["replay_of"], new["parent_id"], new["origin"]) == ("again", run["id"], None, None)
    assert new["spec"] == {**both.run(run["id"])["spec"], "name": "again"}
    assert (new["train"]["optimizer"]["lr"], new["progress"]["steps"], new["progress"]["step"]) == (0.01, 50, 0)
    second, claim = begun(both)
    assert [(entry["step"], entry["command_id"]) for entry in claim["journal"]] == [(12, first)]
    own = changed(both, new, second, claim["fence"], 5, optimizer={"weight_decay": 0.2})
    both.report(second, claim["fence"], "failed", reason="it died", counts=False)
    assert [entry["command_id"] for entry in begun(both)[1]["journal"]] == [own, first]
    assert len(replay(both, new["id"]).json["name"]) <= 63


def test_a_replay_of_a_fork_begins_from_the_same_checkpoint_and_keeps_it(both: Stage) -> None:
    run, attempt, fence = saved(both, 10, 20, 30, 40, 50)
    both.report(attempt, fence, "succeeded")
    child = fork(both, run["id"], name="x" * 63).json
    ask(both, child["id"], "stop")
    again = replay(both, child["id"]).json
    assert (again["name"], again["origin"], again["progress"]["step"]) == ("x" * 56 + "-replay", child["origin"], 10)
    assert "begins from it" in delete(both, "ckpt_10").json["detail"]
    assert [ref["id"] for ref in begun(both)[1]["checkpoints"]] == ["ckpt_10"]
    ask(both, again["id"], "kill")
    both.report(both.run(again["id"])["attempts"][0]["id"], 1, "killed")
    assert delete(both, "ckpt_10").status_code == 204
    gone = replay(both, child["id"])
    assert (gone.status_code, gone.json["code"]) == (409, "no-checkpoint"), "its objects are on their way out"


@pytest.mark.parametrize("what", ["fork", "replay"])
def test_the_first_answer_is_repeated_also_while_storage_is_down(both: Stage, what: str) -> None:
    run, _, _ = saved(both, 10)
    body, once = {"fork": {"checkpoint_id": "ckpt_10"}, "replay": {}}[what], {**headers("editor"), "Idempotency-Key": "once"}
    first = both.http.post(f"/api/v1/runs/{run['id']}/{what}", json=body, headers=once)
    both.storage.fault = EnvironmentFault("storage is down")
    assert both.http.post(f"/api/v1/runs/{run['id']}/{what}", json=body, headers=once).json == first.json
