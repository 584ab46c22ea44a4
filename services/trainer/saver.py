"""Checkpoints, written: a copy of all state at a step boundary, which is all that training waits for, and the rest in a thread.

    checkpoints/step_<n>.tmp/   tensors, state, tokenizer, each hashed on the way and flushed to the disk; then the manifest
    checkpoints/step_<n>/       the same folder, renamed when it is whole

At most one is being written: the next snapshot waits for it, since it needs the same room in memory.
"""

import errno
import logging
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Final

import torch
from torch import Tensor

from services.trainer.container import SHARD_BYTES, layout, split, write_bytes, write_tensors
from services.trainer.parts import Part
from services.trainer.rundir import Manifest, RunDirectory
from services.trainer.soundness import MANIFEST, flush
from services.trainer.state import State
from services.trainer.world import World
from shared.crash import crash_point
from shared.events import AnyEvent
from shared.internal import FileRef
from shared.training_events import CheckpointFailed, CheckpointSaved

log = logging.getLogger(__name__)
SPARE_BYTES: Final = 32 << 20
"""What a checkpoint leaves free, so that the run can still tell its events."""

SETTLE_SECONDS: Final = 1.0
"""Before the last checkpoint is tried once more: what the agent gets to remove copies that have arrived."""


@dataclass
class Room:
    """Host memory for a copy of a part's tensors, made once and used again; pinned where they come from a GPU, which is then faster."""

    copies: dict[str, Tensor] = field(default_factory=dict)

    def hold(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        for name in self.copies.keys() - tensors.keys():
            del self.copies[name]
        for name, tensor in tensors.items():
            known = self.copies.get(name)
            if known is None or layout(known) != layout(tensor):
                self.copies[name] = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=tensor.is_cuda)
            self.copies[name].copy_(tensor, non_blocking=True)
        return self.copies


@dataclass(frozen=True)
class Snapshot:
    """A run at one step boundary, in host memory. `stall`: seconds that training stood still for it; `taken`: when (perf_counter)."""

    state: State
    tensors: Mapping[str, Mapping[str, Tensor]]
    stall: float
    taken: float


class Saver:
    """Of a run directory. Every rank has one and calls it alike; rank 0's writes, tells `emit` of it, and is the one that may fail."""

    def __init__(
        self,
        folder: RunDirectory,
        run_id: str,
        parts: Sequence[Part],
        world: World,
        *,
        emit: Callable[[AnyEvent], None],
        shard_bytes: int = SHARD_BYTES,
    ) -> None:
        self.folder, self.run_id, self.parts, self.world, self.emit, self.shard_bytes = folder, run_id, parts, world, emit, shard_bytes
        self.rooms = {part.name: Room() for part in parts}
        self.held: Snapshot | None = None
        self.thread: Thread | None = None
        self.failure: Exception | None = None

    def snapshot(self, state: State) -> float:
        """Copy everything; how many seconds that took, the wait for the checkpoint before it included."""
        begin = time.perf_counter()
        self._join()
        tensors = {part.name: part.tensors() for part in self.parts}  # on every rank: random numbers are gathered
        if self.world.rank == 0:
            held = {name: self.rooms[name].hold(part) for name, part in tensors.items()}
            if self.world.device.type == "cuda":
                torch.cuda.current_stream().synchronize()
            now = time.perf_counter()
            self.held = Snapshot(state, held, now - begin, now)
        crash_point("checkpoint.after_snapshot")
        return time.perf_counter() - begin

    def write(self, wait: bool) -> None:
        """Write the snapshot, in the background or, to `wait`, in this call. Raises OSError and the like then only."""
        self.failure = None
        if self.held is not None:
            self.thread = Thread(target=self._write, args=(self.held,), name="checkpoint", daemon=True)
            self.thread.start()
        if wait:
            self._finish()

    def settle(self, *, needed: bool) -> None:
        """Before the process leaves. Where the last checkpoint is `needed` and failed, it is tried once more; raises where that does."""
        self._join()
        if needed and self.failure:
            time.sleep(SETTLE_SECONDS)
            self.write(wait=True)
        elif needed:
            self._finish()

    def _finish(self) -> None:
        """All ranks go on together."""
        self._join()
        if self.failure:
            raise self.failure
        self.world.wait()

    def _join(self) -> None:
        if self.thread is not None:
            self.thread.join()
            self.thread = None

    def _write(self, held: Snapshot) -> None:
        final = self.folder.checkpoints / f"step_{held.state.step:08d}"
        torn = final.with_suffix(".tmp")
        try:
            shutil.rmtree(torn, ignore_errors=True)
            torn.mkdir(parents=True)
            manifest = self._fill(torn, held)
            crash_point("checkpoint.before_rename")
            torn.rename(final)
            crash_point("checkpoint.after_rename")
        except Exception as error:  # told, and raised where somebody waits for it
            bug = None if isinstance(error, OSError) else error
            log.error("the checkpoint of step %d could not be written: %s", held.state.step, error, exc_info=bug)
            self.failure = error
            shutil.rmtree(torn, ignore_errors=True)  # a full disk: leave it no fuller than it was
            self.emit(CheckpointFailed(step=held.state.step, reason=str(error)))
            return
        self._keep_name(final)
        seconds = held.stall + time.perf_counter() - held.taken
        size = sum(file.bytes for file in manifest.files)
        self.emit(CheckpointSaved(step=held.state.step, bytes=size, seconds=seconds, stall_seconds=held.stall))

    def _keep_name(self, final: Path) -> None:
        """It can be seen already and may be on its way to the store; that its name might not outlive a power cut makes it no failure."""
        try:
            flush(final.parent)
        except OSError as error:
            log.warning("%s is whole, but its name could not be flushed: %s", final, error)

    def _fill(self, torn: Path, held: Snapshot) -> Manifest:
        shards = {name: shard for part in held.tensors for name, shard in split(part, held.tensors[part], self.shard_bytes).items()}
        check_room(torn, sum(tensor.nbytes for shard in shards.values() for tensor in shard.values()))
        files: list[FileRef] = []
        for name, shard in shards.items():
            files.append(write_tensors(torn / name, shard))
            crash_point("checkpoint.between_shards")
        files.append(write_bytes(torn / "state.json", held.state.model_dump_json(indent=2).encode()))
        files.append(write_bytes(torn / "tokenizer.json", self.folder.tokenizer.read_bytes()))
        crash_point("checkpoint.before_manifest")
        state = held.state
        manifest = Manifest(run_id=self.run_id, step=state.step, tokens=state.tokens, metrics=state.measured, files=files)
        write_bytes(torn / MANIFEST, manifest.model_dump_json(indent=2).encode())
        flush(torn)
        return manifest


def check_room(folder: Path, needed: int) -> None:
    """Raises OSError where a checkpoint would fill the disk."""
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE_BYTES:
        told = f"needs {needed / 1e6:.0f} MB and {SPARE_BYTES / 1e6:.0f} MB to spare, {free / 1e6:.0f} MB are free in {folder.parent}"
        raise OSError(errno.ENOSPC, f"no room for a checkpoint: it {told}; free some")
