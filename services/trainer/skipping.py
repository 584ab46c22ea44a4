"""Steps that are left out, so that one bad batch does not cost the run its weights. Decided on the device, by all ranks alike.

Left out means: parameters and optimiser state stay as they were, AdamW's own count of steps too. All else goes on: the step counts, its
batch is used up, the learning rate follows its schedule, random numbers are drawn. What fp16's scale is to blame for is left out in any
case and is no sign against the run (scaling.py).

A loss is a spike where it is more than `z` standard deviations above the mean of the losses before it, once half a window of them is
there. Every finite loss enters the window, that of a step left out too, so that a level that stays is soon taken for what it is. This is
OLMo's rule (https://github.com/allenai/OLMo-core, optim/skip_step_optimizer.py: 128 steps, 6 deviations); PaLM (Chowdhery et al. 2022,
arXiv:2204.02311, section 5.1) went back by hand and left out the batches around a spike.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import torch
from torch import Tensor, nn

from services.trainer.scaling import Scaling
from services.trainer.state import History
from services.trainer.world import World
from shared.failures import Failure, FailureKind
from shared.names import Metric
from shared.spec import SkipSpec
from shared.training_events import StepSkipped

Reason = Literal["non_finite", "grad_norm", "loss_spike", "overflow"]
_LARGEST: Final = torch.finfo(torch.float32).max


@dataclass(frozen=True)
class Judged:
    """Of one step, on the device; the same on every rank, though each has judged its own gradient.

    loss, norm: (). flags: (), how many ranks hold the gradient for too large or not finite. left_out: (), 1 or 0.
    """

    loss: Tensor
    norm: Tensor
    flags: Tensor
    left_out: Tensor


@dataclass(frozen=True)
class Taken:
    """One step as the host knows it. `skipped`: that it was left out, and why."""

    step: int
    loss: float
    grad_norm: float
    skipped: StepSkipped | None

    @property
    def numbers(self) -> str:
        return f"the loss is {self.loss} and its gradient's norm {self.grad_norm}"


class Skipping:
    """`history`: has the counts and the window, kept up to date here, so that a resumed run leaves out what an undisturbed one does."""

    def __init__(self, rule: SkipSpec, history: History, scaling: Scaling, world: World) -> None:
        self.rule, self.history, self.scaling, self.world = rule, history, scaling, world
        self.drops_non_finite = rule.non_finite or scaling.scaler.is_enabled()
        self.largest_norm = rule.grad_norm if rule.grad_norm is not None else _LARGEST if self.drops_non_finite else math.inf

    def judge(self, loss: Tensor, norm: Tensor) -> Judged:
        """loss: (), this rank's part. The all-reduce of the loss carries each rank's vote; nobody waits for the device here.

        The limits are numbers of the host, made of losses it knows since the steps before: every rank compares with the same bits.
        """
        too_large = ~(norm <= self.largest_norm) if self.drops_non_finite else norm > self.largest_norm
        total, flags = self.world.total(torch.stack((loss, too_large.to(loss.dtype)))).unbind()
        left_out = (flags > 0) | (total > self.largest_loss())
        if self.drops_non_finite:
            left_out |= ~torch.isfinite(total)
        return Judged(total, norm, flags, left_out.float())

    def largest_loss(self) -> float:
        """Beyond it the next step's loss is a spike."""
        losses = self.history.losses
        if self.rule.loss_spike is None or len(losses) < max(2, self.rule.window // 2):
            return math.inf
        return spike_limit(losses, self.rule.loss_spike)

    def enter(self, step: int, judged: Judged) -> Taken:
        """What came of it: the step's one wait for the device."""
        values = torch.stack((judged.loss, judged.norm, judged.flags, judged.left_out, self.scaling.scale())).tolist()
        loss, norm, flags, left_out, scale = values
        overflowed = self.scaling.overflowed(scale)
        reason = self._reason(loss, norm, flags, overflowed=overflowed) if left_out else None
        if reason != "overflow":
            self.history.skipped_in_row = self.history.skipped_in_row + 1 if reason else 0
        self.history.skipped_steps += reason is not None
        self._remember(loss)
        if reason is None:
            return Taken(step, loss, norm, None)
        in_row = self.history.skipped_in_row
        return Taken(step, loss, norm, StepSkipped(step=step, reason=reason, loss=loss, grad_norm=norm, consecutive=in_row))

    def _reason(self, loss: float, norm: float, flags: float, *, overflowed: bool) -> Reason | None:
        """None where what is not finite is to be left out by nobody's wish: that ends the run."""
        if not math.isfinite(loss + norm):
            if overflowed and math.isfinite(loss):
                return "overflow"
            return "non_finite" if self.rule.non_finite else None
        return "grad_norm" if flags else "loss_spike"

    def _remember(self, loss: float) -> None:
        if self.rule.loss_spike is not None and math.isfinite(loss):
            self.history.losses.append(loss)
            del self.history.losses[: -self.rule.window]

    def metrics(self) -> dict[str, float]:
        """Told from the first step that was left out; in fp16 always."""
        told = self.history.skipped_steps or self.scaling.scaler.is_enabled()
        return {Metric.SKIPPED_STEPS: self.history.skipped_steps} if told else {}

    def failure(self, taken: Taken, model: nn.Module) -> Failure | None:
        """Whether the run ends behind this step. Weights that are not finite give no finite loss any more; to wait would be in vain."""
        if taken.skipped is None:
            if math.isfinite(taken.loss + taken.grad_norm):
                return None
            return Failure.of(FailureKind.NOT_FINITE, f"at step {taken.step} {taken.numbers}")
        if taken.skipped.reason == "non_finite" and not self._weights_are_finite(model):
            return Failure.of(
                FailureKind.NOT_FINITE, f"at step {taken.step} {taken.numbers}; so are weights of the model no numbers any more"
            )
        if self.history.skipped_in_row <= self.rule.max_consecutive:
            return None
        told = f"{self.history.skipped_in_row} steps in a row were left out, more than train.skip.max_consecutive"
        return Failure.of(FailureKind.TOO_MANY_SKIPPED, f"{told}; of the last, step {taken.step} ({taken.skipped.reason}), {taken.numbers}")

    def _weights_are_finite(self, model: nn.Module) -> bool:
        bad = torch.stack([~torch.isfinite(parameter).all() for parameter in model.parameters()]).any()
        return not self.world.total(bad.float()).item()


def spike_limit(losses: Sequence[float], z: float) -> float:
    """Mean plus `z` sample standard deviations, in double precision."""
    mean = math.fsum(losses) / len(losses)
    return mean + z * math.sqrt(math.fsum((loss - mean) ** 2 for loss in losses) / (len(losses) - 1))
