"""A run that is steered, paused, killed and continued, and then replayed from its spec and its journal: bit for bit the same."""

import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_file

from services.trainer.checkpoint import read_state
from services.trainer.host import Command
from services.trainer.rundir import Order, Outcome, RunDirectory
from shared.commands import CommandType, JournalEntry
from shared.spec import RunSpec
from shared.training_events import CommandApplied, TrainingContinued, TrainingHeld
from tests.bench.chain import Chain, Kill, evaluations, events, losses
from tests.bench.kills import TENSORS, spec_of
from tests.bench.store import object_store

STEPS: Final = 150
LAST_STEP: Final = 140
"""What one of the changes makes of STEPS."""
BATCHES: Final = (8, 24, 32)
"""Other than the spec's 16, and multiples of what two processes take at once."""


def steered_spec() -> RunSpec:
    spec = spec_of()
    train = spec.train.model_copy(update={"steps": STEPS})
    return spec.model_copy(update={"train": train.model_copy(update={"checkpoint": train.checkpoint.model_copy(update={"every": 10})})})


@dataclass
class Asked:
    """Orders that are given once `due` says so of the attempt, and told to the next attempt where this one ended too early for them."""

    due: Callable[[RunDirectory], bool]
    orders: list[Order]
    told: bool = False


@dataclass
class Steered:
    """`chain`: a run asked for what `asked` says, in turn. The answers are read as the api hears them: from the events."""

    chain: Chain
    asked: list[Asked]

    def __post_init__(self) -> None:
        self.chain.meanwhile = self.steer

    def steer(self, directory: RunDirectory) -> None:
        if (due := next((each for each in self.asked if not each.told), None)) and due.due(directory):
            with directory.commands.open("a") as file:
                file.writelines(order.model_dump_json() + "\n" for order in due.orders)
            due.told = True

    def attempt(self, kill: Kill | None) -> str:
        """How it ended. What it has not answered is asked again of the next one, as the api would."""
        ended = self.chain.attempt(steered_spec(), kill)
        directory = self.chain.attempts[-1]
        answers = {each.command_id: each for each in events(directory) if isinstance(each, CommandApplied)}
        for each in self.asked:
            for order in (order for order in each.orders if order.command_id in answers):
                answer = answers[order.command_id]
                assert not answer.rejected, answer
                if order.type == CommandType.SET_HYPERPARAMETERS:
                    self.chain.journal.append(entry(order, answer.step))
            each.orders = [order for order in each.orders if order.command_id not in answers]
            each.told = not each.orders
        return "killed" if ended == "killed" else Outcome.model_validate_json(directory.outcome.read_bytes()).state


def entry(order: Order, step: int) -> JournalEntry:
    return JournalEntry(step=step, command_id=order.command_id, type=order.type, arguments=order.arguments)


def after(step: int) -> Callable[[RunDirectory], bool]:
    return lambda directory: max(losses(directory), default=0) >= step


def held(directory: RunDirectory) -> bool:
    told = [each for each in events(directory) if isinstance(each, TrainingHeld | TrainingContinued)]
    return bool(told) and isinstance(told[-1], TrainingHeld)


def requests(rng: random.Random) -> list[Asked]:
    """Changes of each kind, in a run that goes on, one that stands still and one that is about to leave; at steps that `rng` chooses."""
    first, second, third, fourth = (start + rng.randrange(12) for start in (6, 26, 66, 96))
    batch, other = rng.sample(BATCHES, 2)
    return [
        Asked(after(first), [change("c1", optimizer={"lr": rng.uniform(1e-3, 5e-3), "weight_decay": rng.uniform(0, 0.3)})]),
        Asked(after(second), [ask("h1", CommandType.PAUSE, hold=True)]),
        Asked(
            lambda directory: held(directory) or after(second + 12)(directory),
            [change("c2", batch_size=batch), ask("h2", CommandType.RESUME)],
        ),
        Asked(after(third), [change("c3", optimizer={"betas": [0.85, 0.97], "grad_clip": 0.3}, schedule={"name": "constant"})]),
        Asked(after(fourth), [change("c4", batch_size=other, optimizer={"weight_decay": 0.0}), ask("p1", CommandType.PAUSE)]),
        Asked(after(fourth + 2), [change("c5", steps=LAST_STEP, optimizer={"lr": rng.uniform(1e-4, 1e-3)}, schedule={"name": "cosine"})]),
    ]


