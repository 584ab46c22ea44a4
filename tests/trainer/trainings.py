"""Training in this process, as main_child puts it together but without a child."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from services.trainer.data import TokenStream, TrainingBatches, Windows
from services.trainer.evaluate import make_evaluation
from services.trainer.loop import Interrupt, train
from services.trainer.model import GPT
from services.trainer.optimizer import make_optimizer
from services.trainer.rundir import Order, Outcome
from services.trainer.world import World
from shared.events import AnyEvent, EvaluationCompleted, StepCompleted
from shared.spec import RunSpec
from tests.trainer.runs import TEXT, VOCABULARY, encode, write_tokens


@dataclass
class Training:
    """What happened, in order: events, and ("save" | "sample", step) for the calls."""

    spec: RunSpec
    folder: Path
    commands: Callable[[], Sequence[Order | Interrupt]] = list
    first_step: int = 1
    known: dict[str, float] = field(default_factory=dict)
    happened: list[AnyEvent | tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        files = write_tokens(self.folder / "tokens", encode(TEXT))
        self.windows = Windows(TokenStream(self.folder / "tokens", files), self.spec)
        torch.manual_seed(self.spec.train.seed)
        self.model = GPT(self.spec.model, VOCABULARY)
        self.optimizer = make_optimizer(self.model, self.spec.train.optimizer)
        self.evaluate = make_evaluation(self.model, self.windows, files.token_bytes, self.spec, World())

    def run(self) -> Outcome:
        torch.manual_seed(self.spec.train.seed + 1)
        return train(
            self.spec,
            self.model,
            self.optimizer,
            TrainingBatches(self.windows, self.spec, World()),
            World(),
            first_step=self.first_step,
            known=self.known,
            emit=self.happened.append,
            save=lambda step, _known: self.happened.append(("save", step)),
            evaluate=self.evaluate,
            sample=lambda step: self.happened.append(("sample", step)),
            commands=self.commands,
        )

    def losses(self) -> list[float]:
        return [event.metrics["train/loss"] for event in self.happened if isinstance(event, StepCompleted)]

    def evaluations(self) -> list[EvaluationCompleted]:
        return [event for event in self.happened if isinstance(event, EvaluationCompleted)]
