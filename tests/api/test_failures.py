"""What an attempt died of, from the worker's report to the run that has got past it."""

from typing import Any

import pytest

from shared.failures import REMEDIES, Failure, FailureKind
from tests.api.stage import Stage

OOM = Failure.of(FailureKind.OUT_OF_DEVICE_MEMORY, "CUDA tried to allocate 2 GiB of 80").model_dump(mode="json")


def fail(stage: Stage, attempt: str, fence: int, **fields: Any) -> None:
    assert stage.report(attempt, fence, "failed", **{"reason": "it ended with 1", "failure": OOM, **fields}).status_code == 204


def again(stage: Stage) -> tuple[str, int]:
    stage.now += 10
    stage.beat()
    (placed,) = stage.place()
    return placed.attempt_id, stage.claim(placed.attempt_id).json["fence"]


def test_a_named_failure_is_shown_until_the_run_has_a_new_checkpoint(both: Stage) -> None:
    run, attempt, fence = both.running()
    assert (run["failure"], both.run(run["id"])["attempts"][0]["failure"]) == (None, None)
    fail(both, attempt, fence)
    told = both.run(run["id"])
    assert (told["state"], told["failure"], told["attempts"][0]["failure"]) == ("queued", OOM, OOM)
    (ended,) = [event for event in both.events(run["id"]) if event["type"] == "AttemptEnded"]
    assert (ended["outcome"], ended["failure"]) == ("failed", OOM)
    attempt, fence = again(both)
    both.report(attempt, fence, "running")
    assert both.run(run["id"])["failure"] == OOM, "it may die of the same again"
    both.commit(attempt, fence, "ckpt_10", 10)
    told = both.run(run["id"])
    assert (told["failure"], [attempt["failure"] for attempt in told["attempts"]]) == (None, [OOM, None])


def test_a_run_that_succeeds_or_fails_otherwise_has_not_that_failure(stage: Stage) -> None:
    run, attempt, fence = stage.running()
    fail(stage, attempt, fence)
    attempt, fence = again(stage)
    fail(stage, attempt, fence, failure=None)
    assert stage.run(run["id"])["failure"] is None
    attempt, fence = again(stage)
    stage.report(attempt, fence, "succeeded")
    assert (stage.run(run["id"])["state"], stage.run(run["id"])["failure"]) == ("succeeded", None)


def test_a_run_that_ends_with_it_keeps_it(both: Stage) -> None:
    run, attempt, fence = both.running()
    nan = Failure.of(FailureKind.NOT_FINITE, "the loss of step 12 is NaN\0").model_dump(mode="json")
    fail(both, attempt, fence, failure=nan, retry=False)
    told = both.run(run["id"])
    assert (told["state"], told["failure"]) == ("failed", {**nan, "message": "the loss of step 12 is NaN"})


def test_a_lost_worker_is_a_failure_too(both: Stage) -> None:
    run, _attempt, _fence = both.running()
    both.now += both.lease_seconds + 1
    both.reconcile()
    told = both.run(run["id"])
    assert told["failure"] == {
        "kind": "worker_lost",
        "message": "worker w1 was silent for 60 s",
        "remedy": REMEDIES[FailureKind.WORKER_LOST],
    }
    assert told["attempts"][0]["failure"] == told["failure"]


@pytest.mark.parametrize("failure", [{}, {"kind": "bad luck", "message": "", "remedy": ""}, {**OOM, "colour": 1}])
def test_a_failure_that_is_none_is_a_problem(stage: Stage, failure: dict[str, Any]) -> None:
    run, attempt, fence = stage.running()
    assert stage.report(attempt, fence, "failed", failure=failure).status_code == 422
    assert stage.run(run["id"])["state"] == "running"
