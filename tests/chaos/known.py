"""A training whose checkpoints hold tensors that are a known function of run and step, so that a restore can be compared bit for bit.

Everything else is the product's own child: its loop, its saver, its restore.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from services.trainer import main_child
from services.trainer.container import Layout, layout
from services.trainer.parts import difference
from services.trainer.state import History

SHAPES: Final[dict[str, dict[str, tuple[torch.dtype, tuple[int, ...]]]]] = {
    "model": {"embedding": (torch.float32, (96, 32)), "head": (torch.bfloat16, (32, 96)), "norm": (torch.float32, (32,))},
    "optimizer": {"exp_avg/embedding": (torch.float32, (96, 32)), "step/embedding": (torch.float32, ())},
    "rng": {"rank0/cpu": (torch.uint8, (512,))},
}
SHARD_BYTES: Final = 8 << 10
"""So that the model is several files."""
VERDICTS: Final = "verdicts.jsonl"


def known_tensors(part: str, run_id: str, step: int) -> dict[str, Tensor]:
    seed = int.from_bytes(hashlib.sha256(f"{part} {run_id} {step}".encode()).digest()[:7], "big")
    rng = torch.Generator().manual_seed(seed)
    made = {}
    for name, (dtype, shape) in SHAPES[part].items():
        if dtype == torch.uint8:
            made[name] = torch.randint(0, 256, shape, generator=rng, dtype=dtype)
        else:
            made[name] = torch.randn(shape, generator=rng).to(dtype)
    return made


class KnownPart:
    """`step`: where the run is. `loaded`: what a restore gave it."""

    def __init__(self, name: str, run_id: str, step: Callable[[], int]) -> None:
        self.name, self.run_id, self.step = name, run_id, step
        self.loaded: dict[str, Tensor] = {}

    def tensors(self) -> dict[str, Tensor]:
        return known_tensors(self.name, self.run_id, self.step())

    def misfit(self, found: Mapping[str, Layout]) -> str:
        return difference({name: layout(tensor) for name, tensor in known_tensors(self.name, self.run_id, 0).items()}, found)

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        self.loaded = {name: tensor.clone() for name, tensor in tensors.items()}

    def wrong(self, step: int) -> list[str]:
        """Names of tensors that are not what they were at that step."""
        expected = known_tensors(self.name, self.run_id, step)
        names = sorted({*expected, *self.loaded})
        return [f"{self.name}: {name}" for name in names if not _same(expected.get(name), self.loaded.get(name))]


def known_parts(run_id: str, step: Callable[[], int]) -> list[KnownPart]:
    return [KnownPart(name, run_id, step) for name in SHAPES]


def _same(expected: Tensor | None, found: Tensor | None) -> bool:
    return expected is not None and found is not None and expected.dtype == found.dtype and torch.equal(expected, found)


class KnownAttempt(main_child.Attempt):
    """Tells in VERDICTS what it went on from, before it takes a step."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        if not self.folder.restore.is_dir():
            self._become_known()
            self._tell(restored=None)
        self.saver.shard_bytes = SHARD_BYTES

    def restore(self) -> History:
        known = self._become_known()
        history = super().restore()
        wrong = [name for part in known for name in part.wrong(history.step)]
        manifest = hashlib.sha256((self.folder.restore / "manifest.json").read_bytes()).hexdigest()
        self._tell(restored=history.step, manifest=manifest, wrong=wrong)
        return history

    def _become_known(self) -> list[KnownPart]:
        parts = known_parts(self.order.run_id, lambda: self.history.step)
        self.parts[:] = parts
        return parts

    def _tell(self, **found: Any) -> None:
        """One write, whole whenever this process is killed."""
        verdict = {"run": self.order.run_id, "attempt": self.order.attempt, "fence": self.order.fence, **found}
        handle = os.open(Path(os.environ["CHAOS_FOLDER"]) / VERDICTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(handle, json.dumps(verdict).encode() + b"\n")
        os.close(handle)
