"""The loss on held-out text, as one number for the whole world."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

from services.trainer.data import Windows, to_batch
from services.trainer.model import GPT
from services.trainer.plan import Plan
from services.trainer.world import World, choose_precision
from shared.crash import crash_point
from shared.names import Metric


def make_evaluation(model: GPT, windows: Windows, token_bytes: list[int], plan: Plan, world: World) -> Callable[[], dict[str, float]]:
    """A function that measures the model as it is then; every rank calls it, and all get the same numbers.

    A batch is here what it was when the run was submitted, so that its losses can be compared.
    """
    bytes_of = torch.tensor(token_bytes, device=world.device)  # (V,)

    @torch.no_grad()
    def evaluate() -> dict[str, float]:
        sums = torch.zeros(4, dtype=torch.float64, device=world.device)  # loss, tokens, loss of text, bytes of text
        model.eval()
        for first, last in pieces(windows, plan, world):
            crash_point("evaluation")
            inputs, targets = to_batch(windows.held_out(first, last), world.device)
            with world.autocast(choose_precision(plan.train.precision, world.device)):
                logits = model(inputs)
            losses = F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="none").double()
            size = bytes_of[targets.flatten()]
            sums += torch.stack((losses.sum(), losses.new_tensor(losses.numel()), losses[size > 0].sum(), size.sum().double()))
        model.train()
        loss, tokens, text_loss, text_bytes = world.total(sums).tolist()
        measured: dict[str, float] = {Metric.VAL_LOSS: loss / tokens}
        if text_bytes:
            measured[Metric.VAL_BITS_PER_BYTE] = text_loss / (math.log(2) * text_bytes)
        return measured

    return evaluate


def pieces(windows: Windows, plan: Plan, world: World) -> list[tuple[int, int]]:
    """Each rank looks at its part in pieces that are surely small enough: those it trains with."""
    count = min(windows.validation, plan.train.evaluate.batches * plan.submitted.train.batch_size)
    mine = np.array_split(np.arange(count), world.size)[world.rank]
    micro = plan.spec.micro_batch_size
    return [(int(start), int(min(start + micro, mine[-1] + 1))) for start in mine[::micro]]
