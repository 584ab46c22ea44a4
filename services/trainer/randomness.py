"""The random number generators of a process: torch's on the host and on its GPU, Python's and numpy's."""

import random
import struct
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from services.trainer.container import Layout, layout
from services.trainer.parts import difference
from services.trainer.world import World


def seed_all(seed: int) -> None:
    torch.manual_seed(seed)  # the GPU's too
    random.seed(seed)
    np.random.seed(seed % 2**32)


class RandomPart:
    """Those of every rank, as `rank<k>/<generator>`."""

    def __init__(self, world: World) -> None:
        self.name, self.world = "rng", world

    def tensors(self) -> dict[str, Tensor]:
        mine = _states(self.world.device)
        return {f"rank{rank}/{name}": held for name, state in mine.items() for rank, held in enumerate(self.world.gather(state))}

    def misfit(self, found: Mapping[str, Layout]) -> str:
        """Ranks and generators may be missing: in another world, on another device or from an older format they keep their seed."""
        known = {name: layout(state) for name, state in _states(self.world.device).items()}
        here = {name: kind for name, kind in found.items() if name.partition("/")[2] in known}
        return difference({name: known[name.partition("/")[2]] for name in here}, here)

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        for name in _states(self.world.device):
            if (state := tensors.get(f"rank{self.world.rank}/{name}")) is not None:
                _restore(name, state.clone(), self.world.device)


def _states(device: torch.device) -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state(), "python": _python_state(), "numpy": _numpy_state()}
    return states | {"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else states


def _restore(name: str, state: Tensor, device: torch.device) -> None:
    match name:
        case "cpu":
            torch.set_rng_state(state)
        case "cuda":
            torch.cuda.set_rng_state(state, device)
        case "python":
            version, *words, has_gauss, gauss = state.tolist()
            random.setstate((version, tuple(words), _number(gauss) if has_gauss else None))
        case "numpy":
            *words, place, has_gauss, gauss = state.tolist()
            np.random.set_state(("MT19937", np.array(words, dtype=np.uint32), place, has_gauss, _number(gauss)))


def _python_state() -> Tensor:
    """Version, 625 words, whether a normal number is held back, and its bits: (628,) int64."""
    version, words, gauss = random.getstate()
    return torch.tensor([version, *words, gauss is not None, _bits(gauss or 0.0)], dtype=torch.int64)


def _numpy_state() -> Tensor:
    """624 words, the place among them, whether a normal number is held back, and its bits: (627,) int64."""
    state = np.random.get_state(legacy=True)
    _, words, place, has_gauss, gauss = state[0], state[1], state[2], state[3], state[4]  # type: ignore[index]
    return torch.tensor([*words.tolist(), place, has_gauss, _bits(gauss)], dtype=torch.int64)


def _bits(number: float) -> int:
    return int(struct.unpack("<q", struct.pack("<d", number))[0])


def _number(bits: int) -> float:
    return float(struct.unpack("<d", struct.pack("<q", bits))[0])
