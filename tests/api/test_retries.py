"""A run whose attempts fail is tried again later and later; what is not its fault costs it nothing."""

import pytest

from services.api.retries import LONGEST_WAIT, wait_after
from tests.api.stage import Stage


def fail(stage: Stage, reason: str = "the process died", *, commits: int | None = None, counts: bool = True) -> None:
    (placed,) = stage.place()
    fence = stage.claim(placed.attempt_id).json["fence"]
    if commits is not None:
        stage.commit(placed.attempt_id, fence, f"ckpt_{commits}", commits)
    stage.report(placed.attempt_id, fence, "failed", reason=reason, retry=True, counts=counts)


def test_waits_double_up_to_five_minutes() -> None:
    assert [wait_after(count) for count in range(9)] == [0, 5, 10, 20, 40, 80, 160, 300, 300]
    assert wait_after(1000) == LONGEST_WAIT


def test_a_failed_run_waits_twice_as_long_each_time(both: Stage) -> None:
    both.beat()
    run = both.submit()
    for attempt, wait in [(1, 5), (2, 10)]:
        fail(both)
        why = f"waits {wait} s before attempt {attempt + 1}: attempt {attempt} failed: the process died"
        assert (both.run(run["id"])["state"], both.run(run["id"])["reason"]) == ("queued", why)
        both.now += wait - 1
        assert both.place() == []
        assert both.run(run["id"])["reason"] == why
        assert both.get("/api/v1/queue")["items"][0]["not_before"] is not None
        both.now += 1
    fail(both)
    assert both.run(run["id"])["state"] == "failed"


def test_a_new_checkpoint_begins_anew(stage: Stage) -> None:
    stage.beat()
    run = stage.submit()
    fail(stage)
    stage.now += 5
    fail(stage, commits=10)
    assert stage.run(run["id"])["reason"] == "attempt 2 failed: the process died"
    fail(stage)
    assert stage.run(run["id"])["reason"].startswith("waits 5 s before attempt 4: ")


def test_what_is_not_the_runs_fault_is_tried_again_at_once(both: Stage) -> None:
    both.beat()
    run = both.submit()
    fail(both)
    both.now += 5
    fail(both, "the agent was stopped", counts=False)
    assert both.run(run["id"])["reason"] == "attempt 2 failed: the agent was stopped"
    (placed,) = both.place()
    both.claim(placed.attempt_id)
    both.beat(instance="two")
    assert both.run(run["id"])["reason"] == "attempt 3 is lost: worker w1 was started anew"
    assert len(both.place()) == 1


def test_a_run_that_waits_keeps_nobody_waiting_and_can_be_stopped(stage: Stage) -> None:
    stage.beat(slots=1)
    run = stage.submit(priority=90)
    fail(stage)
    other = stage.submit()
    assert len(stage.place()) == 1
    assert stage.run(other["id"])["state"] == "starting"
    assert stage.command(run["id"], "stop").status_code == 202
    assert stage.run(run["id"])["state"] == "stopped"


@pytest.mark.parametrize("paused", [True, False])
def test_the_reason_comes_back_after_another(stage: Stage, paused: bool) -> None:
    """The queue was paused meanwhile, and says so; then the run tells again what it waits for."""
    stage.beat()
    run = stage.submit()
    fail(stage)
    why = stage.run(run["id"])["reason"]
    if paused:
        stage.pause("maintenance")
        stage.place()
        assert stage.run(run["id"])["reason"] == "the queue is paused by test-admin: maintenance"
        stage.reopen()
    stage.place()
    assert stage.run(run["id"])["reason"] == why
