"""Two real ranks, of which one alone has seen something bad, decide alike; also where both are killed in the middle of it."""

import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from services.trainer.rundir import RunDirectory
from shared.training_events import StepCompleted, StepSkipped
from tests.trainer.runs import events, ranks, run_directory, tiny_spec

POISONED = "tests.trainer.poisoned_child"
SPEC = tiny_spec(12, processes=2, model={"dropout": 0.1}, micro_batch_size=2, checkpoint={"every": 2}, sample={"every": 1000})
pytestmark = pytest.mark.timeout(240)


def losses(folder: RunDirectory) -> dict[int, float]:
    return {event.step: event.metrics["train/loss"] for event in events(folder) if isinstance(event, StepCompleted)}


def skipped(folder: RunDirectory) -> dict[int, tuple[str, int]]:
    return {event.step: (event.reason, event.consecutive) for event in events(folder) if isinstance(event, StepSkipped)}


def train(folder: RunDirectory, codes: list[int], **environ: str) -> None:
    with ranks(folder, POISONED, **environ) as children:
        assert [child.wait(120) for child in children] == codes, folder.log(0).read_text()


def tensors(folder: RunDirectory, step: int) -> dict[str, Any]:
    checkpoint = folder.checkpoints / f"step_{step:08d}"
    return {f"{path.name}/{name}": value for path in checkpoint.glob("*.safetensors") for name, value in load_file(path).items()}


def test_what_one_rank_sees_all_leave_out_also_after_a_kill_in_the_middle(tmp_path: Path) -> None:
    whole = run_directory(tmp_path / "whole", SPEC)
    train(whole, [0, 0], POISON="5,6,7")
    assert skipped(whole) == {5: ("non_finite", 1), 6: ("non_finite", 2), 7: ("non_finite", 3)}
    assert list(losses(whole)) == list(range(1, 13))
    first = run_directory(tmp_path / "first", SPEC)
    train(first, [-signal.SIGKILL] * 2, POISON="5,6,7", CRASH_AT="step.before_optimizer:8")
    second = run_directory(tmp_path / "second", SPEC, attempt=2, restore=first.checkpoints / "step_00000006")
    train(second, [0, 0], POISON="5,6,7")
    assert skipped(first) | skipped(second) == skipped(whole)
    assert repr({**losses(first), **losses(second)}) == repr(losses(whole))
    ours, theirs = tensors(second, 12), tensors(whole, 12)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    model = "model.safetensors"
    before, after = ({name: value for name, value in tensors(whole, step).items() if name.startswith(model)} for step in (4, 6))
    assert all(torch.equal(before[name], after[name]) for name in before)
