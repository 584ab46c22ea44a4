"""The training child: `torchrun ... -m services.trainer.main_child <run directory>`, as children.torchrun writes it out.

Exit codes: 0 with an outcome.json; 75 (EX_TEMPFAIL) without one after SIGTERM, with a checkpoint saved; anything else is a crash.
"""

import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import torch
from tokenizers import Tokenizer

from services.trainer import checkpoint
from services.trainer.commands import Commands
from services.trainer.data import TokenStream, TrainingBatches, Windows
from services.trainer.evaluate import make_evaluation
from services.trainer.loop import Interrupted, train
from services.trainer.model import GPT
from services.trainer.optimizer import make_optimizer
from services.trainer.rundir import AttemptOrder, Outcome, RunDirectory
from services.trainer.sampling import generate
from services.trainer.spool import SpoolWriter
from services.trainer.vocabulary import read_tokenizer
from services.trainer.world import World, choose_precision, join
from shared.errors import UserError
from shared.events import AnyEvent, CheckpointSaved, SampleGenerated, TrainingEnded, TrainingStarted

INTERRUPTED: Final = 75

log = logging.getLogger(__name__)


def main() -> int:
    folder = RunDirectory(Path(sys.argv[1]))
    rank = int(os.environ.get("RANK", "0"))
    redirect_output(folder.log(rank))
    write_whole(folder.pid(rank), str(os.getpid()))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    order = AttemptOrder.model_validate_json(folder.order.read_bytes())
    with join(order.device, os.environ) as world:
        commands = Commands(folder.commands, world)
        commands.listen()
        report = Report(folder, order, world)
        try:
            outcome = Attempt(folder, order, world, report.emit).run(commands)
        except Interrupted as interrupted:
            log.warning("%s", interrupted)
            return INTERRUPTED
        except UserError as error:
            outcome = Outcome(state="failed", step=0, tokens=0, reason=error.detail, summary={})
        report.close(outcome)
    return 0


class Report:
    """Rank 0 speaks for all; the other ranks compute the same and say nothing."""

    def __init__(self, folder: RunDirectory, order: AttemptOrder, world: World) -> None:
        self.folder, self.spool = folder, None
        if world.rank == 0:
            producer = f"attempt-{order.attempt}"
            self.spool = SpoolWriter(folder.spool, run_id=order.run_id, attempt=order.attempt, fence=order.fence, producer=producer)

    def emit(self, event: AnyEvent) -> None:
        if self.spool is not None:
            self.spool.emit(event)

    def close(self, outcome: Outcome) -> None:
        log.info("%s at step %d %s", outcome.state, outcome.step, outcome.reason)
        if self.spool is not None:
            self.emit(TrainingEnded(step=outcome.step, outcome=outcome.state, reason=outcome.reason))
            self.spool.close()
            write_whole(self.folder.outcome, outcome.model_dump_json(indent=2))


class Attempt:
    """One try at a run, set up from its run directory."""

    def __init__(self, folder: RunDirectory, order: AttemptOrder, world: World, emit: Callable[[AnyEvent], None]) -> None:
        self.folder, self.order, self.spec, self.world, self.emit = folder, order, order.spec, world, emit
        self.windows = Windows(TokenStream(folder.tokens, order.data), self.spec)
        torch.manual_seed(self.spec.train.seed)
        self.model = GPT(self.spec.model, order.data.vocab_size).to(world.device)
        self.replica = world.replicate(self.model, torch.zeros(1, self.spec.model.sequence_length, dtype=torch.int64, device=world.device))
        self.optimizer = make_optimizer(self.model, self.spec.train.optimizer)
        torch.manual_seed(self.spec.train.seed + 1 + world.rank)  # the same model everywhere, but each rank drops out its own
        self.restored = checkpoint.restore(folder.restore, self.model, self.optimizer, world) if folder.restore.is_dir() else None

    def run(self, commands: Commands) -> Outcome:
        first_step, known = (self.restored.step + 1, dict(self.restored.metrics)) if self.restored else (1, {})
        self.emit(self.started(first_step))
        return train(
            self.spec,
            self.replica,
            self.optimizer,
            TrainingBatches(self.windows, self.spec, self.world),
            self.world,
            first_step=first_step,
            known=known,
            emit=self.emit,
            save=self.save,
            evaluate=make_evaluation(self.model, self.windows, self.order.data.token_bytes, self.spec, self.world),
            sample=self.sample,
            commands=commands,
        )

    def started(self, first_step: int) -> TrainingStarted:
        return TrainingStarted(
            first_step=first_step,
            steps=self.spec.train.steps,
            world_size=self.world.size,
            device=self.world.device.type,
            precision=choose_precision(self.spec.train.precision, self.world.device),
            parameters=self.model.parameter_count(),
        )

    def save(self, step: int, metrics: dict[str, float]) -> None:
        begin = time.perf_counter()
        tokens = step * self.spec.train.batch_size * self.spec.model.sequence_length
        state = checkpoint.State(step=step, tokens=tokens, metrics=metrics, spec=self.spec, vocab_size=self.model.vocab_size)
        manifest = checkpoint.save(self.folder, self.order.run_id, state, (self.model, self.optimizer), self.world)
        if manifest is not None:
            size = sum(file.bytes for file in manifest.files)
            self.emit(CheckpointSaved(step=step, bytes=size, seconds=time.perf_counter() - begin))

    def sample(self, step: int) -> None:
        """On rank 0 only; the others wait for it in the next step's first exchange."""
        if self.world.rank != 0 or not self.spec.train.sample.prompts:
            return
        tokenizer = read_tokenizer(self.folder.tokenizer)
        self.model.eval()
        for prompt in self.spec.train.sample.prompts:
            text = self.continue_text(tokenizer, prompt)
            self.emit(SampleGenerated(step=step, prompt=prompt, text=text))
        self.model.train()

    def continue_text(self, tokenizer: Tokenizer, prompt: str) -> str:
        end = self.order.data.end_of_text
        tokens = generate(
            self.model,
            tokenizer.encode(prompt, add_special_tokens=False).ids or [end],
            max_new_tokens=self.spec.train.sample.max_new_tokens,
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


def write_whole(path: Path, text: str) -> None:
    """Whoever finds the file finds all of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torn = path.with_name(f".{path.name}.tmp")
    torn.write_text(text)
    torn.replace(path)


def leave(code: int) -> None:
    """Everything is written. Threads of gloo that still live would abort a process that takes its libraries down in order."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
