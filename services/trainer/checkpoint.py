"""Checkpoints: all that a run needs to go on as if nothing had happened, as safetensors and JSON.

    model.safetensors        parameters by name
    optimizer.safetensors    AdamW's state, `<what>/<parameter name>`
    rng.safetensors          states of the random number generators, `rank<k>/<device>`
    state.json               State
    tokenizer.json
    manifest.json            written last: size and SHA-256 of each file above

A folder without its final name is a torn one. Nothing here unpickles.
"""

import hashlib
import os
import shutil
from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from services.trainer.model import GPT
from services.trainer.rundir import Manifest, Metrics, RunDirectory
from services.trainer.world import World
from shared.internal import FileRef, Message
from shared.spec import RunSpec

Trained = tuple[GPT, torch.optim.Optimizer]
MANIFEST: Final = "manifest.json"
_OPTIMIZER_STATE: Final = ("step", "exp_avg", "exp_avg_sq")


class DamagedCheckpoint(Exception):
    """Says which file, what was expected of it and what was found."""


class State(Message):
    """`metrics`: the newest value of each when it was saved."""

    step: int
    tokens: int
    metrics: Metrics
    spec: RunSpec
    vocab_size: int


def save(folder: RunDirectory, run_id: str, state: State, trained: Trained, world: World) -> Manifest | None:
    """Write `checkpoints/step_<n>`. Every rank calls it; rank 0 writes and gets the manifest; all go on when it is complete."""
    rng = gather_rng(world)
    manifest = None
    if world.rank == 0:
        final = folder.checkpoints / f"step_{state.step:08d}"
        torn = final.with_suffix(".tmp")
        shutil.rmtree(torn, ignore_errors=True)
        torn.mkdir(parents=True)
        try:
            _write(torn, state, trained, rng, folder.tokenizer)
            manifest = _seal(torn, run_id, state)
        except OSError:  # a full disk: leave it no fuller than it was
            shutil.rmtree(torn, ignore_errors=True)
            raise
        torn.rename(final)
        flush(final.parent)
    world.wait()
    return manifest


def _write(torn: Path, state: State, trained: Trained, rng: dict[str, Tensor], tokenizer: Path) -> None:
    model, optimizer = trained
    save_file(model.state_dict(), torn / "model.safetensors")
    save_file(optimizer_tensors(model, optimizer), torn / "optimizer.safetensors")
    save_file(rng, torn / "rng.safetensors")
    (torn / "state.json").write_text(state.model_dump_json(indent=2))
    shutil.copyfile(tokenizer, torn / "tokenizer.json")


def _seal(torn: Path, run_id: str, state: State) -> Manifest:
    """Add the manifest and wait for the disk."""
    files = [describe(path) for path in sorted(torn.iterdir())]
    manifest = Manifest(run_id=run_id, step=state.step, tokens=state.tokens, metrics=state.metrics, files=files)
    (torn / MANIFEST).write_text(manifest.model_dump_json(indent=2))
    for path in (*torn.iterdir(), torn):
        flush(path)
    return manifest


def verify(folder: Path) -> Manifest:
    """Compare every file with the manifest. Raises DamagedCheckpoint."""
    path = folder / MANIFEST
    if not path.is_file():
        raise DamagedCheckpoint(f"{path}: expected the manifest, found no such file; the checkpoint was not written to its end")
    try:
        manifest = Manifest.model_validate_json(path.read_bytes())
    except ValueError as error:
        raise DamagedCheckpoint(f"{path}: expected a manifest, found {error}") from error
    for expected in manifest.files:
        if not (folder / expected.name).is_file():
            raise DamagedCheckpoint(f"{folder / expected.name}: expected {expected.bytes} bytes, found no such file")
        found = describe(folder / expected.name)
        if found != expected:
            raise DamagedCheckpoint(
                f"{folder / expected.name}: expected {expected.bytes} bytes with SHA-256 {expected.sha256}, "
                f"found {found.bytes} bytes with {found.sha256}"
            )
    return manifest


def load_model(folder: Path) -> tuple[GPT, RunSpec]:
    """The model in a checkpoint, in evaluation mode on the CPU, and the spec it was trained by. Raises DamagedCheckpoint."""
    verify(folder)
    state = read_state(folder)
    model = GPT(state.spec.model, state.vocab_size)
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return model.eval(), state.spec


def restore(folder: Path, model: GPT, optimizer: torch.optim.Optimizer, world: World) -> State:
    """Put model, optimizer and this rank's random numbers back to where they were. Raises DamagedCheckpoint.

    In a larger world than the checkpoint's, the ranks it has no random numbers for keep those of their seed.
    """
    verify(folder)
    model.load_state_dict(load_file(folder / "model.safetensors"))
    tensors = load_file(folder / "optimizer.safetensors", device=str(world.device))
    for name, parameter in model.named_parameters():
        # Fused AdamW wants its step counter on the parameter's device, as it made it.
        optimizer.state[parameter] = {key: tensors[f"{key}/{name}"].clone() for key in _OPTIMIZER_STATE}
    restore_rng(load_file(folder / "rng.safetensors"), world)
    return read_state(folder)


def read_state(folder: Path) -> State:
    return State.model_validate_json((folder / "state.json").read_bytes())


def optimizer_tensors(model: GPT, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    return {f"{key}/{name}": optimizer.state[parameter][key] for name, parameter in model.named_parameters() for key in _OPTIMIZER_STATE}


def gather_rng(world: World) -> dict[str, Tensor]:
    """The random number generators of all ranks, on rank 0; elsewhere empty."""
    states = {"cpu": torch.get_rng_state()}
    if world.device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(world.device)
    return {f"rank{rank}/{device}": held for device, mine in states.items() for rank, held in enumerate(world.gather(mine))}


def restore_rng(states: dict[str, Tensor], world: World) -> None:
    if (state := states.get(f"rank{world.rank}/cpu")) is not None:
        torch.set_rng_state(state)
    if world.device.type == "cuda" and (state := states.get(f"rank{world.rank}/cuda")) is not None:
        torch.cuda.set_rng_state(state, world.device)


def describe(path: Path) -> FileRef:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileRef(name=path.name, bytes=path.stat().st_size, sha256=digest)


def flush(path: Path) -> None:
    """To the disk, so that the name that comes later never stands for less than it says."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