def change(name: str, **changes: Any) -> Order:
    return ask(name, CommandType.SET_HYPERPARAMETERS, **changes)


def ask(name: str, kind: CommandType, **arguments: Any) -> Order:
    return Order(command_id=name, type=kind, arguments=arguments)


@dataclass
class Replays:
    """`steps`: losses compared, those of steps that were trained twice included. `different`: what was not the same, in words."""

    folder: Path
    wanted: int
    rng: random.Random
    forks: Command
    steps: int = 0
    changes: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    different: list[str] = field(default_factory=list)

    def run(self) -> None:
        for number in range(self.wanted):
            self._one(self.folder / f"run_{number}")
            print(f"replay {number + 1} of {self.wanted}: {self.steps} losses so far", file=sys.stderr, flush=True)

    def _one(self, root: Path) -> None:
        with object_store(root / "steered" / "store") as url, object_store(root / "replayed" / "store") as other:
            steered = Steered(Chain(root / "steered", url, self.forks), requests(self.rng))
            self._to_its_end(steered)
            replay = Chain(root / "replayed", other, self.forks)
            replay.journal = steered.chain.journal
            assert replay.attempt(steered_spec()) == "finished"
            self.changes += len(replay.journal)
            self._compare(steered.chain, replay, root.name)

    def _to_its_end(self, steered: Steered) -> None:
        """Two kills, before or after the first checkpoint that has what was changed; a pause comes by itself."""
        kills = [
            Kill("step.before_optimizer", 28 + self.rng.randrange(28)),
            Kill("step.before_backward", 25 + self.rng.randrange(20)),
            None,
        ]
        while (ended := steered.attempt(kills[0])) != "succeeded":
            self.ended[ended] += 1
            if ended == "killed":
                kills.pop(0)
        assert kills == [None], f"{self.ended}: it was to be killed twice"
        assert not any(each.orders for each in steered.asked), "it ended before all was asked"

    def _compare(self, steered: Chain, replay: Chain, where: str) -> None:
        expected, validations = losses(replay.attempts[0]), evaluations(replay.attempts[0])
        if list(expected) != list(range(1, LAST_STEP + 1)):
            self.different.append(f"{where}: the replay has the steps {list(expected)}")
        if missing := expected.keys() - {step for attempt in steered.attempts for step in losses(attempt)}:
            self.different.append(f"{where}: the replay alone has the steps {sorted(missing)}")
        for number, attempt in enumerate(steered.attempts, 1):
            found = losses(attempt)
            self.steps += len(found)
            self.different += [f"{where}, attempt {number}: step {at}" for at, loss in found.items() if loss != expected.get(at)]
            evaluated = evaluations(attempt).items()
            self.different += [f"{where}, attempt {number}: evaluation {at}" for at, loss in evaluated if loss != validations.get(at)]
        ours, theirs = (chain.stored(chain.commits()[0]) for chain in (steered, replay))
        self.different += [f"{where}: {name} of the last checkpoint" for name in TENSORS if not same(ours / name, theirs / name)]
        if read_state(ours) != read_state(theirs):
            self.different.append(f"{where}: state.json of the last checkpoint")


def same(ours: Path, theirs: Path) -> bool:
    found, expected = load_file(ours), load_file(theirs)
    return found.keys() == expected.keys() and all(torch.equal(found[name], expected[name]) for name in expected)
