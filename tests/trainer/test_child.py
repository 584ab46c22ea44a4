"""The training child as real processes: two ranks over gloo, in a run directory, through torchrun or as torchrun would start them."""

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.trainer.checkpoint import load_model, read_state
from services.trainer.rundir import Order, Outcome, RunDirectory
from services.trainer.soundness import verify
from services.trainer.spool import read_spool
from shared.spec import RunSpec
from shared.training_events import (
    CheckpointSaved,
    CommandApplied,
    EvaluationCompleted,
    SampleGenerated,
    StepCompleted,
    TrainingEnded,
    TrainingStarted,
)
from tests.servers import wait_until
from tests.trainer.runs import events, ranks, run_directory, tiny_spec, torchrun
from tests.trainer.trainings import Training

STEPS = 120
SPEC = tiny_spec(
    steps=STEPS,
    processes=2,
    model={"dropout": 0.1},
    micro_batch_size=2,  # of 4 on each rank: two micro-batches a step
    evaluate={"every": 30, "batches": 2},
    checkpoint={"every": 30},
    sample={"every": 60, "prompts": ["3 times 4 is "], "max_new_tokens": 12},
)
pytestmark = pytest.mark.timeout(240)


def losses(folder: RunDirectory) -> dict[int, float]:
    return {event.step: event.metrics["train/loss"] for event in events(folder) if isinstance(event, StepCompleted)}


def evaluations(folder: RunDirectory) -> dict[int, float]:
    return {event.step: event.metrics["val/loss"] for event in events(folder) if isinstance(event, EvaluationCompleted)}


def outcome(folder: RunDirectory) -> Outcome:
    return Outcome.model_validate_json(folder.outcome.read_bytes())


def reached(folder: RunDirectory, step: int) -> Callable[[], bool]:
    return lambda: step in losses(folder)


def exit_codes(children: list["subprocess.Popen[bytes]"]) -> list[int]:
    return [child.wait(120) for child in children]


def newest_checkpoint(folder: RunDirectory) -> Path:
    return max(path for path in folder.checkpoints.iterdir() if not path.suffix)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> RunDirectory:
    folder = run_directory(tmp_path_factory.mktemp("runs") / "uninterrupted", SPEC)
    with torchrun(folder) as launcher:
        assert launcher.wait(120) == 0, (folder.log(0).read_text(), (folder.root / "launcher.log").read_text())
    return folder


def test_the_story_it_tells(uninterrupted: RunDirectory, tmp_path: Path) -> None:
    told = events(uninterrupted)
    started = TrainingStarted(first_step=1, steps=STEPS, world_size=2, device="cpu", precision="fp32", parameters=2 * 3072 + 97 * 16)
    assert told[0] == started
    assert list(losses(uninterrupted)) == list(range(1, STEPS + 1))
    assert list(evaluations(uninterrupted)) == [0, 30, 60, 90, 120]
    assert evaluations(uninterrupted)[0] == pytest.approx(
        Training(SPEC, tmp_path).evaluate()["val/loss"], rel=1e-5
    )  # as one process has it
    assert evaluations(uninterrupted)[120] < 0.95 * evaluations(uninterrupted)[0]
    samples = [event for event in told if isinstance(event, SampleGenerated)]
    assert [(event.step, event.prompt) for event in samples] == [(60, "3 times 4 is "), (120, "3 times 4 is ")]
    assert all(0 < len(event.text) <= 12 for event in samples)
    assert told[-1] == TrainingEnded(step=STEPS, outcome="succeeded")
    records, _ = read_spool(uninterrupted.spool, 0)
    assert {(record.run_id, record.attempt, record.fence, record.producer) for record in records} == {("run_test", 1, 1, "attempt-1")}


def test_what_it_leaves_behind(uninterrupted: RunDirectory) -> None:
    ended = outcome(uninterrupted)
    assert (ended.state, ended.step, ended.tokens) == ("succeeded", STEPS, STEPS * 8 * 16)
    assert set(ended.summary) == {"val/loss", "val/bpb", "train/loss", "tokens", "perf/tokens_per_second"}
    assert {path.name for path in uninterrupted.checkpoints.iterdir()} == {f"step_{step:08d}" for step in (30, 60, 90, 120)}
    for saved in [event for event in events(uninterrupted) if isinstance(event, CheckpointSaved)]:
        manifest = verify(uninterrupted.checkpoints / f"step_{saved.step:08d}")
        assert sum(file.bytes for file in manifest.files) == saved.bytes
        assert manifest.metrics == {"train/loss": losses(uninterrupted)[saved.step]}  # its evaluation comes after it
        state = read_state(uninterrupted.checkpoints / f"step_{saved.step:08d}")
        assert state.metrics["val/loss"] == evaluations(uninterrupted)[saved.step - 30]  # what a run knows when it goes on
    assert load_model(newest_checkpoint(uninterrupted))[1] == SPEC
    assert all(uninterrupted.pid(rank).read_text().isdigit() for rank in (0, 1))
    assert "succeeded at step 120" in uninterrupted.log(1).read_text()


