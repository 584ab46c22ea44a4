"""Commands through `train()`: what changes at a boundary, what is told, and that a replay of spec and journal is the same run."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.trainer.plan import Plan
from services.trainer.rundir import Order
from services.trainer.state import History, State
from services.trainer.steering import Interrupt, Interrupted
from shared.commands import Hyperparameters, JournalEntry
from shared.errors import InvalidField, InvalidFields
from shared.training_events import (
    CommandApplied,
    EvaluationCompleted,
    HyperparametersChanged,
    StepCompleted,
    TrainingContinued,
    TrainingHeld,
)
from tests.trainer.runs import tiny_spec
from tests.trainer.trainings import Training

Asked = Order | Interrupt


def order(kind: str, number: int = 1, **arguments: Any) -> Order:
    return Order.model_validate({"command_id": f"c{number}", "type": kind, "arguments": arguments})


class At:
    """Asks at boundaries, by step; `still`: while the training stands still, one each time it looks."""

    def __init__(self, asked: dict[int, Sequence[Asked]], still: Sequence[Asked] = ()) -> None:
        self.asked, self.still = dict(asked), list(still)
        self.step: Callable[[], int] = lambda: 0
        self.answered = -1

    def __call__(self) -> Sequence[Asked]:
        if self.step() in self.asked:
            self.answered = self.step()
            return self.asked.pop(self.step())
        return [self.still.pop(0)] if self.still and self.step() == self.answered else []


def training(folder: Path, asked: dict[int, Sequence[Asked]], still: Sequence[Asked] = (), **train: Any) -> Training:
    at = At(asked, still)
    made = Training(tiny_spec(**train), folder, commands=at)
    at.step = lambda: made.history.step
    return made


def told(run: Training, kind: type) -> list[Any]:
    return [event for event in run.happened if isinstance(event, kind)]


def test_a_change_holds_from_the_next_step_on(tmp_path: Path) -> None:
    change = order("set_hyperparameters", optimizer={"lr": 5e-3, "betas": [0.8, 0.9]}, schedule={"name": "constant"}, steps=9)
    run = training(tmp_path, {5: [change]}, steps=20)
    assert run.run().step == 9
    rates = [event.metrics["train/lr"] for event in told(run, StepCompleted)]
    assert rates[5:] == [5e-3] * 4
    assert rates[4] < 1e-3
    assert run.optimizer.param_groups[0]["betas"] == (0.8, 0.9)
    (changed,) = told(run, HyperparametersChanged)
    assert (changed.step, changed.new["train.optimizer.lr"], changed.old["train.optimizer.lr"]) == (5, 5e-3, 1e-3)
    assert told(run, CommandApplied) == [CommandApplied(command_id="c1", step=5, ranks=1, command="set_hyperparameters")]


def test_a_change_that_waited_holds_from_the_first_step_on(tmp_path: Path) -> None:
    run = training(tmp_path, {0: [order("set_hyperparameters", optimizer={"lr": 4e-3}, schedule={"warmup_steps": 0, "name": "constant"})]})
    run.run()
    assert {event.metrics["train/lr"] for event in told(run, StepCompleted)} == {4e-3}
    assert told(run, CommandApplied)[0].step == 0


def test_weight_decay_is_changed_where_it_decays(tmp_path: Path) -> None:
    run = training(tmp_path, {2: [order("set_hyperparameters", optimizer={"weight_decay": 0.7})]}, steps=6)
    run.run()
    assert {group["weight_decay"] for group in run.optimizer.param_groups} <= {0.7, 0.0}
    assert any(group["weight_decay"] == 0.7 for group in run.optimizer.param_groups)
    assert all(group["weight_decay"] == 0.0 for group in run.optimizer.param_groups if not group["decays"])


def test_a_larger_batch_goes_on_in_the_data_and_counts_its_tokens(tmp_path: Path) -> None:
    run = training(tmp_path, {4: [order("set_hyperparameters", batch_size=16)]}, steps=8)
    outcome = run.run()
    assert [event.tokens for event in told(run, StepCompleted)] == [128, 256, 384, 512, 768, 1024, 1280, 1536]
    assert outcome.tokens == 1536
    assert run.plan.samples(8) == 4 * 8 + 4 * 16


def test_what_is_impossible_is_told_and_changes_nothing(tmp_path: Path) -> None:
    run = training(tmp_path, {5: [order("set_hyperparameters", steps=3), order("set_hyperparameters", 2, batch_size=3)]}, steps=6)
    assert run.run().step == 6
    assert [(each.command_id, bool(each.rejected)) for each in told(run, CommandApplied)] == [("c1", True), ("c2", True)]
    assert "step 5 already" in told(run, CommandApplied)[0].rejected
    assert run.history.journal == []


def test_an_order_that_is_in_the_journal_is_answered_and_not_done_again(tmp_path: Path) -> None:
    change = order("set_hyperparameters", batch_size=16)
    run = training(tmp_path, {2: [change], 4: [change]}, steps=5)
    run.run()
    assert [each.step for each in told(run, CommandApplied)] == [2, 2]
    assert len(run.history.journal) == 1


def test_save_evaluate_and_sample_at_a_boundary(tmp_path: Path) -> None:
    orders = [order("save_checkpoint"), order("evaluate", 2), order("sample", 3, prompts=["3 times"])]
    run = training(tmp_path, {3: orders}, steps=5, evaluate={"every": 1000}, sample={"every": 1000})
    assert run.run().state == "succeeded"
    assert ("save and wait", 3) in run.happened
    assert ("sample", 3) in run.happened
    assert 3 in [event.step for event in told(run, EvaluationCompleted)]
    assert {(each.command_id, each.step) for each in told(run, CommandApplied)} == {("c1", 3), ("c2", 3), ("c3", 3)}


def test_pause_saves_and_ends(tmp_path: Path) -> None:
    run = training(tmp_path, {3: [order("pause")]})
    assert (run.run().state, run.history.step) == ("paused", 3)
    assert run.happened[-2:] == [("save and wait", 3), CommandApplied(command_id="c1", step=3, ranks=1, command="pause")]


@pytest.mark.parametrize(("end", "told_of"), [("stop", "c1 c4"), ("pause", "c1 c4"), ("rollback", "c4")])
def test_what_an_end_comes_before_is_not_told_as_done(tmp_path: Path, end: str, told_of: str) -> None:
    """The next attempt is asked again, or api says that the run has ended."""
    orders = [order("save_checkpoint"), order("evaluate", 2), order("sample", 3), order(end, 4)]
    run = training(tmp_path, {3: orders}, evaluate={"every": 1000}, sample={"every": 1000})
    run.run()
    assert [each.command_id for each in told(run, CommandApplied)] == told_of.split()
    assert [event.step for event in told(run, EvaluationCompleted)] == [0]
    assert (("save and wait", 3) in run.happened) == ("c1" in told_of)


def test_interrupted_it_has_saved_and_not_evaluated(tmp_path: Path) -> None:
    run = training(tmp_path, {3: [order("evaluate"), Interrupt(), order("save_checkpoint", 2)]}, evaluate={"every": 1000})
    with pytest.raises(Interrupted):
        run.run()
    assert [each.command_id for each in told(run, CommandApplied)] == ["c2"]


def test_who_is_to_stop_and_to_go_back_stops_with_a_checkpoint(tmp_path: Path) -> None:
    run = training(tmp_path, {3: [order("rollback", checkpoint_id="x", step=2), order("stop", 2)]})
    assert run.run().state == "stopped"
    assert ("save and wait", 3) in run.happened
    assert [each.command_id for each in told(run, CommandApplied)] == ["c2"]


def test_a_sample_that_is_asked_for_takes_the_place_of_none_that_is_due(tmp_path: Path) -> None:
    sample = {"every": 2, "prompts": ["1 times"]}
    run = training(
        tmp_path, {2: [order("sample", prompts=["3 times"])], 3: [order("sample", 2)], 4: [order("sample", 3)]}, steps=5, sample=sample
    )
    run.run()
    assert run.samples == [(2, []), (2, ["3 times"]), (3, []), (4, []), (5, [])]


def test_a_last_step_that_is_decided_behind_it_is_evaluated(tmp_path: Path) -> None:
    still = [order("set_hyperparameters", 2, steps=6), order("resume", 3)]
    run = training(tmp_path, {6: [order("pause", hold=True)]}, still, evaluate={"every": 1000})
    assert (run.run().state, run.history.step) == ("succeeded", 6)
    assert [event.step for event in told(run, EvaluationCompleted)] == [0, 6]


def test_rollback_ends_without_saving(tmp_path: Path) -> None:
    run = training(tmp_path, {4: [order("rollback", checkpoint_id="x", step=2)]}, checkpoint={"every": 4})
    outcome = run.run()
    assert (outcome.state, outcome.reason) == ("rolled_back", "asked to go back to step 2")
    assert not [item for item in run.happened if isinstance(item, tuple)]


def test_held_it_stands_still_obeys_and_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    still = [order("evaluate", 2), order("resume", 3)]
    held, plain = training(tmp_path / "a", {3: [order("pause", hold=True)]}, still, steps=8), training(tmp_path / "b", {}, steps=8)
    assert (held.run().state, plain.run().state) == ("succeeded", "succeeded")
    assert held.losses() == plain.losses()
    assert [each.step for each in (*told(held, TrainingHeld), *told(held, TrainingContinued))] == [3, 3]
    assert [each.command_id for each in told(held, CommandApplied)] == ["c1", "c2", "c3"]
    assert told(held, StepCompleted)[3].metrics["perf/step_ms"] < 1e3 * told(held, TrainingContinued)[0].seconds


@pytest.mark.parametrize(("asked", "state"), [("stop", "stopped"), ("pause", "paused"), ("rollback", "rolled_back")])
def test_held_it_can_end(tmp_path: Path, asked: str, state: str) -> None:
    run = training(tmp_path, {3: [order("pause", hold=True)]}, [order(asked, 2)])
    assert (run.run().state, run.history.step) == (state, 3)


def test_held_it_can_be_interrupted(tmp_path: Path) -> None:
    run = training(tmp_path, {3: [order("pause", hold=True)]}, [Interrupt()])
    with pytest.raises(Interrupted, match="after step 3"):
        run.run()


CHANGES: dict[int, Sequence[Asked]] = {
    3: [order("set_hyperparameters", 1, optimizer={"lr": 3e-3, "weight_decay": 0.3, "betas": [0.85, 0.97], "grad_clip": 0.2})],
    7: [order("evaluate", 2), order("set_hyperparameters", 3, batch_size=16, schedule={"warmup_steps": 2, "final_fraction": 0.5})],
    11: [order("set_hyperparameters", 4, steps=18)],
}


def test_a_replay_of_spec_and_journal_is_bit_identical(tmp_path: Path) -> None:
    spec: dict[str, Any] = {"steps": 14, "model": {"dropout": 0.1}, "micro_batch_size": 4}
    run = training(tmp_path / "run", dict(CHANGES), **spec)
    assert run.run().step == 18
    replay = Training(tiny_spec(**spec), tmp_path / "replay", replay=run.history.journal)
    replay.run()
    assert len(replay.losses()) == 18
    assert replay.losses() == run.losses()
    assert all(each.replayed for each in told(replay, HyperparametersChanged))
    assert replay.history.journal == run.history.journal
    other = Training(tiny_spec(**spec), tmp_path / "other", replay=run.history.journal[1:])
    other.run()
    assert other.losses() != run.losses()


def test_the_plan_is_a_function_of_spec_and_journal() -> None:
    plan = Plan(tiny_spec(steps=100, processes=2, micro_batch_size=2))
    plan.change(10, Hyperparameters.model_validate({"batch_size": 12}).told())
    plan.change(20, Hyperparameters.model_validate({"steps": 50}).told())
    assert (plan.samples(30), plan.tokens(30)) == (10 * 8 + 20 * 12, (10 * 8 + 20 * 12) * 16)
    assert (plan.due(50, 1000), plan.due(49, 1000)) == (True, False)
    with pytest.raises(InvalidFields, match="no multiple of 4"):
        plan.change(30, {"batch_size": 14})
    with pytest.raises(InvalidField, match="step 30 already"):
        plan.change(30, {"steps": 29})
    assert plan.samples(30) == 10 * 8 + 20 * 12


def test_a_run_that_began_as_a_fork_goes_on_from_its_own_checkpoint() -> None:
    """Its place in the data is not its steps times its batch: the checkpoint that it began from had another one."""
    origin, own = Plan(tiny_spec(batch_size=8)), Plan(tiny_spec(batch_size=4))
    own.go_on(state_of(origin, 10), forked=True)
    own.change(12, {"batch_size": 8})
    entry = JournalEntry(step=12, command_id="c1", type="set_hyperparameters", arguments={"batch_size": 8})
    again = Plan(own.submitted)
    again.go_on(state_of(own, 15, [entry]), forked=False)
    assert own.samples(15) == again.samples(15) == 10 * 8 + 2 * 4 + 3 * 8
    assert (again.samples(16), again.tokens(16)) == (own.samples(16), own.tokens(16))


def state_of(plan: Plan, step: int, journal: Sequence[JournalEntry] = ()) -> State:
    return State(step=step, tokens=plan.tokens(step), metrics={}, spec=plan.submitted, vocab_size=97, journal=list(journal))


def test_a_resumed_run_applies_what_came_behind_its_checkpoint_again(tmp_path: Path) -> None:
    """As if an attempt had died between the change and its next checkpoint."""
    entry = JournalEntry(
        step=4, command_id="c1", type="set_hyperparameters", arguments={"optimizer": {"lr": 7e-3}, "schedule": {"name": "constant"}}
    )
    run = Training(tiny_spec(steps=6), tmp_path, history=History(step=4), replay=[entry])
    run.run()
    assert [event.metrics["train/lr"] for event in told(run, StepCompleted)] == [7e-3, 7e-3]
    assert run.history.find("c1") == entry
