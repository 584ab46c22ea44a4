"""Trainings whose checkpoints tests write, break and read, in this process."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from services.trainer.checkpoint import restore
from services.trainer.parts import ModelPart, OptimizerPart, Part
from services.trainer.randomness import RandomPart
from services.trainer.rundir import RunDirectory
from services.trainer.saver import Saver
from services.trainer.soundness import MANIFEST, describe
from services.trainer.state import History, SchedulePosition, State
from services.trainer.world import World
from shared.commands import JournalEntry
from shared.events import AnyEvent
from tests.trainer.runs import VOCABULARY, tiny_spec, tokenizer
from tests.trainer.trainings import Training

SPEC = tiny_spec(steps=6, model={"dropout": 0.1})
COMMAND = JournalEntry(step=3, command_id="cmd_1", type="set_hyperparameters", arguments={"train.optimizer.lr": 0.1})


@dataclass
class Checkpoints:
    """Of a training, in `folder`; `told`: what was said about them."""

    training: Training
    folder: RunDirectory
    told: list[AnyEvent] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.root.mkdir(parents=True, exist_ok=True)
        tokenizer().save(str(self.folder.tokenizer))

    def saver(self, **options: int) -> Saver:
        return Saver(self.folder, "run_test", parts_of(self.training), World(), emit=self.told.append, **options)

    def save(self, step: int | None = None, **options: int) -> Path:
        """Written when this returns; `step`: of another one than the training says it is."""
        saver = self.saver(**options)
        saver.snapshot(self.state(step))
        saver.write(wait=True)
        return self.path(step)

    def path(self, step: int | None = None) -> Path:
        return self.folder.checkpoints / f"step_{self.training.history.step if step is None else step:08d}"

    def state(self, step: int | None = None) -> State:
        history, spec = self.training.history, self.training.spec
        step = history.step if step is None else step
        return State(
            step=step,
            tokens=step * spec.train.batch_size * spec.model.sequence_length,
            metrics={"train/loss": 3.0, "val/loss": 3.5},
            spec=spec,
            vocab_size=VOCABULARY,
            data=self.training.batches.position(step),
            schedule=SchedulePosition(step=step),
            scaler=self.training.scaling.state(),
            skipped_steps=history.skipped_steps,
            skipped_in_row=history.skipped_in_row,
            losses=list(history.losses),
            journal=history.journal,
        )


@dataclass
class SavingTraining(Training):
    """Saves as a training child does: in the background, when it is due."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.checkpoints = Checkpoints(self, RunDirectory(self.folder / "run"))
        self.saver = self.checkpoints.saver()

    def snapshot(self) -> float:
        return self.saver.snapshot(self.checkpoints.state())

    def write(self, wait: bool) -> None:
        self.saver.write(wait)


def six_steps(root: Path) -> Checkpoints:
    """A run of SPEC to its end, with a command in its journal."""
    training = Training(SPEC, root / "training")
    training.history.journal.append(COMMAND)
    training.run()
    return Checkpoints(training, RunDirectory(root / "run"))


def parts_of(training: Training) -> list[Part]:
    return [ModelPart(training.model), OptimizerPart(training.optimizer, training.model), RandomPart(World())]


def take_up(training: Training, checkpoint: Path) -> None:
    """Let a new training go on from a checkpoint."""
    state = restore(checkpoint, parts_of(training), World())
    training.scaling.load(state.scaler)
    training.history = History.of(state)


def seal(folder: Path) -> None:
    """Let the manifest list what is there now, as one who forges a checkpoint would."""
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["files"] = [describe(path).model_dump() for path in sorted(folder.iterdir()) if path.name != MANIFEST]
    (folder / MANIFEST).write_text(json.dumps(manifest))
