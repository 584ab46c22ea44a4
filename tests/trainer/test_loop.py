import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch

from services.trainer.rundir import Order
from services.trainer.state import History
from services.trainer.steering import Interrupt, Interrupted
from shared.training_events import CommandApplied, EvaluationCompleted, StepCompleted
from tests.trainer.runs import tiny_spec
from tests.trainer.trainings import Training


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def brief(training: Training) -> list[str]:
    """What happened, a word for each."""
    words = []
    for item in training.happened:
        kind, step = item if isinstance(item, tuple) else (type(item).__name__, getattr(item, "step", 0))
        words.append(f"{kind} {step}")
    return words


def asking(at: int, *asked: Order | Interrupt) -> "Commands":
    return Commands(at, asked)


class Commands:
    """Asks at one boundary."""

    def __init__(self, at: int, asked: Sequence[Order | Interrupt]) -> None:
        self.at, self.asked, self.calls = at, asked, -1  # before the first step too

    def __call__(self) -> Sequence[Order | Interrupt]:
        self.calls += 1
        return self.asked if self.calls == self.at else []


def test_it_learns_and_says_how_it_ended(tmp_path: Path) -> None:
    training = Training(tiny_spec(steps=150, optimizer={"lr": 1e-2}), tmp_path)
    outcome = training.run()
    first, last = (event.metrics["val/loss"] for event in training.evaluations())
    assert last < 0.6 * first
    assert (outcome.state, outcome.step, outcome.tokens) == ("succeeded", 150, 150 * 8 * 16)
    assert outcome.summary["val/loss"] == last
    assert outcome.summary["train/loss"] == training.losses()[-1]
    assert outcome.summary["perf/tokens_per_second"] > 0
    assert outcome.summary["tokens"] == outcome.tokens


def test_the_order_of_a_run(tmp_path: Path) -> None:
    """Saved before it is evaluated and sampled, at the end in any case; evaluated before the first step."""
    training = Training(tiny_spec(steps=5, evaluate={"every": 2}, checkpoint={"every": 4}, sample={"every": 4}), tmp_path)
    training.run()
    expected = """EvaluationCompleted 0, StepCompleted 1, StepCompleted 2, EvaluationCompleted 2, StepCompleted 3,
        snapshot 4, StepCompleted 4, save 4, EvaluationCompleted 4, sample 4, snapshot 5, StepCompleted 5, save 5, EvaluationCompleted 5,
        sample 5"""
    assert brief(training) == [item.strip() for item in expected.split(",")]


def test_every_step_reports_every_metric(tmp_path: Path) -> None:
    training = Training(tiny_spec(steps=4), tmp_path)
    training.run()
    steps = [event for event in training.happened if isinstance(event, StepCompleted)]
    names = {"train/loss", "train/lr", "train/grad_norm", "perf/step_ms", "perf/tokens_per_second", "perf/data_wait_ms"}
    assert [set(event.metrics) for event in steps] == [*[names] * 3, names | {"perf/checkpoint_stall_ms"}]
    assert steps[-1].metrics["perf/checkpoint_stall_ms"] == 250
    assert [event.tokens for event in steps] == [128, 256, 384, 512]
    assert [event.metrics["train/lr"] for event in steps] == pytest.approx([0.25e-3, 0.5e-3, 0.75e-3, 1e-3])
    assert all(event.metrics["perf/data_wait_ms"] < event.metrics["perf/step_ms"] for event in steps)


@pytest.mark.parametrize("micro_batch_size", [1, 2, 4])
def test_accumulation_changes_nothing_but_rounding(tmp_path: Path, micro_batch_size: int) -> None:
    whole, parts = Training(tiny_spec(), tmp_path / "whole"), Training(tiny_spec(micro_batch_size=micro_batch_size), tmp_path / "parts")
    whole.run(), parts.run()
    assert parts.losses() == pytest.approx(whole.losses(), rel=1e-4)


def test_gradients_are_clipped(tmp_path: Path) -> None:
    """Without a limit a vast learning rate's first step is the same for AdamW; the reported norm is the one before clipping."""
    free, clipped = (Training(tiny_spec(steps=4, optimizer={"grad_clip": clip}), tmp_path / str(clip)) for clip in (0, 1e-4))
    free.run(), clipped.run()
    norms = [event.metrics["train/grad_norm"] for event in clipped.happened if isinstance(event, StepCompleted)]
    assert norms[0] > 0.01
    largest = [max(state["exp_avg_sq"].max().item() for state in run.optimizer.state.values()) for run in (free, clipped)]
    assert largest[1] <= 1e-8 < largest[0]


