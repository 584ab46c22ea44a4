"""The training child: `torchrun ... -m services.trainer.main_child <run directory>`, as children.torchrun writes it out.

Exit codes: 0 with an outcome.json; without one 75 (EX_TEMPFAIL) after SIGTERM, with a checkpoint saved, and 73 (EX_CANTCREAT) where the
disk had no room for what had to be written; anything else is a crash.
"""

import contextlib
import faulthandler
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import torch
from tokenizers import Tokenizer

from services.trainer import checkpoint
from services.trainer.commands import Commands
from services.trainer.data import TokenStream, TrainingBatches, Windows
from services.trainer.evaluate import make_evaluation
from services.trainer.loop import train
from services.trainer.model import GPT
from services.trainer.naming import named
from services.trainer.optimizer import make_optimizer
from services.trainer.parts import ModelPart, OptimizerPart, Part
from services.trainer.plan import Plan
from services.trainer.randomness import RandomPart, seed_all
from services.trainer.report import Report
from services.trainer.room import INTERRUPTED, NO_ROOM, is_full
from services.trainer.rundir import AttemptOrder, Outcome, RunDirectory, write_whole
from services.trainer.sampling import generate
from services.trainer.saver import Saver
from services.trainer.scaling import Scaling
from services.trainer.soundness import DamagedCheckpoint, UnfitCheckpoint, read_manifest
from services.trainer.state import History, SchedulePosition, State
from services.trainer.steering import Interrupted
from services.trainer.vocabulary import read_tokenizer
from services.trainer.world import World, choose_precision, join
from shared.commands import JournalEntry
from shared.crash import arm
from shared.errors import UserError
from shared.events import AnyEvent
from shared.failures import Failure, FailureKind
from shared.training_events import SampleGenerated, TrainingStarted

log = logging.getLogger(__name__)


def main() -> int:
    folder = RunDirectory(Path(sys.argv[1]))
    rank = int(os.environ.get("RANK", "0"))
    redirect_output(folder.log(rank))
    write_whole(folder.pid(rank), str(os.getpid()))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)  # the agent's watchdog asks for stacks
    order = AttemptOrder.model_validate_json(folder.order.read_bytes())
    arm(os.environ.get("CRASH_AT", ""))
    with join(order.device, os.environ) as world:
        commands = Commands(folder.commands, world)
        commands.listen()
        report = Report(folder, order, world)
        try:
            report.close(outcome_of(folder, order, world, report, commands))
        except Interrupted as interrupted:
            log.warning("%s", interrupted)
            return INTERRUPTED
        except Exception as error:
            with contextlib.suppress(OSError):  # on a disk that is full; the exit code tells then
                write_whole(folder.failure(rank), named(error).model_dump_json())
            if not (isinstance(error, OSError) and is_full(error)):
                raise
            log.error("no room for what has to be written: %s", error)
            leave(NO_ROOM)  # at once: were the process group taken down first, the others would die of that before this one does
    return 0


def outcome_of(folder: RunDirectory, order: AttemptOrder, world: World, report: Report, commands: Commands) -> Outcome:
    """Also of an attempt that cannot even begin. Raises Interrupted."""
    try:
        return Attempt(folder, order, world, report.emit).run(commands)
    except DamagedCheckpoint as error:
        return Outcome(state="failed", step=0, tokens=0, reason="the checkpoint is damaged", summary={}, damage=str(error))
    except UserError as error:
        kind = FailureKind.CHECKPOINT_UNFIT if isinstance(error, UnfitCheckpoint) else FailureKind.DATA_ERROR
        failure = Failure.of(kind, error.detail)
        return Outcome(state="failed", step=0, tokens=0, reason=error.detail, summary={}, failure=failure)


