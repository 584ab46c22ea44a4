"""A run that goes on with another number of processes: the same samples in the same order, and by how much its losses differ."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from services.trainer.data import TokenStream, TrainingBatches, Windows
from services.trainer.host import Command
from services.trainer.plan import Plan
from services.trainer.rundir import RunDirectory
from services.trainer.world import World
from shared.spec import RunSpec
from tests.bench.chain import Chain, Kill, losses, packed_documents
from tests.bench.forks import SAMPLES
from tests.bench.kills import STEPS, spec_of
from tests.bench.store import object_store
from tests.trainer.runs import write_tokens

SWITCHES: Final = (12, 24)
"""A kill after these steps, and the processes change: 2, then 1, then 2 again."""


def with_processes(spec: RunSpec, processes: int) -> RunSpec:
    return spec.model_copy(update={"compute": spec.compute.model_copy(update={"processes_per_node": processes})})


def changed_samples(spec: RunSpec, folder: Path) -> int:
    """Steps for which two processes together do not read exactly what one does, in its order."""
    windows = Windows(TokenStream(folder, write_tokens(folder, packed_documents())), spec)
    return sum(_read(windows, spec, step, 1) != _read(windows, spec, step, 2) for step in range(1, STEPS + 1))


def _read(windows: Windows, spec: RunSpec, step: int, processes: int) -> list[list[int]]:
    """The samples of a step as the ranks read them, rank by rank."""
    of_ranks = [TrainingBatches(windows, Plan(spec), World(rank, processes))(step) for rank in range(processes)]
    return np.concatenate([inputs.numpy() for batches in of_ranks for inputs, _ in batches]).tolist()  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Switched:
    """Between 2 -> 1 -> 2 processes and two all the way. samples: steps that read others. loss: the largest difference, as a share."""

    samples: int
    loss: float


def switch_worlds(folder: Path, command: Command) -> Switched:
    """Without dropout: each rank draws its own, so that with another number of ranks other units are dropped, which is no rounding."""
    spec = spec_of(dropout=0)
    with object_store(folder / "whole" / "store") as url:
        whole = Chain(folder / "whole", url, command)
        assert whole.attempt(spec) == "finished"
    with object_store(folder / "changing" / "store") as url:
        changing = Chain(folder / "changing", url, command)
        found: dict[int, float] = {}
        samples: dict[int, list[int]] = {}
        for processes, last in ((2, SWITCHES[0]), (1, SWITCHES[1]), (2, STEPS)):
            begin = changing.commits()[0].step if changing.commits() else 0
            kill = Kill("step.before_backward", last - begin + 1) if last < STEPS else None
            assert changing.attempt(with_processes(spec, processes), kill) == ("killed" if kill else "finished")
            found |= losses(changing.attempts[-1])
            samples |= read_samples(changing.attempts[-1], processes)
            assert list(found) == list(range(1, last + 1))
    undisturbed = read_samples(whole.attempts[0], 2)
    assert list(undisturbed) == list(range(1, STEPS + 1))
    return Switched(
        sum(samples[step] != theirs for step, theirs in undisturbed.items()),
        max(abs(found[step] - loss) / loss for step, loss in losses(whole.attempts[0]).items()),
    )


def read_samples(directory: RunDirectory, processes: int) -> dict[int, list[int]]:
    """Checksums of what the ranks of an attempt really read in each step, rank by rank."""
    found: dict[int, list[int]] = {}
    for rank in range(processes):
        for line in (directory.root / SAMPLES.format(rank)).read_text().splitlines():
            step, *samples = json.loads(line)
            found.setdefault(step, []).extend(samples)
    return found
