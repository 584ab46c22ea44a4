"""fp16: losses are scaled, steps whose gradients overflow are left out, counted and told, and a resumed run does the same."""

import copy
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from services.trainer.rundir import Order, RunDirectory
from services.trainer.scaling import Scaling
from services.trainer.world import choose_precision
from shared.training_events import StepCompleted, StepSkipped
from tests.trainer.checkpoints import Checkpoints, take_up
from tests.trainer.runs import tiny_spec
from tests.trainer.trainings import Training

SPEC = tiny_spec(steps=12, model={"dropout": 0.1}, micro_batch_size=4, precision="fp16", checkpoint={"every": 1000})
OVERFLOWING = 2.0**24


def start(folder: Path, scale: float) -> Training:
    training = Training(SPEC, folder)
    training.scaling.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    training.scaling.before = scale
    return training


def metric(training: Training, name: str) -> list[float]:
    return [event.metrics[name] for event in training.happened if isinstance(event, StepCompleted)]


def test_overflowing_steps_are_left_out_counted_and_told(tmp_path: Path) -> None:
    """At this scale every gradient overflows, until it has been halved often enough."""
    training = start(tmp_path, OVERFLOWING)
    first = copy.deepcopy(training.model.state_dict())
    training.commands = stop_after(training, 1)
    training.run()
    assert all(torch.equal(tensor, first[name]) for name, tensor in training.model.state_dict().items())
    training.commands = list
    outcome = training.go_on()
    assert outcome.state == "succeeded"
    scales, skipped = metric(training, "train/loss_scale"), metric(training, "train/skipped_steps")
    assert scales[0] == OVERFLOWING / 2
    assert skipped[0] == 1
    assert 1 < skipped[-1] < 12
    assert scales[-1] == OVERFLOWING / 2 ** skipped[-1]
    assert [math.isfinite(norm) for norm in metric(training, "train/grad_norm")] == [
        now == before for before, now in zip([0, *skipped], skipped, strict=False)
    ]
    steps = {float(state["step"]) for state in training.optimizer.state.values()}
    assert steps == {12 - skipped[-1]}
    assert all(math.isfinite(loss) for loss in training.losses())


def test_other_precisions_tell_nothing_of_it(tmp_path: Path) -> None:
    training = Training(tiny_spec(steps=4), tmp_path)
    training.run()
    assert not {name for event in training.happened if isinstance(event, StepCompleted) for name in event.metrics if "scale" in name}
    assert training.scaling.state() is None


def test_gradients_that_overflow_unscaled_are_the_runs_own_fault() -> None:
    weight = torch.nn.Linear(1, 1, bias=False)
    optimizer, scaling = torch.optim.AdamW(weight.parameters(), fused=True), Scaling(torch.device("cpu"), "fp16")
    scaling.scaler = torch.amp.GradScaler("cpu", init_scale=4)
    scaling.before = 4
    excused = []
    for _ in range(4):
        torch.autograd.backward(scaling.scaled(weight(torch.tensor([math.inf])).sum()))
        norm = scaling.clipped(optimizer, weight, 1.0)
        scaling.step(optimizer, (~torch.isfinite(norm)).float())
        excused.append(scaling.overflowed(scaling.scale().item()))
        optimizer.zero_grad()
    assert excused == [True, True, False, False]  # at 2, at 1, and then below it


def test_a_scale_that_grew_until_it_overflowed_is_to_blame(tmp_path: Path) -> None:
    """From the largest scale that did not overflow it grows every other step, and is halved again."""
    training = Training(SPEC, tmp_path)
    training.scaling.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12, growth_interval=1)
    training.scaling.before = 2.0**12
    outcome = training.run()
    assert outcome.state == "succeeded"
    left_out = [event for event in training.happened if isinstance(event, StepSkipped)]
    assert left_out
    assert {(event.reason, event.consecutive) for event in left_out} == {("overflow", 0)}
    scales, steps = metric(training, "train/loss_scale"), {event.step for event in left_out}
    expected = 2.0**12
    for step, scale in enumerate(scales, 1):
        expected *= 0.5 if step in steps else 2
        assert scale == expected, step


def test_it_learns_as_in_single_precision(tmp_path: Path) -> None:
    half, single = (
        Training(SPEC, tmp_path / "half"),
        Training(tiny_spec(12, model={"dropout": 0.1}, micro_batch_size=4), tmp_path / "single"),
    )
    half.run(), single.run()
    assert half.losses() == pytest.approx(single.losses(), rel=1e-2)
    assert half.losses() != single.losses()


def test_a_resumed_run_scales_and_skips_as_an_undisturbed_one(tmp_path: Path) -> None:
    undisturbed, first, second = start(tmp_path / "a", OVERFLOWING), start(tmp_path / "b", OVERFLOWING), Training(SPEC, tmp_path / "c")
    undisturbed.run()
    first.commands = stop_after(first, 4)
    first.run()
    checkpoint = save_at_its_end(first, tmp_path)
    torch.manual_seed(99)
    take_up(second, checkpoint)
    assert second.history.skipped_steps == first.history.skipped_steps > 0
    second.go_on()
    for name in ("train/loss", "train/loss_scale", "train/skipped_steps"):
        assert metric(first, name) + metric(second, name) == metric(undisturbed, name), name
    for ours, theirs in zip(second.model.parameters(), undisturbed.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def save_at_its_end(training: Training, root: Path) -> Path:
    return Checkpoints(training, RunDirectory(root / "run")).save()


def stop_after(training: Training, step: int) -> Callable[[], list[Order]]:
    return lambda: [Order(command_id="c", type="stop")] if training.history.step == step else []


def test_the_scale_is_kept_to_the_last_bit() -> None:
    scaling = Scaling(torch.device("cpu"), "fp16")
    state = scaling.state()
    assert state is not None
    assert (state.scale, state.growth_tracker) == (65536.0, 0)
    other = Scaling(torch.device("cpu"), choose_precision("fp16", torch.device("cpu")))
    other.load(state.model_copy(update={"scale": 2.0**-3, "growth_tracker": 17}))
    assert other.state() == state.model_copy(update={"scale": 2.0**-3, "growth_tracker": 17})
    assert other.before == 2.0**-3
