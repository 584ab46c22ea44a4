"""Single flipped bits in committed checkpoints: each is found where it is read, nothing of it is loaded, and the one before is taken."""

import json
import logging
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import func, select

from services.api.checkpoint_models import Checkpoint
from services.trainer.soundness import DamagedCheckpoint
from shared.conversation import CheckpointRef
from shared.internal import FileRef
from tests.chaos.platform import Platform
from tests.chaos.worker import Listener, Worker
from tests.servers import wait_until

KINDS: Final = (
    "in the store, read by an agent",
    "in the store, read by storage",
    "in a local copy, taken by an agent",
    "in a local copy, read by a child",
)


@dataclass(frozen=True)
class Flip:
    """Of one bit. `where`: 0 up to 1, of the file."""

    number: int
    kind: str
    rng: random.Random

    def choose(self, checkpoint: CheckpointRef) -> tuple[FileRef, int, int]:
        """A file (each as likely as another), the byte in it, the bit."""
        file = self.rng.choice(checkpoint.files)
        return file, self.rng.randrange(file.bytes), 1 << self.rng.randrange(8)


@contextmanager
def flipped(path: Path, at: int, bit: int) -> Iterator[None]:
    """For as long as the block lasts."""
    _toggle(path, at, bit)
    try:
        yield
    finally:
        _toggle(path, at, bit)


def _toggle(path: Path, at: int, bit: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ bit]))


@dataclass
class Flips:
    """found, tried: by kind. wrong: what does not hold, in words."""

    platform: Platform
    history: Path
    tried: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def run(self, seed: int, numbers: list[int], tell: Callable[[str], None]) -> None:
        run_id = self._checkpoints()
        worker, said = Worker(self.platform), logging.getLogger("services.trainer.transfers")
        said.propagate = False  # thousands of lines about what is done here on purpose
        said.addHandler(logging.NullHandler())
        self.worker, claim = worker, worker.claim()
        self.newest, self.before = claim.checkpoints[:2]
        worker.restore()
        self.pristine = self.platform.folder / "pristine"
        shutil.copytree(worker.directory.restore, self.pristine)
        ways = dict(zip(KINDS, (self._agent_reads, self._storage_reads, self._agent_takes, self._child_reads), strict=True))
        for number in numbers:
            flip = Flip(number, KINDS[number % len(KINDS)], random.Random(f"{seed} flip {number}"))
            file, at, bit = flip.choose(self.newest)
            missed = ways[flip.kind](file, at, bit)
            self.tried[flip.kind] += 1
            self.found[flip.kind] += not missed
            self.wrong += [f"flip {number}, bit {bit:#04x} of byte {at} of {file.name} {flip.kind}: {missed}"] if missed else []
            self._note(flip, file, at, bit, missed)
            if self.tried.total() % 100 == 0:
                worker.stay()
                tell(f"{self.tried.total()} of {len(numbers)} flipped bits")
        worker.close()
        self.platform.person.post(f"/api/v1/runs/{run_id}/commands", json={"type": "stop"})

    def _checkpoints(self) -> str:
        """A run with three of them, which nobody trains any more."""
        run_id = self.platform.submit(keep_last=5)
        self.platform.restart("agent") if "agent" in self.platform.running else self.platform.start("agent")
        count = select(func.count()).select_from(Checkpoint).where(Checkpoint.run_id == run_id)

        def enough() -> bool:
            with self.platform.api_tables.reading() as session:
                return (session.scalar(count) or 0) >= 3

        wait_until(enough, f"{run_id} makes no checkpoints", 60)
        self.platform.kill("agent")
        return run_id

    def _agent_reads(self, file: FileRef, at: int, bit: int) -> str:
        """What is wrong; empty where all is as promised."""
        self.worker.forget_copies()
        with flipped(self._object(file), at, bit):
            restored = self.worker.restore()
            row = self._row()
        if restored is None or restored.id != self.before.id:
            return f"went on from {restored and restored.step}, not from the one before"
        if row.damaged_at is None or file.name not in row.damage:
            return f"is not marked in the api: {row.damage!r}"
        if not any(self.newest.id in line and "trying the one before" in line for line in self.worker.told):
            return f"the run was told {self.worker.told}"
        return self._misloaded(restored) or self._is_sound_again()

    def _storage_reads(self, file: FileRef, at: int, bit: int) -> str:
        with flipped(self._object(file), at, bit):
            self._verify()
            row = self._row()
        if row.usable or file.name not in row.damage:
            return f"is not marked in the api: {row.damage!r}"
        return self._is_sound_again()

    def _agent_takes(self, file: FileRef, at: int, bit: int) -> str:
        copy = self.worker.copy(self.pristine, self.newest.step)
        _toggle(copy / file.name, at, bit)
        listener = Listener()
        logging.getLogger("services.trainer.transfers").addHandler(listener)
        restored = self.worker.restore()
        logging.getLogger("services.trainer.transfers").removeHandler(listener)
        if not any(f"{copy / file.name} is damaged" in line for line in listener.lines):
            return f"was not noticed; the log says {listener.lines}"
        return self._is_newest(restored)

    def _child_reads(self, file: FileRef, at: int, bit: int) -> str:
        self.worker.copy(self.pristine, self.newest.step)
        restored = self.worker.restore()
        if mistake := self._is_newest(restored):
            return f"before it: {mistake}"
        _toggle(self.worker.directory.restore / file.name, at, bit)
        try:
            self.worker.load(self.newest)
        except DamagedCheckpoint as error:
            return self._is_newest(self.worker.restore(afresh=False)) if file.name in str(error) else f"blames another file: {error}"
        except Exception as error:  # noqa: BLE001  (told as what is wrong)
            return f"was not called damaged: {error!r}"
        return "was loaded"

    def _is_newest(self, restored: CheckpointRef | None) -> str:
        if restored is None or restored.id != self.newest.id:
            return f"went on from {restored and restored.step}, not from the newest"
        return self._misloaded(restored)

    def _misloaded(self, restored: CheckpointRef) -> str:
        wrong = self.worker.load(restored)
        return f"loaded other tensors: {wrong}" if wrong else ""

    def _is_sound_again(self) -> str:
        """Verified with its right bytes, it is usable again: else the next flip would be found for the last one's sake."""
        self._verify()
        return "" if self._row().usable else "stays damaged with its right bytes"

    def _verify(self) -> None:
        answer = self.platform.person.post(f"/api/v1/checkpoints/{self.newest.id}/verify")
        assert answer.status_code == 200, answer.text

    def _row(self) -> Checkpoint:
        with self.platform.api_tables.reading() as session:
            return session.get_one(Checkpoint, self.newest.id)

    def _object(self, file: FileRef) -> Path:
        """Where rclone keeps it."""
        return self.platform.s3.folder / "groundup" / "checkpoints" / self.newest.run_id / self.newest.id / file.name

    def _note(self, flip: Flip, file: FileRef, at: int, bit: int, missed: str) -> None:
        line = {"flip": flip.number, "where": flip.kind, "file": file.name, "byte": at, "bit": bit, "missed": missed}
        with self.history.open("a") as out:
            out.write(json.dumps(line) + "\n")
