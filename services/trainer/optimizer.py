"""AdamW and its learning rate."""

import math

import torch
from torch import nn

from shared.spec import OptimizerSpec, ScheduleSpec


def make_optimizer(model: nn.Module, spec: OptimizerSpec) -> torch.optim.AdamW:
    """Matrices decay, vectors do not. Fused: one kernel for all parameters, on the CPU as on a GPU."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [parameter for parameter in parameters if parameter.dim() >= 2], "weight_decay": spec.weight_decay, "decays": True},
        {"params": [parameter for parameter in parameters if parameter.dim() < 2], "weight_decay": 0.0, "decays": False},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=spec.lr, betas=spec.betas, fused=True)


def tune(optimizer: torch.optim.Optimizer, spec: OptimizerSpec) -> None:
    """Let it go on with these settings; the learning rate is set with every step."""
    for group in optimizer.param_groups:
        group["betas"] = spec.betas
        group["weight_decay"] = spec.weight_decay if group["decays"] else 0.0


def learning_rate(step: int, steps: int, peak: float, schedule: ScheduleSpec) -> float:
    """Of the given step (1 to `steps`): a straight line up over the warm-up, then the schedule's way down to its final share of `peak`."""
    if step <= schedule.warmup_steps:
        return peak * step / schedule.warmup_steps
    if schedule.name == "constant":
        return peak
    done = (step - schedule.warmup_steps) / max(1, steps - schedule.warmup_steps)
    share = (1 + math.cos(math.pi * done)) / 2
    return peak * (schedule.final_fraction + (1 - schedule.final_fraction) * share)