class Attempt:
    """One try at a run, set up from its run directory."""

    def __init__(self, folder: RunDirectory, order: AttemptOrder, world: World, emit: Callable[[AnyEvent], None]) -> None:
        self.folder, self.order, self.spec, self.world, self.emit = folder, order, order.spec, world, emit
        self.windows = Windows(TokenStream(folder.tokens, order.data), self.spec)
        self.plan = Plan(self.spec)
        self.batches = TrainingBatches(self.windows, self.plan, world)
        seed_all(self.spec.train.seed)
        self.model = GPT(self.spec.model, order.data.vocab_size).to(world.device)
        self.replica = world.replicate(self.model, torch.zeros(1, self.spec.model.sequence_length, dtype=torch.int64, device=world.device))
        self.optimizer = make_optimizer(self.model, self.spec.train.optimizer)
        self.scaling = Scaling(world.device, choose_precision(self.spec.train.precision, world.device))
        seed_all(self.spec.train.seed + 1 + world.rank)  # the same model everywhere, but each rank drops out its own
        self.parts: list[Part] = [ModelPart(self.model), OptimizerPart(self.optimizer, self.model), RandomPart(world)]
        self.history = self.restore() if folder.restore.is_dir() else History()
        self.saver = Saver(folder, order.run_id, self.parts, world, emit=emit)

    def restore(self) -> History:
        """Raises DamagedCheckpoint, UnfitCheckpoint."""
        state = checkpoint.restore(self.folder.restore, self.parts, self.world, self.misfit, self.order.checkpoint)
        self.scaling.load(state.scaler)
        if self.world.rank == 0 and state.conditions not in {None, here := self.world.conditions()}:
            log.warning("the checkpoint was made on %s; this is %s: sums may be rounded otherwise", state.conditions, here)
        self.plan.go_on(state, forked=self.forked())
        history = History.of(state)
        if self.forked():
            history.journal, history.losses = [], []  # the changes are in its spec; the rest is the other run's
            history.skipped_steps = history.skipped_in_row = 0
        return history

    def forked(self) -> bool:
        """Whether this is another run's checkpoint."""
        return read_manifest(self.folder.restore).run_id != self.order.run_id

    def misfit(self, state: State) -> str:
        """The order of samples is a function of data and plan: only with the same does it go on where it was."""
        expected, found = self.spec.train.batch_size, state.spec.train.batch_size
        if not self.forked() and found != expected:
            return f"expected a run of {expected} sequences a batch, found one of {found}"
        plan = Plan(self.spec)
        plan.go_on(state, forked=self.forked())
        here = TrainingBatches(self.windows, plan, self.world).position(state.step)
        if state.data in {None, here}:
            return ""
        return f"expected to go on at sample ({here}), found ({state.data}); the data are others"

    def run(self, commands: Commands) -> Outcome:
        self.emit(self.started(self.history.step + 1))
        outcome = train(
            self.plan,
            self.replica,
            self.optimizer,
            self.batches,
            self.world,
            history=self.history,
            scaling=self.scaling,
            emit=self.emit,
            snapshot=lambda: self.saver.snapshot(self.state()),
            write=self.saver.write,
            evaluate=make_evaluation(self.model, self.windows, self.order.data.token_bytes, self.plan, self.world),
            sample=self.sample,
            commands=commands,
            replay=self.changes_to_come(),
        )
        self.saver.settle(needed=outcome.state not in {"failed", "rolled_back"})
        return outcome

    def changes_to_come(self) -> list[JournalEntry]:
        """What was changed behind the checkpoint, before this attempt or in the run that is replayed."""
        known = {entry.command_id for entry in self.history.journal}
        return [entry for entry in self.order.journal if entry.step >= self.history.step and entry.command_id not in known]

    def state(self) -> State:
        step = self.history.step
        return State(
            step=step,
            tokens=self.plan.tokens(step),
            metrics=dict(self.history.known),
            spec=self.spec,
            vocab_size=self.model.vocab_size,
            world_size=self.world.size,
            conditions=self.world.conditions(),
            data=self.batches.position(step),
            schedule=SchedulePosition(step=step),
            scaler=self.scaling.state(),
            skipped_steps=self.history.skipped_steps,
            skipped_in_row=self.history.skipped_in_row,
            losses=list(self.history.losses),
            journal=list(self.history.journal),
        )

    def started(self, first_step: int) -> TrainingStarted:
        return TrainingStarted(
            first_step=first_step,
            steps=self.plan.train.steps,
            world_size=self.world.size,
            device=self.world.device.type,
            precision=choose_precision(self.spec.train.precision, self.world.device),
            parameters=self.model.parameter_count(),
        )

    def sample(self, step: int, prompts: Sequence[str]) -> None:
        """Of these prompts, or else the run's own. On rank 0 only; the others wait for it in the next step's first exchange."""
        prompts = prompts or self.plan.train.sample.prompts
        if self.world.rank != 0 or not prompts:
            return
        tokenizer = read_tokenizer(self.folder.tokenizer)
        self.model.eval()
        for prompt in prompts:
            text = self.continue_text(tokenizer, prompt)
            self.emit(SampleGenerated(step=step, prompt=prompt, text=text))
        self.model.train()

    def continue_text(self, tokenizer: Tokenizer, prompt: str) -> str:
        end = self.order.data.end_of_text
        tokens = generate(
            self.model,
            tokenizer.encode(prompt, add_special_tokens=False).ids or [end],
            max_new_tokens=self.plan.train.sample.max_new_tokens,
            rng=torch.Generator().manual_seed(self.spec.train.seed),
            stop_token=end,
        )
        return str(tokenizer.decode([token for token, _ in tokens]))


def redirect_output(path: Path) -> None:
    """Everything this process and its libraries say, to its own log."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)


def leave(code: int) -> NoReturn:
    """Everything is written. Threads of gloo that still live would abort a process that takes its libraries down in order."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
