"""Which rank the others wait for: each one's own time in a step, compared now and then.

Own time is that from the step's begin until the last gradient of this rank is there: its data, its forward and backward passes, and none
of the waiting, which comes after. The model's first parameter gets its gradient last. On a GPU the time is the device's, read behind the
step's one wait for it. Nothing is sent but eight bytes a rank every `EVERY` steps, in host memory.
"""

import statistics
import time
from typing import Final

import torch
from torch import nn

from services.trainer.world import World
from shared.names import Metric

EVERY: Final = 20
"""Steps between two comparisons, which are of their mean."""


class Stragglers:
    """Every rank has one and calls it alike. A world of one has nobody to wait for."""

    def __init__(self, model: nn.Module, world: World) -> None:
        self.world, self.seconds = world, 0.0
        self.began = self.ready = 0.0
        self.events: tuple[torch.cuda.Event, torch.cuda.Event] | None = None
        if world.size > 1:
            next(model.parameters()).register_post_accumulate_grad_hook(self._note)  # type: ignore[no-untyped-call]
        if world.size > 1 and world.device.type == "cuda":
            self.events = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]

    def begin(self) -> float:
        """A step begins; its time (perf_counter)."""
        self.began = time.perf_counter()
        if self.events:
            self.events[0].record()
        return self.began

    def _note(self, _parameter: torch.Tensor) -> None:
        """Once for every micro-batch; the last one counts."""
        self.ready = time.perf_counter()
        if self.events:
            self.events[1].record()

    def metrics(self, step: int) -> dict[str, float]:
        """To be called behind the step's wait for the device. On rank 0, when it is time; else empty."""
        if self.world.size == 1:
            return {}
        self.seconds += self.events[0].elapsed_time(self.events[1]) / 1e3 if self.events else self.ready - self.began
        if step % EVERY:
            return {}
        own, self.seconds = torch.tensor([self.seconds], dtype=torch.float64), 0.0
        return compared([float(each) for each in self.world.gather(own)])


def compared(seconds: list[float]) -> dict[str, float]:
    """By rank. Of an even number the lower one of the two in the middle counts as median: two ranks are compared with each other."""
    if not seconds or not (usual := statistics.median_low(seconds)):
        return {}
    slowest = max(range(len(seconds)), key=seconds.__getitem__)
    return {Metric.STRAGGLER_RATIO: seconds[slowest] / usual, Metric.SLOWEST_RANK: slowest}
