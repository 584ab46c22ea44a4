"""The scale of the loss in fp16: gradients too small for the format are made large, and steps whose gradients overflow are left out."""

import torch
from torch import Tensor, nn

from services.trainer.state import ScalerState
from services.trainer.world import Precision
from shared.names import Metric


class Scaling:
    """Does nothing in other precisions. The scale is a power of two (torch.amp.GradScaler): halved by an overflow, doubled after 2,000
    steps without one. Gradients are the same on all ranks, so all decide alike.
    """

    def __init__(self, device: torch.device, precision: Precision) -> None:
        self.precision = precision
        self.scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")
        self.before = self.scaler.get_scale()
        self.one = torch.ones((), device=device)

    def scaled(self, loss: Tensor) -> Tensor:
        return self.scaler.scale(loss)

    def clipped(self, optimizer: torch.optim.Optimizer, model: nn.Module, limit: float) -> Tensor:
        """Bring the gradients back to their true size, and no norm above `limit`; the norm before that, ()."""
        self.scaler.unscale_(optimizer)
        return nn.utils.clip_grad_norm_(model.parameters(), limit)

    def step(self, optimizer: torch.optim.Optimizer, left_out: Tensor) -> None:
        """The optimiser's step, unless `left_out`, (), is 1: a fused one looks at that on the device, which is how GradScaler tells it of
        gradients that overflow, and changes nothing then.
        """
        optimizer.found_inf = left_out  # type: ignore[attr-defined]
        optimizer.step()
        del optimizer.found_inf  # type: ignore[attr-defined]
        self.scaler.update()

    def scale(self) -> Tensor:
        """(), still on the device: the host reads it together with the rest of the step. 1 in other precisions."""
        return self.scaler.scale(self.one)

    def overflowed(self, scale: float) -> bool:
        """Whether the step's gradients overflowed because the scale was too large: it is `scale` now. Below 1 they are themselves at fault.
        To be told of every step, since the scale also grows.
        """
        before, self.before = self.before, scale
        return 1 <= scale < before

    def metrics(self) -> dict[str, float]:
        return {Metric.LOSS_SCALE: self.before} if self.scaler.is_enabled() else {}

    def state(self) -> ScalerState | None:
        if not self.scaler.is_enabled():
            return None
        state = self.scaler.state_dict()
        return ScalerState(scale=state["scale"], growth_tracker=state["_growth_tracker"])

    def load(self, state: ScalerState | None) -> None:
        if state is not None and self.scaler.is_enabled():
            told = {"scale": state.scale, "_growth_tracker": state.growth_tracker}
            self.scaler.load_state_dict({**self.scaler.state_dict(), **told})
            self.before = state.scale
