"""Checkpoints, read: all that a run needs to go on as if nothing had happened, as safetensors and JSON. Nothing here unpickles.

    model.safetensors        parameters by name
    optimizer.safetensors    AdamW's state, `<what>/<parameter name>`
    rng.safetensors          states of the random number generators, `rank<k>/<generator>`
    state.json               state.State
    tokenizer.json
    manifest.json            written last: the format, and size and SHA-256 of each file above

A part of more than 1 GiB is several files, `model-00001-of-00003.safetensors`. A folder without its final name is a torn one. saver.py
writes them; docs/checkpoints.md tells the rest.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from services.trainer.container import PartFiles
from services.trainer.model import GPT
from services.trainer.parts import ModelPart, Part
from services.trainer.soundness import DamagedCheckpoint, UnfitCheckpoint, read_manifest, verify
from services.trainer.state import State
from services.trainer.world import World
from shared.internal import FileRef
from shared.spec import RunSpec


def load_model(folder: Path) -> tuple[GPT, RunSpec]:
    """The model in a checkpoint, in evaluation mode on the CPU, and its spec. Raises DamagedCheckpoint, UnfitCheckpoint."""
    verify(folder)
    state = read_state(folder)
    model = GPT(state.spec.model, state.vocab_size)
    load(folder, [ModelPart(model)])
    return model.eval(), state.spec


def restore(
    folder: Path,
    parts: Sequence[Part],
    world: World,
    misfit: Callable[[State], str] = lambda _state: "",
    committed: Sequence[FileRef] = (),
) -> State:
    """Put all parts back to where they were, or none of them: everything is verified before the first is touched.

    committed: what the files were when they became a checkpoint; without, the manifest is believed, which no other file vouches for.
    Every rank calls it, and all raise where one does: DamagedCheckpoint, or UnfitCheckpoint where a part or `misfit`, which looks at the
    state, expects something else. In a larger world than the checkpoint's, the ranks it has no random numbers for keep their seed's.
    """
    failure: DamagedCheckpoint | UnfitCheckpoint | None = None
    try:
        if world.rank == 0:
            verify(folder, committed)
        state = read_state(folder)
        if mistake := misfit(state):
            raise UnfitCheckpoint(f"{folder / 'state.json'}: {mistake}")
        check(folder, parts)
    except (DamagedCheckpoint, UnfitCheckpoint) as error:
        failure = error
    kinds = torch.tensor([isinstance(failure, DamagedCheckpoint), isinstance(failure, UnfitCheckpoint)])
    damaged, unfit = world.total(kinds.int()).tolist()
    if failure:
        raise failure
    if damaged or unfit:
        raise (DamagedCheckpoint if damaged else UnfitCheckpoint)(f"{folder}: refused by another rank, whose log says why")
    load(folder, parts)
    return state


def check(folder: Path, parts: Sequence[Part]) -> None:
    """Compare names, types and shapes of all tensors with what the parts expect; no tensor is read."""
    names = [file.name for file in read_manifest(folder).files]
    for part in parts:
        if mistake := part.misfit(PartFiles(folder, part.name, names).layouts()):
            raise UnfitCheckpoint(f"{folder}: {part.name}: {mistake}", remedy="use a checkpoint of a run of the same shape")


def load(folder: Path, parts: Sequence[Part]) -> None:
    names = [file.name for file in read_manifest(folder).files]
    check(folder, parts)
    found = [(part, PartFiles(folder, part.name, names).tensors()) for part in parts]
    for part, tensors in found:
        part.load(tensors)


def read_state(folder: Path) -> State:
    """Of this format or an older one. Raises DamagedCheckpoint."""
    path = folder / "state.json"
    try:
        return State.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DamagedCheckpoint(f"{path}: expected the run's state, found {error}") from error
