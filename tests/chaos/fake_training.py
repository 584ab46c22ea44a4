"""A training without torch: `python -m tests.chaos.fake_training <run directory> <processes> [rank]`.

It goes on from its checkpoint, takes a step in 10 ms, writes lines, saves, obeys every command between two steps, and keeps its journal.
"""

import hashlib
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from services.trainer import spool
from services.trainer.rundir import AttemptOrder, Manifest, Order, Outcome, RunDirectory, write_whole
from services.trainer.spool import SpoolWriter
from shared.internal import FileRef
from shared.training_events import (
    CheckpointSaved,
    CommandApplied,
    HyperparametersChanged,
    StepCompleted,
    TrainingContinued,
    TrainingEnded,
    TrainingHeld,
    TrainingStarted,
)
from tests.trainer import fake_child

STEP_SECONDS: Final = 0.01
SEGMENT_BYTES: Final = 16 << 10
"""So that spools have several."""
INTERRUPTED: Final = 75
STOPS: Final = {"stop": "stopped", "pause": "paused", "rollback": "rolled_back"}


class Rank:
    def __init__(self, directory: RunDirectory, processes: int) -> None:
        self.directory, self.processes = directory, processes
        self.order = AttemptOrder.model_validate_json(directory.order.read_bytes())
        self.step, self.offset, self.saved, self.held, self.interrupted = 0, 0, 0, False, False
        self.journal: dict[str, int] = {}
        if directory.restore.is_dir():
            self.step = self.saved = Manifest.model_validate_json((directory.restore / "manifest.json").read_bytes()).step
            self.journal = json.loads((directory.restore / "model.safetensors").read_bytes())["journal"]
        self.replays = {entry.command_id: entry.step for entry in self.order.journal if entry.command_id not in self.journal}
        signal.signal(signal.SIGTERM, self._note)
        order, self.log = self.order, directory.log(0).open("a", encoding="utf-8")
        self.spool = SpoolWriter(
            directory.spool, run_id=order.run_id, attempt=order.attempt, fence=order.fence, producer=f"attempt-{order.attempt}"
        )

    def _note(self, *_signal: object) -> None:
        self.interrupted = True

    def run(self) -> int:
        steps = self.order.spec.train.steps
        about: dict[str, Any] = {"steps": steps, "world_size": self.processes, "device": "cpu", "precision": "fp32", "parameters": 1}
        self.spool.emit(TrainingStarted(first_step=self.step + 1, **about))
        while True:
            if end := self._obey():
                return self._end(end)
            if self.interrupted:
                self._save()
                return INTERRUPTED
            if self.step >= steps:
                return self._end("succeeded")
            time.sleep(STEP_SECONDS)
            if not self.held:
                self._take_step()

    def _take_step(self) -> None:
        self.step += 1
        metrics = {"train/loss": 4 / self.step, "perf/step_ms": STEP_SECONDS * 1000, "chaos/wild": wild(self.step)}
        metrics |= {"chaos/rare": random.random()} if self.step % 7 == 0 else {}
        self.spool.emit(StepCompleted(step=self.step, tokens=self.step * 8, metrics=metrics))
        self.log.write(f"step {self.step} of attempt {self.order.attempt}: {metrics} \u00e9\n" + "\n" * (self.step % 50 == 0))
        self.log.flush()
        if self.step % self.order.spec.train.checkpoint.every == 0:
            self._save()

    def _obey(self) -> str:
        """How it ends at this boundary; empty where it goes on."""
        self.journal |= {name: step for name, step in self.replays.items() if step <= self.step}
        end = ""
        for order in self._orders():
            at = self.step
            if order.type == "set_hyperparameters":
                at = self.journal.setdefault(order.command_id, self.replays.get(order.command_id, self.step))
                self.spool.emit(HyperparametersChanged(command_id=order.command_id, step=at, old={}, new=order.arguments))
            elif order.type == "resume":
                self.held = False
                self.spool.emit(TrainingContinued(step=self.step, seconds=0))
            elif order.type == "pause" and order.arguments.get("hold"):
                self._save()
                self.held = True
                self.spool.emit(TrainingHeld(step=self.step))
            elif order.type == "save_checkpoint":
                self._save()
            else:
                end = STOPS.get(order.type, end)
            self.spool.emit(CommandApplied(command_id=order.command_id, step=at, ranks=self.processes, command=order.type))
        return end

    def _orders(self) -> list[Order]:
        if not self.directory.commands.exists():
            return []
        lines = self.directory.commands.read_bytes()[self.offset :]
        whole = lines[: lines.rfind(b"\n") + 1]
        self.offset += len(whole)
        return [Order.model_validate_json(line) for line in whole.splitlines()]

    def _save(self) -> None:
        if self.step == self.saved:
            return
        self.saved = self.step
        final = self.directory.checkpoints / f"step_{self.step:08d}"
        torn = final.with_suffix(".tmp")
        torn.mkdir()
        weights = json.dumps({"step": self.step, "journal": self.journal}).encode()
        (torn / "model.safetensors").write_bytes(weights)
        file = FileRef(name="model.safetensors", bytes=len(weights), sha256=hashlib.sha256(weights).hexdigest())
        manifest = Manifest(run_id=self.order.run_id, step=self.step, tokens=self.step * 8, metrics={"train/loss": 1.0}, files=[file])
        (torn / "manifest.json").write_text(manifest.model_dump_json())
        torn.rename(final)
        self.spool.emit(CheckpointSaved(step=self.step, bytes=len(weights), seconds=0.0))

    def _end(self, state: str) -> int:
        if state != "rolled_back":
            self._save()
        self.spool.emit(TrainingEnded.model_validate({"step": self.step, "outcome": state}))
        outcome = Outcome.model_validate({"state": state, "step": self.step, "tokens": self.step * 8, "summary": {}})
        write_whole(self.directory.outcome, outcome.model_dump_json())
        return 0


def wild(step: int) -> float:
    """Any 64 bits, and now and then what is no number."""
    odd = (math.nan, math.inf, -math.inf, -0.0, 5e-324)
    return odd[step % 5] if step % 3 == 0 else random.uniform(-1, 1) * 10.0 ** random.randint(-300, 300)


def other_rank(directory: RunDirectory, rank: int) -> int:
    with directory.log(rank).open("a") as log:
        while not directory.outcome.exists():
            log.write(f"rank {rank} waits at {time.monotonic()}\n")
            log.flush()
            time.sleep(0.02)
    return 0


def main(root: Path, processes: int, rank: int) -> int:
    spool.SEGMENT_BYTES = SEGMENT_BYTES  # type: ignore[misc]
    directory = RunDirectory(root)
    directory.pid(rank).write_text(str(os.getpid()))
    return other_rank(directory, rank) if rank else Rank(directory, processes).run()


def launch(root: str, processes: int) -> int:
    """fake_child's launcher, with our ranks."""
    popen = subprocess.Popen

    def ours(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        return popen([sys.executable, "-m", "tests.chaos.fake_training", root, str(processes), command[-1]], **options)

    fake_child.subprocess.Popen = ours  # type: ignore[attr-defined]
    return fake_child.launch(root, processes, "steps")


def command(_python: str, root: Path, processes: int, _attempt_id: str) -> list[str]:
    """In the place of children.torchrun."""
    return [sys.executable, "-m", "tests.chaos.fake_training", str(root), str(processes)]


if __name__ == "__main__":
    if len(sys.argv) == 3:
        sys.exit(launch(sys.argv[1], int(sys.argv[2])))
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