def test_stop(tmp_path: Path) -> None:
    training = Training(tiny_spec(), tmp_path, commands=asking(3, Order(command_id="c1", type="stop")))
    outcome = training.run()
    assert (outcome.state, outcome.step) == ("stopped", 3)
    assert training.happened[-2:] == [("save and wait", 3), CommandApplied(command_id="c1", step=3, ranks=1, command="stop")]


def test_stop_at_a_step_that_is_saved_anyway_saves_once(tmp_path: Path) -> None:
    training = Training(tiny_spec(checkpoint={"every": 3}), tmp_path, commands=asking(3, Order(command_id="c1", type="stop")))
    assert training.run().state == "stopped"
    assert brief(training).count("save and wait 3") == 1


def test_an_interrupt_saves_and_has_no_outcome(tmp_path: Path) -> None:
    training = Training(tiny_spec(), tmp_path, commands=asking(4, Interrupt()))
    with pytest.raises(Interrupted, match="after step 4"):
        training.run()
    assert brief(training)[-2:] == ["StepCompleted 4", "save and wait 4"]


def test_a_stop_outweighs_an_interrupt(tmp_path: Path) -> None:
    training = Training(tiny_spec(), tmp_path, commands=asking(2, Order(command_id="c1", type="stop"), Interrupt()))
    assert training.run().state == "stopped"


def test_a_loss_that_is_no_number_ends_the_run_unsaved(tmp_path: Path) -> None:
    def poison() -> list[Order | Interrupt]:
        if training.history.step == 5:
            with torch.no_grad():
                training.model.embed.weight[3] = math.nan
        return []

    training = Training(tiny_spec(checkpoint={"every": 6}), tmp_path, commands=poison)
    outcome = training.run()
    assert (outcome.state, outcome.step) == ("failed", 6)
    assert "at step 6 the loss is nan" in outcome.reason
    assert math.isnan(training.losses()[-1])
    assert not [item for item in training.happened if isinstance(item, tuple)]


def test_a_resumed_run_samples_what_may_have_been_lost(tmp_path: Path) -> None:
    spec = tiny_spec(evaluate={"every": 4}, sample={"every": 4})
    resumed = Training(spec, tmp_path / "a", history=History(step=4))
    resumed.run()
    assert brief(resumed)[:3] == ["EvaluationCompleted 4", "sample 4", "StepCompleted 5"]
    between = Training(spec, tmp_path / "b", history=History(step=5))
    between.run()
    assert brief(between)[0] == "StepCompleted 6"


def test_a_resumed_run_evaluates_what_may_have_been_lost(tmp_path: Path) -> None:
    resumed = Training(tiny_spec(evaluate={"every": 4}), tmp_path / "a", history=History(step=4))
    resumed.run()
    assert brief(resumed)[:2] == ["EvaluationCompleted 4", "StepCompleted 5"]
    between = Training(tiny_spec(evaluate={"every": 4}), tmp_path / "b", history=History(step=5))
    between.run()
    assert brief(between)[0] == "StepCompleted 6"


def test_resumed_after_its_last_step_a_run_only_ends(tmp_path: Path) -> None:
    training = Training(tiny_spec(), tmp_path, history=History(step=20, known={"train/loss": 2.5}))
    outcome = training.run()
    assert brief(training) == ["EvaluationCompleted 20", "sample 20"]
    assert (outcome.state, outcome.step, outcome.summary["train/loss"]) == ("succeeded", 20, 2.5)


def test_evaluation_leaves_training_as_it_was(tmp_path: Path) -> None:
    """With dropout, so that a draw too many would show."""
    seldom, often = (Training(tiny_spec(model={"dropout": 0.2}, evaluate={"every": every}), tmp_path / str(every)) for every in (1000, 3))
    seldom.run(), often.run()
    assert seldom.losses() == often.losses()
    assert len(often.evaluations()) == 8


def test_bits_per_byte_counts_text_only(tmp_path: Path) -> None:
    training = Training(tiny_spec(steps=4), tmp_path)
    training.run()
    evaluation = training.evaluations()[0]
    assert isinstance(evaluation, EvaluationCompleted)
    assert evaluation.metrics["val/bpb"] == pytest.approx(evaluation.metrics["val/loss"] / math.log(2))
