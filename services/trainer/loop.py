"""The training loop. Everything it touches is handed in; no platform lives here."""

import math
import statistics
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from services.trainer.data import Batch
from services.trainer.optimizer import learning_rate
from services.trainer.rundir import Order, Outcome
from services.trainer.world import Precision, World, choose_precision
from shared.events import AnyEvent, CommandApplied, EvaluationCompleted, StepCompleted
from shared.names import Metric
from shared.spec import RunSpec, TrainSpec


@dataclass(frozen=True)
class Interrupt:
    """Comes instead of a command where the machine wants its processes back: save, and leave the rest to another attempt."""


class Interrupted(Exception):
    """The run was saved and left after `step`."""

    def __init__(self, step: int) -> None:
        super().__init__(f"interrupted after step {step}; its checkpoint is saved")
        self.step = step


def train(
    spec: RunSpec,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Callable[[int], list[Batch]],
    world: World,
    *,
    first_step: int,
    known: dict[str, float],
    emit: Callable[[AnyEvent], None],
    save: Callable[[int, dict[str, float]], None],
    evaluate: Callable[[], dict[str, float]],
    sample: Callable[[int], None],
    commands: Callable[[], Sequence[Order | Interrupt]],
) -> Outcome:
    """Take the steps from `first_step` (they count from 1) to the spec's last and say how it ended; every rank calls it alike.

    batches: the micro-batches of a step on this rank. known: the newest value of each metric, kept up to date here and given to `save`
    with the step. commands: what to do at this boundary of steps, the same on every rank. Raises Interrupted after an Interrupt.
    """
    plan, tokens_per_step = spec.train, spec.train.batch_size * spec.model.sequence_length
    precision, ledger = choose_precision(plan.precision, world.device), Ledger(tokens_per_step, known)

    def look(step: int) -> None:
        known.update(measured := evaluate())
        emit(EvaluationCompleted(step=step, tokens=step * tokens_per_step, metrics=measured))

    # Where we start: an untrained model, or a checkpoint whose evaluation may have been lost with the attempt before.
    if due(first_step - 1, plan.evaluate.every, plan):
        look(first_step - 1)

    for step in range(first_step, plan.steps + 1):
        started = time.perf_counter()
        rate = set_learning_rate(optimizer, learning_rate(step, plan.steps, plan.optimizer.lr, plan.schedule))
        micro_batches = batches(step)
        waited = time.perf_counter() - started

        loss = backward(model, micro_batches, world, precision, 1 / tokens_per_step)
        norm = nn.utils.clip_grad_norm_(model.parameters(), plan.optimizer.grad_clip or math.inf)
        optimizer.step()
        optimizer.zero_grad()

        mean_loss, grad_norm = torch.stack((world.total(loss), norm)).tolist()  # the step's one wait for the device
        metrics = ledger.enter(mean_loss, time.perf_counter() - started, waited)
        metrics |= {Metric.LEARNING_RATE: rate, Metric.GRAD_NORM: grad_norm}
        emit(StepCompleted(step=step, tokens=step * tokens_per_step, metrics=metrics))
        if not math.isfinite(mean_loss + grad_norm):
            return ledger.close("failed", step, f"at step {step} the loss is {mean_loss} and its gradient's norm {grad_norm}")

        asked = commands()
        if asked or due(step, plan.checkpoint.every, plan):
            save(step, known)  # before anything that could fail with less at stake
        orders = [order for order in asked if isinstance(order, Order)]
        for order in orders:
            emit(CommandApplied(command_id=order.command_id, step=step, ranks=world.size))
        if orders:
            return ledger.close("stopped", step, "asked to stop")
        if asked:
            raise Interrupted(step)
        if due(step, plan.evaluate.every, plan):
            look(step)
        if due(step, plan.sample.every, plan):
            sample(step)
    return ledger.close("succeeded", plan.steps)


def due(step: int, every: int, plan: TrainSpec) -> bool:
    return step % every == 0 or step == plan.steps


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> float:
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate


def backward(model: nn.Module, micro_batches: list[Batch], world: World, precision: Precision, weight: float) -> Tensor:
    """Leave the gradient of the sum, over all ranks, of each token's loss times `weight`; give this rank's part of that sum.

    A mean of micro-batch means would weigh tokens unequally where parts differ in size, hence the one weight for every token.
    """
    total = torch.zeros((), device=world.device)
    for inputs, targets in micro_batches:
        last = inputs is micro_batches[-1][0]
        with world.synchronised(model, last):
            with world.autocast(precision):
                logits = model(inputs)  # (B, T, V)
            loss = weight * F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="sum")
            torch.autograd.backward(loss * world.size)  # the world averages gradients; here the sum is wanted
        total += loss.detach()
    return total


@dataclass
class Ledger:
    """What is remembered from step to step, for the summary at the end."""

    tokens_per_step: int
    known: dict[str, float]
    speeds: "array[float]" = field(default_factory=lambda: array("d"))

    def enter(self, loss: float, seconds: float, waited: float) -> dict[str, float]:
        """One step's loss, duration and wait for data, as metrics."""
        self.known[Metric.TRAIN_LOSS] = loss
        self.speeds.append(speed := self.tokens_per_step / seconds)
        return {
            Metric.TRAIN_LOSS: loss,
            Metric.TOKENS_PER_SECOND: speed,
            Metric.STEP_MS: 1e3 * seconds,
            Metric.DATA_WAIT_MS: 1e3 * waited,
        }

    def close(self, state: Literal["succeeded", "stopped", "failed"], step: int, reason: str = "") -> Outcome:
        tokens = step * self.tokens_per_step
        summary = {**self.known, "tokens": tokens}
        if self.speeds:
            summary[Metric.TOKENS_PER_SECOND] = statistics.median(self.speeds)
        return Outcome(state=state, step=step, tokens=tokens, reason=reason, summary=summary)
