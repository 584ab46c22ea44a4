"""Commands to real processes: two ranks over gloo, through torchrun. What they are asked is the same run when it is replayed."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from services.trainer.checkpoint import read_state
from services.trainer.rundir import Order, Outcome, RunDirectory
from shared.training_events import CommandApplied, HyperparametersChanged, StepCompleted, TrainingContinued, TrainingHeld
from tests.servers import wait_until
from tests.trainer.runs import events, run_directory, tiny_spec, torchrun

pytestmark = pytest.mark.timeout(240)
SPEC = tiny_spec(steps=90, processes=2, model={"dropout": 0.1}, micro_batch_size=2, checkpoint={"every": 20})


def ask(folder: RunDirectory, kind: str, number: int, **arguments: Any) -> None:
    order = Order.model_validate({"command_id": f"c{number}", "type": kind, "arguments": arguments})
    with folder.commands.open("a") as file:
        file.write(order.model_dump_json() + "\n")


def told(folder: RunDirectory, kind: type) -> list[Any]:
    return [event for event in events(folder) if isinstance(event, kind)]


def losses(folder: RunDirectory) -> dict[int, float]:
    return {event.step: event.metrics["train/loss"] for event in told(folder, StepCompleted)}


def outcome(folder: RunDirectory) -> Outcome:
    return Outcome.model_validate_json(folder.outcome.read_bytes())


def newest(folder: RunDirectory) -> Path:
    return max(path for path in folder.checkpoints.glob("step_*") if path.suffix != ".tmp")


def steer(folder: RunDirectory) -> None:
    """Changes, a pause that holds, and two kills' worth of steps behind the last checkpoint."""
    wait_until(lambda: 8 in losses(folder), "step 8", 120)
    ask(folder, "set_hyperparameters", 1, optimizer={"lr": 3e-3, "weight_decay": 0.2, "betas": [0.85, 0.97]})
    ask(folder, "pause", 2, hold=True)
    wait_until(lambda: bool(told(folder, TrainingHeld)), "it stands still", 60)
    steps = len(losses(folder))
    ask(folder, "set_hyperparameters", 3, batch_size=16, schedule={"name": "constant"})
    ask(folder, "resume", 4)
    wait_until(lambda: bool(told(folder, TrainingContinued)), "it goes on", 60)
    assert told(folder, TrainingContinued)[0].step == steps, "not a step was taken meanwhile"


def test_steered_killed_and_continued_it_replays_bit_for_bit(tmp_path: Path) -> None:
    first = run_directory(tmp_path / "first", SPEC)
    with torchrun(first) as launcher:
        steer(first)
        wait_until(lambda: max(losses(first)) >= 25, "step 25", 120)
        ask(first, "set_hyperparameters", 5, optimizer={"grad_clip": 0.3}, steps=60)
        wait_until(lambda: len(told(first, HyperparametersChanged)) == 3, "the last change", 60)
        os.kill(int(first.pid(1).read_text()), signal.SIGKILL)
        launcher.wait(60)
    journal = [
        {"step": each.step, "command_id": each.command_id, "type": "set_hyperparameters", "arguments": _arguments(each.new)}
        for each in told(first, HyperparametersChanged)
    ]
    second = run_directory(tmp_path / "second", SPEC, attempt=2, restore=newest(first), journal=journal)
    with torchrun(second) as launcher:
        assert launcher.wait(120) == 0
    assert (outcome(second).state, outcome(second).step) == ("succeeded", 60)
    replay = run_directory(tmp_path / "replay", SPEC, journal=journal)
    with torchrun(replay) as launcher:
        assert launcher.wait(120) == 0
    assert losses(replay) == losses(first) | losses(second), "every step's loss is the same to the last bit"
    assert [entry.command_id for entry in read_state(newest(replay)).journal] == ["c1", "c3", "c5"]
    assert {each.ranks for each in told(first, CommandApplied)} == {2}


def _arguments(new: dict[str, Any]) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for path, value in new.items():
        *sections, name = path.removeprefix("train.").split(".")
        place = arguments
        for section in sections:
            place = place.setdefault(section, {})
        place[name] = value
    return arguments


def test_a_fork_goes_on_from_another_run_s_checkpoint(tmp_path: Path) -> None:
    parent = run_directory(tmp_path / "parent", tiny_spec(steps=20, checkpoint={"every": 10}))
    with torchrun(parent) as launcher:
        assert launcher.wait(120) == 0
    changed: dict[str, Any] = {
        "batch_size": 4,
        "optimizer": {"lr": 2e-4},
        "schedule": {"name": "constant", "warmup_steps": 0},
        "checkpoint": {"every": 5},
    }
    spec = tiny_spec(steps=30, **changed)
    fork = run_directory(tmp_path / "fork", spec, restore=parent.checkpoints / "step_00000010", run_id="run_fork")
    with torchrun(fork) as launcher:
        assert launcher.wait(120) == 0
    steps = told(fork, StepCompleted)
    assert [event.step for event in steps] == list(range(11, 31))
    assert (steps[0].tokens, steps[-1].tokens) == (10 * 8 * 16 + 4 * 16, 10 * 8 * 16 + 20 * 4 * 16)
    assert steps[0].metrics["train/lr"] == 2e-4
    assert steps[0].metrics["train/loss"] < losses(parent)[1]
    rest = run_directory(tmp_path / "rest", spec, attempt=2, restore=fork.checkpoints / "step_00000015", run_id="run_fork")
    with torchrun(rest) as launcher:
        assert launcher.wait(120) == 0
    assert outcome(rest).state == "succeeded", outcome(rest).reason
    assert losses(rest) == {step: loss for step, loss in losses(fork).items() if step > 15}
    assert told(rest, StepCompleted)[-1].tokens == steps[-1].tokens


def test_paused_it_leaves_with_a_checkpoint_and_rolled_back_without(tmp_path: Path) -> None:
    for kind, saved in (("pause", True), ("rollback", False)):
        folder = run_directory(tmp_path / kind, tiny_spec(steps=5000, checkpoint={"every": 5000}))
        with torchrun(folder) as launcher:
            wait_until(lambda folder=folder: 5 in losses(folder), "step 5", 120)  # type: ignore[misc]
            ask(folder, kind, 1, step=0)
            assert launcher.wait(60) == 0
        assert outcome(folder).state == {"pause": "paused", "rollback": "rolled_back"}[kind]
        assert bool(list(folder.checkpoints.glob("step_*"))) == saved


def test_a_process_that_dies_says_what_of_and_shows_its_stacks_when_asked(tmp_path: Path) -> None:
    folder = run_directory(tmp_path / "run", tiny_spec(steps=100_000, processes=2, checkpoint={"every": 100_000}))
    with torchrun(folder) as launcher:
        wait_until(lambda: 3 in losses(folder), "step 3", 120)
        os.kill(int(folder.pid(1).read_text()), signal.SIGUSR1)
        wait_until(lambda: "most recent call first" in folder.log(1).read_text(), "the stacks", 20)
        seen = len(losses(folder))  # a peer that dies while the other is in that signal goes unnoticed by gloo about once in ten times
        wait_until(lambda: len(losses(folder)) > seen + 5, "it goes on", 20)
        os.kill(int(folder.pid(0).read_text()), signal.SIGKILL)
        launcher.wait(60)
    assert '"kind":"collective_timeout"' in folder.failure(1).read_text()
