"""Training in this process, as main_child puts it together but without a child."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from services.trainer.data import TokenStream, TrainingBatches, Windows
from services.trainer.evaluate import make_evaluation
from services.trainer.loop import train
from services.trainer.model import GPT
from services.trainer.optimizer import make_optimizer
from services.trainer.plan import Plan
from services.trainer.rundir import Order, Outcome
from services.trainer.scaling import Scaling
from services.trainer.state import History
from services.trainer.steering import Interrupt
from services.trainer.world import World, choose_precision
from shared.commands import JournalEntry
from shared.events import AnyEvent
from shared.spec import RunSpec
from shared.training_events import EvaluationCompleted, StepCompleted
from tests.trainer.runs import TEXT, VOCABULARY, encode, write_tokens


@dataclass
class Training:
    """What happened, in order: events, and ("save" | "sample", step) for the calls."""

    spec: RunSpec
    folder: Path
    commands: Callable[[], Sequence[Order | Interrupt]] = list
    replay: Sequence[JournalEntry] = ()
    history: History = field(default_factory=History)
    happened: list[AnyEvent | tuple[str, int]] = field(default_factory=list)
    samples: list[tuple[int, list[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        files = write_tokens(self.folder / "tokens", encode(TEXT))
        self.windows = Windows(TokenStream(self.folder / "tokens", files), self.spec)
        self.plan = Plan(self.spec)
        torch.manual_seed(self.spec.train.seed)
        self.model = GPT(self.spec.model, VOCABULARY)
        self.optimizer = make_optimizer(self.model, self.spec.train.optimizer)
        self.batches = TrainingBatches(self.windows, self.plan, World())
        self.scaling = Scaling(torch.device("cpu"), choose_precision(self.spec.train.precision, torch.device("cpu")))
        self.evaluate = make_evaluation(self.model, self.windows, files.token_bytes, self.plan, World())

    def run(self) -> Outcome:
        torch.manual_seed(self.spec.train.seed + 1)
        return self.go_on()

    def go_on(self) -> Outcome:
        """With the random numbers as they are."""
        return train(
            self.plan,
            self.model,
            self.optimizer,
            self.batches,
            World(),
            history=self.history,
            scaling=self.scaling,
            emit=self.happened.append,
            snapshot=self.snapshot,
            write=self.write,
            evaluate=self.evaluate,
            sample=self.sample,
            commands=self.commands,
            replay=self.replay,
        )

    def sample(self, step: int, prompts: Sequence[str]) -> None:
        self.happened.append(("sample", step))
        self.samples.append((step, list(prompts)))

    def snapshot(self) -> float:
        self.happened.append(("snapshot", self.history.step))
        return 0.25

    def write(self, wait: bool) -> None:
        self.happened.append(("save and wait" if wait else "save", self.history.step))

    def losses(self) -> list[float]:
        return [event.metrics["train/loss"] for event in self.happened if isinstance(event, StepCompleted)]

    def evaluations(self) -> list[EvaluationCompleted]:
        return [event for event in self.happened if isinstance(event, EvaluationCompleted)]
