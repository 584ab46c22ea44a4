"""What commands come to where something else happens meanwhile."""

from tests.api.stage import Stage
from tests.api.test_asking import applied, ask, commands, report_of, saved


def test_a_rollback_takes_a_run_out_of_what_would_have_been_its_end(both: Stage) -> None:
    """As of a run whose loss is not finite any more."""
    run, attempt, fence = saved(both, 10, 20)
    command_id = ask(both, run["id"], "rollback", checkpoint_id="ckpt_10").json["command_id"]
    both.report(attempt, fence, "failed", reason="the loss is NaN", retry=False)
    now = both.run(run["id"])
    assert (now["state"], now["progress"]["step"], now["failure"]) == ("queued", 10, None)
    assert now["reason"] == "rolled back; attempt 1 failed: the loss is NaN"
    assert commands(both, run["id"])[command_id]["state"] == "applied"
    assert len(both.place()) == 1


def test_the_word_of_an_attempt_that_was_rolled_back_comes_too_late(both: Stage) -> None:
    """It would be applied again at a step that is no longer the run's."""
    run, attempt, fence = saved(both, 10, 20)
    change = ask(both, run["id"], "set_hyperparameters", changes={"optimizer": {"lr": 0.01}}).json["command_id"]
    both.beat(**report_of(attempt, fence))
    ask(both, run["id"], "rollback", checkpoint_id="ckpt_10")
    both.report(attempt, fence, "failed", reason="the process died", counts=False)
    both.beat(applied=applied(change, 21, fence=fence))
    assert commands(both, run["id"])[change]["state"] == "accepted"
    (placed,) = both.place()
    claim = both.claim(placed.attempt_id).json
    assert claim["journal"] == []
    told = both.beat(**report_of(placed.attempt_id, claim["fence"]))
    assert [order["command_id"] for order in told.json["commands"]] == [change], "it is told to the next one"


def test_an_attempt_that_has_not_begun_knows_no_step(both: Stage) -> None:
    run, attempt, fence = saved(both, 10)
    both.report(attempt, fence, "failed", reason="the process died", progress={"step": 14})
    (placed,) = both.place()
    fence = both.claim(placed.attempt_id).json["fence"]
    both.beat(**report_of(placed.attempt_id, fence, 0))
    assert both.run(run["id"])["progress"]["step"] == 14
    both.report(placed.attempt_id, fence, "running", progress={"step": 10})
    assert both.run(run["id"])["progress"]["step"] == 10


def test_a_mistake_in_a_waiting_run_can_be_put_right(both: Stage) -> None:
    run = both.submit()
    for rate in (0.5, 0.01):
        assert ask(both, run["id"], "set_hyperparameters", changes={"optimizer": {"lr": rate}}).status_code == 202
    both.beat()
    (placed,) = both.place()
    told = both.beat(**report_of(placed.attempt_id, both.claim(placed.attempt_id).json["fence"])).json["commands"]
    assert [order["arguments"]["optimizer"]["lr"] for order in told] == [0.5, 0.01]
    both.beat(applied=[{"command_id": order["command_id"], "step": 0, "ranks": 1} for order in told])
    assert both.run(run["id"])["train"]["optimizer"]["lr"] == 0.01


def test_a_waiting_command_that_is_refused_says_what_happened(both: Stage) -> None:
    run, attempt, fence = saved(both, 10)
    command_id = ask(both, run["id"], "evaluate").json["command_id"]
    both.report(attempt, fence, "halted", reason="stopped by hand on w1: smoke")
    assert commands(both, run["id"])[command_id]["reason"] == "the run was paused before: stopped by hand on w1: smoke"
