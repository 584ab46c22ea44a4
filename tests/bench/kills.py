"""Kills at seeded random points of a run, each compared with the same run undisturbed: every loss, and all state it goes on from."""

import random
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file

from services.trainer.host import Command
from services.trainer.soundness import verify
from shared.spec import RunSpec
from tests.bench.chain import TORCHRUN, Chain, Kill, evaluations, losses
from tests.bench.store import object_store
from tests.trainer.runs import tiny_spec

STEPS: Final = 40
TENSORS: Final = ("model.safetensors", "optimizer.safetensors", "rng.safetensors")
PLACES: Final = {
    "inside a step": {"step.before_backward": 12, "step.before_optimizer": 12, "a moment": 1},
    "around a checkpoint": {
        "checkpoint.after_snapshot": 3,
        "checkpoint.between_shards": 9,
        "checkpoint.before_manifest": 3,
        "checkpoint.before_rename": 3,
        "checkpoint.after_rename": 3,
    },
    "during an upload": {
        "upload.before": 2,
        "upload.between_files": 12,
        "upload.before_complete": 2,
        "commit.before": 2,
        "commit.after": 2,
    },
    "during an evaluation": {"evaluation": 12},
}
"""Crash points by kind, and the last time a process comes there that is still likely to come."""


def spec_of(dropout: float = 0.1) -> RunSpec:
    """Two processes, two micro-batches each; a checkpoint every four steps, an evaluation every five."""
    shape = {"n_layer": 3, "n_embd": 64, "sequence_length": 32, "dropout": dropout}
    plan = {"batch_size": 16, "micro_batch_size": 4, "evaluate": {"every": 5, "batches": 2}, "checkpoint": {"every": 4, "keep_last": 1000}}
    return tiny_spec(steps=STEPS, model=shape, processes=2, **plan)


@dataclass
class Kills:
    """`killed`: how many by place. `inexact`, `misjudged`, `uncommitted`: what went wrong, in words.

    The undisturbed run and every fifth attempt are torchrun's, the others `forks`.
    """

    folder: Path
    wanted: int
    rng: random.Random
    forks: Command
    killed: Counter[str] = field(default_factory=Counter)
    inexact: list[str] = field(default_factory=list)
    misjudged: list[str] = field(default_factory=list)
    uncommitted: list[str] = field(default_factory=list)
    finished: int = 0
    attempts: int = 0

    def __post_init__(self) -> None:
        self.order = [self.rng.sample(list(points.items()), len(points)) for points in PLACES.values()]

    def run(self) -> None:
        with object_store(self.folder / "undisturbed" / "store") as url:
            whole = Chain(self.folder / "undisturbed", url)
            assert whole.attempt(spec_of()) == "finished"
        self.losses, self.evaluations = losses(whole.attempts[0]), evaluations(whole.attempts[0])
        self.states = {checkpoint.step: whole.stored(checkpoint) for checkpoint in whole.commits()}
        assert list(self.losses) == list(range(1, STEPS + 1))
        while self.killed.total() < self.wanted:
            self._chain(self.folder / f"chain_{self.finished}")
            self.finished += 1

    def _chain(self, root: Path) -> None:
        """A run killed again and again, until it finishes before it is, or the last kill is done; then it is left to finish."""
        with object_store(root / "store") as url:
            chain = Chain(root, url)
            while True:
                kill = self._planned() if self.killed.total() < self.wanted else None
                ended = chain.attempt(spec_of(), kill, self._command())
                self._compare(chain, kill)
                if ended == "finished":
                    break
                assert kill is not None
                self.killed[kill.place] += 1
                print(f"kill {self.killed.total()} of {self.wanted}: {kill.place} ({kill.count})", file=sys.stderr, flush=True)
            final = chain.commits()[0]
            assert final.step == STEPS
            self._same_state(chain.stored(final), f"{root.name}: the end")
            self._same_evaluations(chain, root.name)

    @property
    def places(self) -> list[str]:
        return [place for points in self.order for place, _ in points]

    def _planned(self) -> Kill:
        """Kinds take turns, and so do the points of a kind, in an order drawn at the start: a few kills already have all kinds. The last
        ones are for points that had none: a run may finish before it comes to one.
        """
        missing = [place for place in self.places if not self.killed[place]]
        if self.wanted >= len(self.places) and self.wanted - self.killed.total() <= 2 * len(missing):
            place, last = missing[0], 1
        else:
            turn, kind = divmod(self.killed.total(), len(self.order))
            place, last = self.order[kind][turn % len(self.order[kind])]
        return Kill(place, self.rng.randint(1, last), self.rng.uniform(0, 0.4))

    def _command(self) -> Command:
        self.attempts += 1
        return TORCHRUN if self.attempts % 5 == 1 else self.forks

    def _compare(self, chain: Chain, kill: Kill | None) -> None:
        """The attempt that has just ended: what it went on from, and each of its losses."""
        where = f"{chain.root.name}, attempt {len(chain.attempts)} ({kill.place if kill else 'undisturbed'})"
        directory, restored = chain.attempts[-1], chain.restored[-1]
        known = chain.restored_from[-1]
        if (restored and restored.id) != (known[0].id if known else None):
            self.uncommitted.append(f"{where}: went on from {restored}, the newest committed was {known[:1]}")
        if restored:
            self._same_state(directory.restore, where)
        found = losses(directory)
        first = restored.step + 1 if restored else 1
        if list(found) != list(range(first, first + len(found))):
            self.inexact.append(f"{where}: steps {list(found)} after step {first - 1}")
        if wrong := [step for step, loss in found.items() if loss != self.losses[step]]:
            self.inexact.append(f"{where}: other losses at steps {wrong}")
        if wrong := [step for step, loss in evaluations(directory).items() if loss != self.evaluations[step]]:
            self.inexact.append(f"{where}: other validation losses at steps {wrong}")

    def _same_evaluations(self, chain: Chain, where: str) -> None:
        """What the api would know of each checkpoint: the evaluation of its own step, where that was due, and of no other."""
        for step, metrics in chain.measured().items():
            if metrics.get("val/loss") != self.evaluations.get(step):
                self.misjudged.append(f"{where}: the checkpoint of step {step} has {metrics}, its step {self.evaluations.get(step)}")

    def _same_state(self, folder: Path, where: str) -> None:
        step = verify(folder).step
        theirs = self.states[step]
        for name in TENSORS:
            ours, undisturbed = load_file(folder / name), load_file(theirs / name)
            wrong = [key for key in undisturbed if key not in ours or not torch.equal(ours[key], undisturbed[key])]
            if wrong or ours.keys() != undisturbed.keys():
                self.inexact.append(f"{where}: {name} of step {step} differs in {wrong[:3]}")
        if (folder / "state.json").read_bytes() != (theirs / "state.json").read_bytes():
            self.inexact.append(f"{where}: state.json of step {step} differs")
