"""A full disk under a real child of torchrun: it says so, goes on, and saves again when there is room; its history has no hole."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from services.trainer.rundir import Order, Outcome, RunDirectory
from services.trainer.saver import SPARE_BYTES
from services.trainer.soundness import verify
from shared.training_events import CheckpointFailed, CheckpointSaved, CommandApplied, StepCompleted
from tests.servers import wait_until
from tests.trainer.runs import events, run_directory, tiny_spec, torchrun

DISK_BYTES: Final = 96 << 20
SECONDS: Final = 60.0


class NotHere(Exception):
    """This machine does not let us have a small disk. Says why."""


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A tmpfs of its own. Raises NotHere."""
    folder.mkdir(parents=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "chaos", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotHere(f"full disk (no tmpfs: {done.stderr.strip() or 'mount failed'}; needs root)")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@dataclass
class FullDisk:
    """failed, saved: events of checkpoints. while_full: steps taken while there was no byte. wrong: what does not hold, in words."""

    failed: int = 0
    saved: int = 0
    steps: int = 0
    while_full: int = 0
    wrong: list[str] = field(default_factory=list)

    def run(self, scratch: Path) -> None:
        with small_disk(scratch / "disk") as disk:
            spec = tiny_spec(steps=1_000_000, checkpoint={"every": 25, "keep_last": 2})
            folder = run_directory(disk / "run", spec)
            with torchrun(folder) as launcher:
                try:
                    self._fill_and_free(folder, disk / "ballast")
                    with folder.commands.open("a") as file:
                        file.write(Order(command_id="cmd_stop", type="stop").model_dump_json() + "\n")
                    launcher.wait(SECONDS)
                except (TimeoutError, subprocess.TimeoutExpired) as error:
                    self.wrong.append(f"full disk: {error}; {folder.log(0).read_text()[-1000:]}")
                    return
            self._judge(folder)

    def _fill_and_free(self, folder: RunDirectory, ballast: Path) -> None:
        wait_until(lambda: count(folder, CheckpointSaved) >= 1, "a first checkpoint", SECONDS)
        fill(ballast, leave=SPARE_BYTES // 2)
        wait_until(lambda: count(folder, CheckpointFailed) >= 2, "events that checkpoints cannot be written", SECONDS)
        told = last_step(folder)
        wait_until(lambda: last_step(folder) > told + 50, "steps without room for checkpoints", SECONDS)
        fill(ballast, leave=0)
        told, rank = last_step(folder), psutil.Process(int(folder.pid(0).read_text()))
        worked = sum(rank.cpu_times()[:2])
        wait_until(lambda: sum(rank.cpu_times()[:2]) > worked + 1, "work without room for events", SECONDS)
        ballast.unlink()
        saved = count(folder, CheckpointSaved)
        wait_until(lambda: count(folder, CheckpointSaved) > saved, "a checkpoint once there is room", SECONDS)
        self.while_full = last_step(folder) - told

    def _judge(self, folder: RunDirectory) -> None:
        happened = events(folder)
        steps = [event.step for event in happened if isinstance(event, StepCompleted)]
        self.steps = len(steps)
        self.failed, self.saved = count(folder, CheckpointFailed), count(folder, CheckpointSaved)
        if steps != list(range(1, len(steps) + 1)):
            self.wrong.append("full disk: the history has holes or doubles")
        if not any(isinstance(event, CommandApplied) for event in happened):
            self.wrong.append("full disk: the order to stop was not applied")
        outcome = Outcome.model_validate_json(folder.outcome.read_bytes())
        newest = max(folder.checkpoints.iterdir())
        if (outcome.state, outcome.step, verify(newest).step) != ("stopped", len(steps), len(steps)):
            self.wrong.append(f"full disk: ended as {outcome.state} at step {outcome.step}, the newest checkpoint is {newest.name}")
        if torn := list(folder.checkpoints.glob("*.tmp")):
            self.wrong.append(f"full disk: {torn[0].name} is left")


def fill(ballast: Path, *, leave: int) -> None:
    """Until so many bytes are free."""
    disk = os.statvfs(ballast.parent)
    missing = disk.f_bavail * disk.f_frsize - leave
    with ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while missing > 0:
            missing -= file.write(b"\0" * min(missing, 1 << 16))
        while leave == 0:  # what was freed meanwhile, to the last page
            file.write(b"\0" * 4096)


def count(folder: RunDirectory, kind: type) -> int:
    return sum(isinstance(event, kind) for event in events(folder))


def last_step(folder: RunDirectory) -> int:
    return max((event.step for event in events(folder) if isinstance(event, StepCompleted)), default=0)
