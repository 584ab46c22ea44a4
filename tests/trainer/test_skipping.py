"""Bad steps are left out on the device: what stays, what goes on, when it ends, and that a resumed run does the same."""

import copy
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from services.trainer import loop
from services.trainer.rundir import Order, RunDirectory
from services.trainer.scaling import Scaling
from services.trainer.skipping import Skipping, spike_limit
from services.trainer.state import History
from services.trainer.steering import Interrupt
from services.trainer.world import World
from shared.errors import InvalidFields
from shared.failures import FailureKind
from shared.spec import SkipSpec
from shared.training_events import StepCompleted, StepSkipped
from tests.trainer.checkpoints import Checkpoints, take_up
from tests.trainer.runs import tiny_spec
from tests.trainer.trainings import Training

ONCE = {"every": 1000}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Callable[[Training, dict[int, float]], None]:
    """Multiply the loss of some steps, and with it every gradient."""

    honest = loop.backward

    def spoil(training: Training, factors: dict[int, float]) -> None:
        def spoiled(model: Any, *others: Any) -> Tensor:
            loss, factor = honest(model, *others), factors.get(training.history.step + 1, 1.0)
            for parameter in model.parameters() if factor != 1.0 else ():
                parameter.grad *= factor
            return loss * factor

        monkeypatch.setattr(loop, "backward", spoiled)

    return spoil


def start(folder: Path, steps: int = 12, precision: str = "fp32", **skip: Any) -> Training:
    shape = {"dropout": 0.1}
    plan: dict[str, Any] = {"checkpoint": ONCE, "sample": ONCE, "evaluate": {"every": 1000, "batches": 1}, "precision": precision}
    return Training(tiny_spec(steps, shape, micro_batch_size=4, skip=skip, **plan), folder)


def skipped(training: Training) -> list[tuple[int, str, int]]:
    return [(event.step, event.reason, event.consecutive) for event in training.happened if isinstance(event, StepSkipped)]


def state_of(training: Training) -> dict[str, Tensor]:
    moments = {f"{index}/{name}": value for index, state in enumerate(training.optimizer.state.values()) for name, value in state.items()}
    return copy.deepcopy({**training.model.state_dict(), **moments})


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_step_that_is_not_finite_changes_nothing_and_counts(tmp_path: Path, spoil: Any) -> None:
    training = start(tmp_path)
    spoil(training, {5: math.nan, 6: math.inf})
    states: dict[int, dict[str, Tensor]] = {}
    drawn: dict[int, Tensor] = {}

    def look() -> list[Order | Interrupt]:
        states[training.history.step], drawn[training.history.step] = state_of(training), torch.get_rng_state()
        return []

    training.commands = look
    outcome = training.run()
    assert (outcome.state, outcome.step) == ("succeeded", 12)
    assert skipped(training) == [(5, "non_finite", 1), (6, "non_finite", 2)]
    assert same(states[4], states[5])
    assert same(states[4], states[6])
    assert not same(states[6], states[7])
    assert not torch.equal(drawn[4], drawn[5])
    assert {float(state["step"]) for state in training.optimizer.state.values()} == {10}
    told = [event for event in training.happened if isinstance(event, StepCompleted)]
    assert [event.tokens for event in told] == [128 * step for step in range(1, 13)]
    assert [event.metrics["train/lr"] for event in told] == [training.plan.rate(step) for step in range(1, 13)]
    assert [event.metrics.get("train/skipped_steps") for event in told] == [None] * 4 + [1] + [2] * 7
    assert math.isnan(told[4].metrics["train/loss"])
    assert math.isfinite(outcome.summary["train/loss"])


def test_what_follows_is_as_if_only_the_update_had_been_left_out(tmp_path: Path, spoil: Any) -> None:
    """A rule that never strikes changes no bit."""
    plain, guarded = start(tmp_path / "plain", non_finite=False), start(tmp_path / "guarded", grad_norm=1e9, loss_spike=900.0, window=4)
    plain.run(), guarded.run()
    assert plain.losses() == guarded.losses()
    assert same(state_of(plain), state_of(guarded))


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_large_gradient_and_a_spike_are_left_out(tmp_path: Path, spoil: Any, precision: str) -> None:
    training = start(tmp_path, 20, precision, grad_norm=50.0, loss_spike=6.0, window=8)
    spoil(training, {3: 400.0, 12: 3.0})  # before there is half a window, and behind it
    assert training.run().state == "succeeded"
    assert [(step, reason) for step, reason, _ in skipped(training)] == [(3, "grad_norm"), (12, "loss_spike")]
    assert {float(state["step"]) for state in training.optimizer.state.values()} == {18}


