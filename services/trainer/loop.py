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
from services.trainer.scaling import Scaling
from services.trainer.state import History
from services.trainer.world import World
from shared.crash import crash_point
from shared.events import AnyEvent
from shared.names import Metric
from shared.spec import RunSpec, TrainSpec
from shared.training_events import CommandApplied, EvaluationCompleted, StepCompleted


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
    history: History,
    scaling: Scaling,
    emit: Callable[[AnyEvent], None],
    snapshot: Callable[[], float],
    write: Callable[[bool], None],
    evaluate: Callable[[], dict[str, float]],
    sample: Callable[[int], None],
    commands: Callable[[], Sequence[Order | Interrupt]],
) -> Outcome:
    """Take the steps behind `history` (they count from 1) to the spec's last and say how it ended; every rank calls it alike.

    batches: the micro-batches of a step on this rank. history: kept up to date here. snapshot, write: of all state, of history too; the
    first holds it and gives the seconds that took, the second brings it to the disk, which it waits for only when told to. commands: what
    to do at this boundary of steps, the same on every rank. Raises Interrupted after an Interrupt.
    """
    plan, tokens_per_step = spec.train, spec.train.batch_size * spec.model.sequence_length
    ledger = Ledger(tokens_per_step, history)

    def look(step: int) -> None:
        history.known.update(measured := evaluate())
        emit(EvaluationCompleted(step=step, tokens=step * tokens_per_step, metrics=measured))

    # Where we start: an untrained model, or a checkpoint whose evaluation and sample may have been lost with the attempt before.
    if due(history.step, plan.evaluate.every, plan):
        look(history.step)
    if history.step and due(history.step, plan.sample.every, plan):
        sample(history.step)
    for step in range(history.step + 1, plan.steps + 1):
        started = time.perf_counter()
        rate = set_learning_rate(optimizer, learning_rate(step, plan.steps, plan.optimizer.lr, plan.schedule))
        micro_batches = batches(step)
        waited = time.perf_counter() - started

        crash_point("step.before_backward")
        loss = backward(model, micro_batches, world, scaling, 1 / tokens_per_step)
        norm = scaling.clipped(optimizer, model, plan.optimizer.grad_clip or math.inf)
        crash_point("step.before_optimizer")
        scaling.step(optimizer)
        optimizer.zero_grad()

        mean_loss, grad_norm = torch.stack((world.total(loss), norm)).tolist()  # the step's one wait for the device
        metrics = ledger.enter(step, mean_loss, time.perf_counter() - started, waited)
        history.skipped_steps += (skipped := scaling.skipped())
        metrics |= {Metric.LEARNING_RATE: rate, Metric.GRAD_NORM: grad_norm, **scaling.metrics(history.skipped_steps)}
        sound = math.isfinite(mean_loss if skipped else mean_loss + grad_norm)

        asked = commands() if sound else []
        orders = [order for order in asked if isinstance(order, Order)]
        for order in orders:
            history.enter(order)
        if saving := sound and (bool(asked) or due(step, plan.checkpoint.every, plan)):
            metrics[Metric.CHECKPOINT_STALL_MS] = 1e3 * snapshot()
        emit(StepCompleted(step=step, tokens=step * tokens_per_step, metrics=metrics))  # before its checkpoint can be seen
        if not sound:
            return ledger.close("failed", f"at step {step} the loss is {mean_loss} and its gradient's norm {grad_norm}")
        if saving:
            write(bool(asked))  # before anything that could fail with less at stake
        for order in orders:
            emit(CommandApplied(command_id=order.command_id, step=step, ranks=world.size))
        if orders:
            return ledger.close("stopped", "asked to stop")
        if asked:
            raise Interrupted(step)
        if due(step, plan.evaluate.every, plan):
            look(step)
        if due(step, plan.sample.every, plan):
            sample(step)
    return ledger.close("succeeded")


def due(step: int, every: int, plan: TrainSpec) -> bool:
    return step % every == 0 or step == plan.steps


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> float:
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate


def backward(model: nn.Module, micro_batches: list[Batch], world: World, scaling: Scaling, weight: float) -> Tensor:
    """Leave the gradient of the sum, over all ranks, of each token's loss times `weight`; give this rank's part of that sum.

    A mean of micro-batch means would weigh tokens unequally where parts differ in size, hence the one weight for every token.
    """
    total = torch.zeros((), device=world.device)
    for inputs, targets in micro_batches:
        last = inputs is micro_batches[-1][0]
        with world.synchronised(model, last):
            with world.autocast(scaling.precision):
                logits = model(inputs)  # (B, T, V)
            loss = weight * F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="sum")
            torch.autograd.backward(scaling.scaled(loss * world.size))  # the world averages gradients; here the sum is wanted
        total += loss.detach()
    return total


@dataclass
class Ledger:
    """What is remembered from step to step, for the summary at the end."""

    tokens_per_step: int
    history: History
    speeds: "array[float]" = field(default_factory=lambda: array("d"))

    def enter(self, step: int, loss: float, seconds: float, waited: float) -> dict[str, float]:
        """One step's loss, duration and wait for data, as metrics."""
        self.history.step = step
        self.history.known[Metric.TRAIN_LOSS] = loss
        self.speeds.append(speed := self.tokens_per_step / seconds)
        return {
            Metric.TRAIN_LOSS: loss,
            Metric.TOKENS_PER_SECOND: speed,
            Metric.STEP_MS: 1e3 * seconds,
            Metric.DATA_WAIT_MS: 1e3 * waited,
        }

    def close(self, state: Literal["succeeded", "stopped", "failed"], reason: str = "") -> Outcome:
        tokens = self.history.step * self.tokens_per_step
        summary = {**self.history.known, "tokens": tokens}
        if self.speeds:
            summary[Metric.TOKENS_PER_SECOND] = statistics.median(self.speeds)
        return Outcome(state=state, step=self.history.step, tokens=tokens, reason=reason, summary=summary)