def test_killed_then_interrupted_then_finished(uninterrupted: RunDirectory, tmp_path: Path) -> None:
    """Three attempts, each in a directory of its own, are to the last bit the run that nobody disturbed."""
    first = run_directory(tmp_path / "first", SPEC)
    with ranks(first) as children:
        wait_until(reached(first, 35), "step 35", 120)
        for child in children:
            child.kill()
        assert exit_codes(children) == [-signal.SIGKILL, -signal.SIGKILL]
    assert not first.outcome.exists()

    second = run_directory(tmp_path / "second", SPEC, attempt=2, restore=newest_checkpoint(first))
    with ranks(second) as children:
        wait_until(reached(second, 65), "step 65", 120)
        children[1].send_signal(signal.SIGTERM)
        assert exit_codes(children) == [75, 75], second.log(0).read_text()
    assert not second.outcome.exists()
    assert max(losses(second)) == verify(newest_checkpoint(second)).step

    third = run_directory(tmp_path / "third", SPEC, attempt=3, restore=newest_checkpoint(second))
    with ranks(third) as children:
        assert exit_codes(children) == [0, 0], third.log(0).read_text()
    assert {**losses(first), **losses(second), **losses(third)} == losses(uninterrupted)
    assert min(losses(second)) <= max(losses(first)) + 1
    assert min(losses(third)) == max(losses(second)) + 1
    assert {**evaluations(first), **evaluations(second), **evaluations(third)} == evaluations(uninterrupted)


def first_losses_of_one_process(spec: RunSpec, folder: Path) -> list[float]:
    alone = spec.model_copy(update={"compute": spec.compute.model_copy(update={"processes_per_node": 1})})
    training = Training(alone, folder / "alone")
    training.commands = lambda: [Order(command_id="c", type="stop")] if training.history.step == 3 else []
    training.run()
    return training.losses()


def test_stop(tmp_path: Path) -> None:
    spec = tiny_spec(steps=100_000, processes=2, micro_batch_size=2, optimizer={"lr": 0.1}, checkpoint={"every": 100_000})
    folder = run_directory(tmp_path / "run", spec)
    with torchrun(folder) as launcher:
        wait_until(reached(folder, 3), "step 3", 120)
        with folder.commands.open("a") as file:
            file.write(Order(command_id="cmd_1", type="stop").model_dump_json() + "\n")
        asked = time.monotonic()
        wait_until(folder.outcome.exists, "the outcome", 10)
        assert time.monotonic() - asked < 5
        assert launcher.wait(60) == 0
    step = max(losses(folder))
    assert (outcome(folder).state, outcome(folder).step) == ("stopped", step)
    assert list(losses(folder).values())[:3] == pytest.approx(first_losses_of_one_process(spec, tmp_path), rel=1e-4)
    assert CommandApplied(command_id="cmd_1", step=step, ranks=2, command="stop") in events(folder)
    assert events(folder)[-1] == TrainingEnded(step=step, outcome="stopped", reason="asked to stop")
    assert verify(newest_checkpoint(folder)).step == step


def test_too_little_text_fails_the_run_with_a_reason(tmp_path: Path) -> None:
    folder = run_directory(tmp_path / "run", tiny_spec(), text="Too little.")
    with ranks(folder) as children:
        assert exit_codes(children) == [0], folder.log(0).read_text()
    assert outcome(folder).state == "failed"
    assert "has 11 tokens, too few" in outcome(folder).reason
    assert events(folder)[-1] == TrainingEnded(step=0, outcome="failed", reason=outcome(folder).reason)


@pytest.mark.slow
def test_three_ranks_resume_to_the_last_bit(tmp_path: Path) -> None:
    """From three ranks on, the order in which gradients are added up shows."""
    spec = tiny_spec(processes=3, model={"n_embd": 64, "dropout": 0.1}, batch_size=24, micro_batch_size=2, checkpoint={"every": 10})
    whole = run_directory(tmp_path / "whole", spec)
    with ranks(whole) as children:
        assert exit_codes(children) == [0, 0, 0]
    rest = run_directory(tmp_path / "rest", spec, restore=whole.checkpoints / "step_00000010")
    with ranks(rest) as children:
        assert exit_codes(children) == [0, 0, 0]
    assert losses(rest) == {step: loss for step, loss in losses(whole).items() if step > 10}