def test_a_level_that_stays_is_taken_for_what_it_is(tmp_path: Path, spoil: Any) -> None:
    training = start(tmp_path, 20, loss_spike=6.0, window=8)
    spoil(training, dict.fromkeys(range(11, 21), 1.5))
    assert training.run().state == "succeeded"
    assert 1 <= len(skipped(training)) < 5


def test_too_many_in_a_row_fail_the_run(tmp_path: Path, spoil: Any) -> None:
    training = start(tmp_path, max_consecutive=2)
    spoil(training, {3: math.nan, 4: math.nan, **dict.fromkeys(range(6, 13), math.inf)})
    outcome = training.run()
    assert (outcome.state, outcome.step) == ("failed", 8)
    assert outcome.failure is not None
    assert outcome.failure.kind == FailureKind.TOO_MANY_SKIPPED
    assert "3 steps in a row were left out, more than train.skip.max_consecutive" in outcome.reason
    assert [consecutive for _, _, consecutive in skipped(training)] == [1, 2, 1, 2, 3]


def test_where_nobody_wants_it_the_first_one_ends_the_run(tmp_path: Path, spoil: Any) -> None:
    training = start(tmp_path, non_finite=False)
    spoil(training, {5: math.nan})
    outcome = training.run()
    assert (outcome.state, outcome.step, skipped(training)) == ("failed", 5, [])
    assert outcome.failure is not None
    assert outcome.failure.kind == FailureKind.NOT_FINITE


def test_weights_that_are_no_numbers_are_not_waited_for(tmp_path: Path) -> None:
    training = start(tmp_path)
    with torch.no_grad():
        training.model.embed.weight[3] = math.nan
    outcome = training.run()
    assert (outcome.state, outcome.step) == ("failed", 1)
    assert "weights of the model" in outcome.reason


@pytest.mark.parametrize("stop", [5, 6, 9])
def test_resumed_in_the_middle_it_leaves_out_the_same(tmp_path: Path, spoil: Any, stop: int) -> None:
    """Also the third in a row, and the spike by the losses from before."""
    factors = {5: math.nan, 6: math.nan, 7: math.nan, 11: 4.0}
    runs = [start(tmp_path / name, loss_spike=6.0, window=8, max_consecutive=3) for name in ("whole", "first", "second")]
    whole, first, second = runs
    spoil(whole, factors)
    whole.run()
    spoil(first, factors)
    first.commands = lambda: [Order(command_id="c", type="stop")] if first.history.step == stop else []
    first.run()
    checkpoint = Checkpoints(first, RunDirectory(tmp_path / "run")).save()
    spoil(second, factors)
    torch.manual_seed(99)
    take_up(second, checkpoint)
    second.go_on()
    assert skipped(first) + skipped(second) == skipped(whole)
    assert [reason for _, reason, _ in skipped(whole)] == ["non_finite"] * 3 + ["loss_spike"]
    assert repr(first.losses() + second.losses()) == repr(whole.losses())
    assert same(state_of(second), state_of(whole))
    assert (second.history.losses, second.history.skipped_steps) == (whole.history.losses, 4)


def test_the_limit_of_a_spike() -> None:
    assert spike_limit([1.0, 2.0, 3.0], 2.0) == 2.0 + 2.0 * 1.0
    few, enough = History(losses=[1.0]), History(losses=[1.0, 2.0, 3.0])
    rule, cpu = SkipSpec(loss_spike=2.0, window=6), torch.device("cpu")
    assert Skipping(rule, few, Scaling(cpu, "fp32"), World()).largest_loss() == math.inf
    judge = Skipping(rule, enough, Scaling(cpu, "fp32"), World()).judge
    assert [judge(torch.tensor(loss), torch.tensor(1.0)).left_out.item() for loss in (4.0, 4.5, math.nan)] == [0, 1, 1]


@pytest.mark.parametrize(
    ("skip", "field", "message"),
    [
        ({"loss_spikes": 3}, "train.skip.loss_spikes", "did you mean 'loss_spike'"),
        ({"grad_norm": 0}, "train.skip.grad_norm", "greater than 0"),
        ({"grad_norm": math.inf}, "train.skip.grad_norm", "finite"),
        ({"loss_spike": -1}, "train.skip.loss_spike", "greater than 0"),
        ({"max_consecutive": -1}, "train.skip.max_consecutive", "greater than or equal to 0"),
        ({"window": 2}, "train.skip.window", "greater than or equal to 4"),
        ({"non_finite": "perhaps"}, "train.skip.non_finite", "valid boolean"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(skip: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(InvalidFields) as refused:
        tiny_spec(skip=skip)
    assert [error.field for error in refused.value.errors] == [field]
    assert message in refused.value.errors[0].message
