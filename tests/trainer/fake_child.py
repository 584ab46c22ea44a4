"""Stands in for torchrun and the training child: `python -m tests.trainer.fake_child <run directory> <processes> <mode> [rank]`.

Modes: steps (40 steps of 10 ms, a checkpoint every 10), endless, crash (rank 0 raises at step 3), crowded (the
first checkpoint is written, for the second there is no room), deaf (endless, and deaf to SIGTERM), hanging (nothing more after step 5),
lingering (steps, but the process does not end with them), refusing (finds damage in the
checkpoint that it is to go on from), spoiling (the same, and the disk is at fault).
"""

import faulthandler
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from services.trainer.room import NO_ROOM
from services.trainer.rundir import AttemptOrder, Manifest, Order, Outcome, RunDirectory
from services.trainer.spool import SpoolWriter
from shared.internal import FileRef
from shared.training_events import CheckpointFailed, CommandApplied, StepCompleted, TrainingEnded, TrainingStarted


def launch(root: str, processes: int, mode: str) -> int:
    """What torchrun does and says when a rank fails, in small."""
    command = [sys.executable, "-m", "tests.trainer.fake_child", root, str(processes), mode]
    ranks = [subprocess.Popen([*command, str(rank)], start_new_session=True) for rank in range(processes)]
    while all(rank.poll() in {None, 0} for rank in ranks):
        if all(rank.poll() == 0 for rank in ranks):
            return 0
        time.sleep(0.05)
    first = next(index for index, rank in enumerate(ranks) if rank.poll() not in {None, 0})
    for rank in ranks:
        if rank.poll() is None:
            sys.stderr.write(f"Sending process {rank.pid} closing signal SIGTERM\n")
            sys.stderr.flush()
            rank.terminate()
    for rank in ranks:
        rank.wait(30)
    sys.stderr.write(f"failed (exitcode: {ranks[first].returncode}) local_rank: {first} (pid: {ranks[first].pid}) of binary: fake\n")
    return 1


class FakeRank:
    def __init__(self, directory: RunDirectory, mode: str, rank: int) -> None:
        self.directory, self.mode, self.rank, self.step = directory, mode, rank, 0
        self.order = AttemptOrder.model_validate_json(directory.order.read_bytes())
        self.log = directory.log(rank).open("a")
        self.terminated = False
        signal.signal(signal.SIGTERM, signal.SIG_IGN if mode == "deaf" else self._note)
        faulthandler.register(signal.SIGUSR1, file=self.log, all_threads=True)
        directory.pid(rank).write_text(str(os.getpid()))

    def _note(self, *_signal: object) -> None:
        self.terminated = True

    def run(self) -> int:
        if self.rank:
            while not self.terminated and not self.directory.outcome.exists():
                time.sleep(0.01)
            return 75 if self.terminated else 0
        if self.mode == "spoiling":
            (self.directory.restore / "model.safetensors").write_bytes(b"spoilt")
        if self.mode in {"refusing", "spoiling"}:
            return self._leave(Outcome(state="failed", step=0, tokens=0, reason="refused", summary={}, damage="model: expected 1, found 2"))
        order = self.order
        self.spool = SpoolWriter(self.directory.spool, run_id=order.run_id, attempt=order.attempt, fence=order.fence, producer="attempt")
        self.spool.emit(TrainingStarted(first_step=1, steps=40, world_size=2, device="cpu", precision="fp32", parameters=1))
        return self._steps()

    def _steps(self) -> int:
        while self.step < 40 or self.mode in {"endless", "deaf"}:
            self.step += 1
            self.spool.emit(StepCompleted(step=self.step, tokens=self.step * 8, metrics={"train/loss": 4 / self.step}))
            self._say(f"step {self.step}")
            if self.mode == "crash" and self.step == 3:
                self._say("ValueError: three is too many")
                return 1
            if self.mode == "crowded" and self.step == 20:
                self.spool.emit(CheckpointFailed(step=20, reason="[Errno 28] No space left on device"))
                return NO_ROOM
            if self.step % 10 == 0 and self.mode in {"steps", "lingering", "crowded"}:
                self._save()
            if self.terminated:
                self._save()
                return 75
            if order := self._order():
                self.spool.emit(CommandApplied(command_id=order.command_id, step=self.step, ranks=2))
                return self._end("stopped")
            while self.mode == "hanging" and self.step == 5:
                time.sleep(0.05)
            time.sleep(0.01)
        return self._end("succeeded")

    def _order(self) -> Order | None:
        lines = self.directory.commands.read_text().splitlines() if self.directory.commands.exists() else []
        return Order.model_validate_json(lines[0]) if lines else None

    def _save(self) -> None:
        final = self.directory.checkpoints / f"step_{self.step:08d}"
        torn = final.with_suffix(".tmp")
        torn.mkdir()
        weights = f"weights of step {self.step}".encode()
        (torn / "model.safetensors").write_bytes(weights)
        file = FileRef(name="model.safetensors", bytes=len(weights), sha256=hashlib.sha256(weights).hexdigest())
        metrics = {"train/loss": 1.0, "val/loss": float("nan")}
        manifest = Manifest(run_id=self.order.run_id, step=self.step, tokens=self.step * 8, metrics=metrics, files=[file])
        (torn / "manifest.json").write_text(manifest.model_dump_json())
        torn.rename(final)

    def _end(self, state: str) -> int:
        self.spool.emit(TrainingEnded.model_validate({"step": self.step, "outcome": state}))
        summary = {"val/loss": 1.5}
        return self._leave(Outcome.model_validate({"state": state, "step": self.step, "tokens": self.step * 8, "summary": summary}))

    def _leave(self, outcome: Outcome) -> int:
        torn = self.directory.root / "outcome.tmp"
        torn.write_text(outcome.model_dump_json())
        torn.rename(self.directory.outcome)
        while self.mode == "lingering":
            time.sleep(1)
        return 0

    def _say(self, line: str) -> None:
        self.log.write(f"{line}\n")
        self.log.flush()


if __name__ == "__main__":
    if len(sys.argv) == 4:
        sys.exit(launch(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
    sys.exit(FakeRank(RunDirectory(Path(sys.argv[1])), sys.argv[3], int(sys.argv[4])).run())
