"""What a detector asks of a run."""

import re
from typing import Any

from sqlalchemy import select

from services.api.models import IdempotencyKey
from shared.spec import NAME
from tests.api.stage import WORKER, Stage


def act(stage: Stage, run_id: str, **changes: Any) -> Any:
    asked = {
        "alert_id": f"{run_id}.1.loss_spike.40",
        "detector": "loss_spike",
        "action": "rollback",
        "attempt": 1,
        "step": 40,
        "max_rollbacks": 2,
    }
    return stage.http.post(f"/internal/runs/{run_id}/alert-actions", json={**asked, **changes}, headers=WORKER)


def at_work(stage: Stage, *checkpoints: int) -> tuple[str, str, int]:
    run, attempt, fence = stage.running()
    for step in checkpoints:
        stage.commit(attempt, fence, f"ckpt_{step}", step)
    stage.beat(attempts=[{"attempt_id": attempt, "fence": fence, "progress": {"step": 60}}])
    return run["id"], attempt, fence


def commands(stage: Stage, run_id: str) -> list[Any]:
    return list(stage.get(f"/api/v1/runs/{run_id}/commands")["items"])


def test_back_to_the_newest_checkpoint_of_before_and_once_only(both: Stage) -> None:
    run_id, *_ = at_work(both, 20, 30, 50)
    first, again = act(both, run_id), act(both, run_id)
    assert (first.status_code, first.json["state"]) == (200, "requested")
    assert again.json == first.json
    (command,) = commands(both, run_id)
    assert (command["command_id"], command["type"], command["by"]) == (first.json["command_id"], "rollback", "detector loss_spike")
    assert command["arguments"]["checkpoint_id"] == "ckpt_30"


def test_what_has_passed_is_not_done_but_what_was_done_is_told(stage: Stage) -> None:
    run_id, *_ = at_work(stage, 20)
    refused = act(stage, run_id, passed="it had passed before")
    assert (refused.status_code, refused.json["code"], refused.json["detail"]) == (409, "alert-passed", "it had passed before")
    assert commands(stage, run_id) == []
    first = act(stage, run_id)
    assert act(stage, run_id, passed="it had passed before").json == first.json


def test_no_token_can_be_named_as_what_remembers_them(stage: Stage) -> None:
    run_id, *_ = at_work(stage, 20)
    assert act(stage, run_id).status_code == 200
    with stage.database.reading() as session:
        (principal,) = session.scalars(select(IdempotencyKey.principal).where(IdempotencyKey.key == f"{run_id}.1.loss_spike.40"))
    assert not re.fullmatch(NAME, principal)


def test_a_pause_like_a_persons(both: Stage) -> None:
    run_id, *_ = at_work(both)
    assert act(both, run_id, action="pause").status_code == 200
    told = both.run(run_id)
    assert told["state"] == "pausing"
    assert "detector loss_spike" in told["reason"]


def test_without_an_earlier_checkpoint_it_is_refused(stage: Stage) -> None:
    run_id, *_ = at_work(stage, 50)
    answer = act(stage, run_id)
    assert (answer.status_code, answer.json["code"]) == (409, "no-checkpoint")
    assert commands(stage, run_id) == []


def test_so_often_and_no_more(stage: Stage) -> None:
    run_id, *_ = at_work(stage, 20, 30)
    assert act(stage, run_id, max_rollbacks=0).json["code"] == "too-many-rollbacks"
    assert act(stage, run_id, max_rollbacks=1).status_code == 200
    refused = act(stage, run_id, alert_id="another", max_rollbacks=1)
    assert (refused.status_code, refused.json["code"]) == (409, "too-many-rollbacks")
    assert refused.json["remedy"]


def test_what_another_attempt_did_is_not_this_ones_fault(stage: Stage) -> None:
    run_id, *_ = at_work(stage, 20)
    assert act(stage, run_id, attempt=3).json["code"] == "stale-alert"


def test_a_run_that_has_ended_or_never_was(stage: Stage) -> None:
    run_id, attempt, fence = at_work(stage, 20)
    stage.report(attempt, fence, "succeeded", progress={"step": 60})
    assert act(stage, run_id).json["code"] == "run-ended"
    assert act(stage, "run_none").status_code == 404
