"""What is measured of a checkpoint after it was saved counts for which is the best."""

import json
import math
from typing import Any

from tests.api.stage import SPEC, WORKER, Stage


def measure(stage: Stage, attempt: str, fence: int, step: int, **metrics: float) -> Any:
    values = {name.replace("_", "/"): value for name, value in metrics.items()}
    return stage.http.post(f"/internal/attempts/{attempt}/metrics", json={"fence": fence, "step": step, "metrics": values}, headers=WORKER)


def test_the_evaluation_of_its_own_step_says_which_is_the_best(both: Stage) -> None:
    checkpoint = {"keep_last": 1, "keep_best": 1}
    _run, attempt, fence = both.running(train={**SPEC["train"], "checkpoint": checkpoint})
    for step, before, own in ((10, 3.0, 1.0), (20, 1.0, 2.0), (30, 2.0, 2.5)):
        both.commit(attempt, fence, f"ckpt_{step}", step, val_loss=before)
        for _ in range(2):
            assert measure(both, attempt, fence, step, val_loss=own, val_bpb=4.0).status_code == 204
    told = {item["id"]: item for item in both.get("/api/v1/checkpoints")["items"]}
    assert {name: item["metrics"] for name, item in told.items()} == {
        "ckpt_10": {"val/loss": 1.0, "val/bpb": 4.0},
        "ckpt_20": {"val/loss": 2.0, "val/bpb": 4.0},
        "ckpt_30": {"val/loss": 2.5, "val/bpb": 4.0},
    }
    assert told["ckpt_10"]["kept_because"] == ["best val/loss (1)"]
    assert told["ckpt_20"]["kept_because"] == []


def test_what_is_not_a_number_is_left_out(both: Stage) -> None:
    _run, attempt, fence = both.running()
    both.commit(attempt, fence, "ckpt_10", 10, val_loss=3.0)
    body = json.dumps({"fence": fence, "step": 10, "metrics": {"val/loss": math.nan, "val/bpb": math.inf, "val/acc": 0.5}})
    answer = both.http.post(f"/internal/attempts/{attempt}/metrics", data=body, headers=WORKER, content_type="application/json")
    assert answer.status_code == 204, answer.json
    assert both.get("/api/v1/checkpoints/ckpt_10")["metrics"] == {"val/loss": 3.0, "val/acc": 0.5}


def test_only_the_current_attempt_tells_and_only_of_what_is_committed(both: Stage) -> None:
    _run, attempt, fence = both.running()
    both.commit(attempt, fence, "ckpt_10", 10, val_loss=3.0)
    both.report(attempt, fence, "failed", reason="killed", retry=True)
    both.beat()
    (placed,) = both.place()
    newer = both.claim(placed.attempt_id).json["fence"]
    answers = [
        measure(both, attempt, fence, 10, val_loss=9.0),
        measure(both, placed.attempt_id, fence, 10, val_loss=9.0),
        measure(both, placed.attempt_id, newer, 20, val_loss=9.0),
        measure(both, "att_none", newer, 10, val_loss=9.0),
    ]
    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [(409, "stale-fence")] * 2 + [(404, "not-found")] * 2
    assert both.get("/api/v1/checkpoints/ckpt_10")["metrics"] == {"val/loss": 3.0}
    assert measure(both, placed.attempt_id, newer, 10, val_loss=2.0).status_code == 204, "an earlier attempt's, which it went on from"
    assert both.get("/api/v1/checkpoints/ckpt_10")["metrics"] == {"val/loss": 2.0}
