"""How long training stands still for a checkpoint, and how fast one is read back, on a model of a size that matters."""

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from services.trainer.checkpoint import restore
from services.trainer.world import World
from shared.spec import RunSpec
from shared.training_events import CheckpointSaved, StepCompleted
from tests.trainer.checkpoints import SavingTraining, parts_of
from tests.trainer.runs import tiny_spec
from tests.trainer.trainings import Training


@dataclass(frozen=True)
class Size:
    """A model, and a checkpoint every so many steps. Some 30 M parameters at width 640."""

    n_embd: int
    every: int
    checkpoints: int = 3

    def spec(self) -> RunSpec:
        shape = {"n_layer": 6, "n_head": 10, "n_embd": self.n_embd, "sequence_length": 64}
        steps = self.every * self.checkpoints
        return tiny_spec(
            steps=steps, model=shape, batch_size=4, checkpoint={"every": self.every}, evaluate={"every": 100_000, "batches": 1}
        )


@dataclass(frozen=True)
class Stall:
    """Seconds, but for `parameters`, `bytes` and `share`, which is of the interval between two checkpoints, the worst of all.

    meanwhile: a step's median while a checkpoint is being written, as a multiple of the others' median.
    """

    parameters: int
    bytes: int
    worst: float
    share: float
    written: float
    meanwhile: float
    torch_save: float
    restored: float
    plain_read: float


def measure(size: Size, folder: Path) -> Stall:
    training = SavingTraining(size.spec(), folder)
    training.run()
    training.saver.settle(needed=True)
    saved = [event for event in training.checkpoints.told if isinstance(event, CheckpointSaved)]
    assert len(saved) == size.checkpoints
    steps = [event.metrics for event in training.happened if isinstance(event, StepCompleted)]
    interval = size.every * statistics.median(step["perf/step_ms"] for step in steps) / 1e3
    worst = max(step.get("perf/checkpoint_stall_ms", 0.0) for step in steps) / 1e3
    checkpoint = training.checkpoints.path()
    return Stall(
        parameters=training.model.parameter_count(),
        bytes=saved[-1].bytes,
        worst=worst,
        share=worst / (interval + worst),
        written=max(event.seconds for event in saved),
        meanwhile=slowdown(steps, saved, size.every),
        torch_save=best_of(3, lambda: save_plainly(training, folder / "plain.pt")),
        restored=restored(size, checkpoint, folder / "fresh"),
        plain_read=best_of(3, lambda: read_plainly(checkpoint)),
    )


def slowdown(steps: list[dict[str, float]], saved: list[CheckpointSaved], every: int) -> float:
    during: list[float] = []
    for index, event in enumerate(saved[:-1], 1):
        left = event.seconds
        for step in steps[index * every :]:
            during.append(step["perf/step_ms"])
            left -= step["perf/step_ms"] / 1e3
            if left <= 0:
                break
    return statistics.median(during) / statistics.median(step["perf/step_ms"] for step in steps)


def save_plainly(training: Training, path: Path) -> None:
    """What most loops do, in the step's way: one torch.save of the same state, and no wait for the disk."""
    state = {"model": training.model.state_dict(), "optimizer": training.optimizer.state_dict(), "rng": torch.get_rng_state()}
    torch.save(state, path)


def restored(size: Size, checkpoint: Path, scratch: Path) -> float:
    """Verified and loaded, into models of their own."""
    fresh = Training(size.spec(), scratch)
    return best_of(3, lambda: restore(checkpoint, parts_of(fresh), World()))


def read_plainly(checkpoint: Path) -> None:
    for path in checkpoint.iterdir():
        with path.open("rb", buffering=0) as file:
            held = bytearray(os.fstat(file.fileno()).st_size)
            file.readinto(held)


def best_of(times: int, work: Callable[[], object]) -> float:
    durations = []
    for _ in range(times):
        begin = time.perf_counter()
        work()
        durations.append(time.perf_counter() - begin)
    return min(durations)
