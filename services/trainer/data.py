"""Token shards as one memory-mapped stream, and the batches that are cut from it.

A window is sequence_length + 1 tokens: inputs, and targets one further. Sample number n of a run is a function of (seed, n) alone; each
step takes the next batch_size of them, and rank r of w the r-th of w equal parts of those.
"""

import itertools
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from services.trainer.order import epoch_key, permute
from services.trainer.plan import Plan
from services.trainer.rundir import TokenFiles
from services.trainer.state import DataPosition
from services.trainer.world import World
from shared.errors import InvalidField
from shared.spec import RunSpec

Batch = tuple[Tensor, Tensor]
"""Inputs and targets, both (B, T) int64."""


class TokenStream:
    """The shards in `folder`, one behind the other. Raises InvalidField where they do not hold as many tokens as promised."""

    def __init__(self, folder: Path, files: TokenFiles) -> None:
        dtype = np.dtype(files.dtype).newbyteorder("<")
        self.shards = [np.memmap(folder / name, dtype=dtype, mode="r") for name in files.files]
        self.ends = np.cumsum([len(shard) for shard in self.shards])
        self.tokens = int(self.ends[-1]) if self.shards else 0
        if self.tokens != files.tokens:
            raise InvalidField("dataset", f"its shards hold {self.tokens} tokens, {files.tokens} were promised")

    def read(self, start: int, length: int) -> NDArray[np.int64]:
        pieces = []
        shard = int(np.searchsorted(self.ends, start, side="right"))
        while length:
            first = start - (int(self.ends[shard - 1]) if shard else 0)
            piece = self.shards[shard][first : first + length]
            pieces.append(piece)
            start, length, shard = start + len(piece), length - len(piece), shard + 1
        return np.concatenate(pieces).astype(np.int64)


class Windows:
    """How a stream is cut. The first 1 - holdout of the tokens are for training, the rest for validation.

    In each epoch the training windows start at another offset and come in another order, every one of them once.
    """

    def __init__(self, stream: TokenStream, spec: RunSpec) -> None:
        self.stream, self.seed, self.batch_size = stream, spec.train.seed, spec.train.batch_size
        self.length = spec.model.sequence_length
        self.training_tokens = int(stream.tokens * (1 - spec.train.evaluate.holdout))
        # One window less than would fit leaves room for a whole window's choice of offsets.
        self.per_epoch = (self.training_tokens - 1) // self.length - 1
        self.validation = (stream.tokens - self.training_tokens - 1) // self.length
        if self.per_epoch < self.batch_size or self.validation < 1:
            raise InvalidField("dataset", f"has {stream.tokens} tokens, too few for {self._needs()}")

    def training(self, first: int, last: int) -> NDArray[np.int64]:
        """The training samples first to last - 1, counted from the start of the run: (samples, T + 1)."""
        starts = [self._start(sample) for sample in _by_epoch(first, last, self.per_epoch)]
        return self._read(np.concatenate(starts))

    def held_out(self, first: int, last: int) -> NDArray[np.int64]:
        """The validation windows first to last - 1, in the order of the text: (windows, T + 1)."""
        return self._read(self.training_tokens + np.arange(first, last) * self.length)

    def _start(self, samples: range) -> NDArray[np.int64]:
        """Where samples of one epoch begin in the stream."""
        epoch, count = samples.start // self.per_epoch, self.per_epoch
        key = epoch_key(self.seed, epoch)
        places = permute(np.arange(samples.start, samples.stop, dtype=np.uint64) - np.uint64(epoch * count), count, key)
        return int(key[-1] % np.uint64(self.length)) + places.astype(np.int64) * self.length

    def _read(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.stack([self.stream.read(int(start), self.length + 1) for start in starts])

    def _needs(self) -> str:
        return f"one batch of {self.batch_size} windows of {self.length} tokens to train on and one window to validate on"


class TrainingBatches:
    """Called with a step, gives this rank's micro-batches of it, in order."""

    def __init__(self, windows: Windows, plan: Plan, world: World) -> None:
        self.windows, self.plan, self.world = windows, plan, world

    def __call__(self, step: int) -> list[Batch]:
        share, micro = self.plan.train.batch_size // self.world.size, self.plan.train.micro_batch_size
        first = self.plan.samples(step - 1) + self.world.rank * share
        tokens = self.windows.training(first, first + share)
        return [to_batch(part, self.world.device) for part in np.split(tokens, 1 if micro == "auto" else share // micro)]

    def position(self, step: int) -> DataPosition:
        """Of the sample that follows `step`."""
        epoch, index = divmod(self.plan.samples(step), self.windows.per_epoch)
        return DataPosition(epoch=epoch, index=index)


def to_batch(tokens: NDArray[np.int64], device: torch.device) -> Batch:
    """(B, T + 1) tokens as inputs and targets."""
    held = torch.from_numpy(tokens)
    if device.type == "cuda":
        held = held.pin_memory().to(device, non_blocking=True)
    return held[:, :-1], held[:, 1:]


def _by_epoch(first: int, last: int, per_epoch: int) -> list[range]:
    """The samples first to last - 1, cut where an epoch ends."""
    cuts = [first, *range((first // per_epoch + 1) * per_epoch, last, per_epoch), last]
    return [range(start, stop) for start, stop in itertools.pairwise(cuts)]
