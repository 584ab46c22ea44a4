"""The training loop. Everything it touches is handed in; no platform lives here."""

import math
import statistics
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from services.trainer.data import Batch
from services.trainer.plan import Plan
from services.trainer.rundir import Order, Outcome
from services.trainer.scaling import Scaling
from services.trainer.skipping import Skipping, Taken
from services.trainer.state import History
from services.trainer.steering import Asked, Interrupt, Interrupted, Steering
from services.trainer.stragglers import Stragglers
from services.trainer.world import World
from shared.commands import CommandType, JournalEntry
from shared.crash import crash_point
from shared.events import AnyEvent
from shared.failures import Failure
from shared.names import Metric
from shared.training_events import EvaluationCompleted, StepCompleted

State = Literal["succeeded", "stopped", "failed", "paused", "rolled_back"]


def train(
    plan: Plan,
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
    sample: Callable[[int, Sequence[str]], None],
    commands: Callable[[], Sequence[Order | Interrupt]],
    replay: Sequence[JournalEntry] = (),
) -> Outcome:
    """Take the steps behind `history` (they count from 1) to the plan's last and say how it ended; every rank calls it alike.

    batches: the micro-batches of a step on this rank. history: kept up to date here. snapshot, write: of all state, of history too; the
    first holds it and gives the seconds that took, the second brings it to the disk, which it waits for only when told to. sample: at a
    step, of these prompts or else the run's own. commands: what to do at this boundary of steps, the same on every rank; replay: what was
    changed at later ones before. Raises Interrupted after an Interrupt.
    """
    ledger, steering = Ledger(plan, history), Steering(plan, optimizer, history, commands, emit, world.size, list(replay))
    skipping, stragglers = Skipping(plan.train.skip, history, scaling, world), Stragglers(model, world)
    look = partial(ledger.look, evaluate, emit)
    # Where we start: an untrained model, or a checkpoint whose evaluation and sample may have been lost with the attempt before.
    if plan.due(history.step, plan.train.evaluate.every):
        look()
    if history.step and plan.due(history.step, plan.train.sample.every):
        sample(history.step, ())
    steering.begin()
    while (step := history.step + 1) <= plan.train.steps:
        started = stragglers.begin()
        rate = set_learning_rate(optimizer, plan.rate(step))
        micro_batches = batches(step)
        waited = time.perf_counter() - started

        crash_point("step.before_backward")
        loss = backward(model, micro_batches, world, scaling, 1 / plan.tokens_per_step)
        norm = scaling.clipped(optimizer, model, plan.train.optimizer.grad_clip or math.inf)
        crash_point("step.before_optimizer")
        judged = skipping.judge(loss, norm)
        scaling.step(optimizer, judged.left_out)
        optimizer.zero_grad()
        taken = skipping.enter(step, judged)  # the step's one wait for the device
        metrics = ledger.enter(taken, rate, time.perf_counter() - started, waited)
        metrics |= {**scaling.metrics(), **skipping.metrics(), **stragglers.metrics(step)}

        failure = skipping.failure(taken, model)
        asked = Asked() if failure else steering.look()
        if saving := not (failure or asked.goes_back) and (asked.saves or plan.due(step, plan.train.checkpoint.every)):
            metrics[Metric.CHECKPOINT_STALL_MS] = 1e3 * snapshot()
        emit(StepCompleted(step=step, tokens=plan.tokens(step), metrics=metrics))  # before its checkpoint can be seen
        if taken.skipped:
            emit(taken.skipped)
        if failure:
            return ledger.close("failed", failure.message, failure)
        if saving:
            write(asked.saves)  # before anything that could fail with less at stake
        steering.tell(asked)
        if end := asked.end():
            return ledger.close(*end)
        if asked.interrupted:
            raise Interrupted(step)
        if plan.due(step, plan.train.evaluate.every) or asked.find(CommandType.EVALUATE):
            look()
        for prompts in asked.samples(due=plan.due(step, plan.train.sample.every)):
            sample(step, prompts)
        if asked.holds and (end := steering.hold(look, partial(sample, step))):
            return ledger.close(*end)
    if ledger.looked != history.step:
        look()  # that this was the last step was decided behind it
    return ledger.close("succeeded")


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
    """What is remembered from step to step, for the summary at the end. `looked`: the step of the last evaluation."""

    plan: Plan
    history: History
    looked: int | None = None
    speeds: "array[float]" = field(default_factory=lambda: array("d"))

    def enter(self, taken: Taken, rate: float, seconds: float, waited: float) -> dict[str, float]:
        """One step's numbers, learning rate, duration and wait for data, as metrics."""
        self.history.step = taken.step
        if math.isfinite(taken.loss):
            self.history.known[Metric.TRAIN_LOSS] = taken.loss
        self.speeds.append(speed := self.plan.tokens_per_step / seconds)
        return {
            Metric.TRAIN_LOSS: taken.loss,
            Metric.LEARNING_RATE: rate,
            Metric.GRAD_NORM: taken.grad_norm,
            Metric.TOKENS_PER_SECOND: speed,
            Metric.STEP_MS: 1e3 * seconds,
            Metric.DATA_WAIT_MS: 1e3 * waited,
        }

    def look(self, evaluate: Callable[[], dict[str, float]], emit: Callable[[AnyEvent], None]) -> None:
        measured = evaluate()
        self.looked = self.history.step
        self.history.known.update(measured)
        emit(EvaluationCompleted(step=self.looked, tokens=self.plan.tokens(self.looked), metrics=measured))

    def close(self, state: State, reason: str = "", failure: Failure | None = None) -> Outcome:
        tokens = self.plan.tokens(self.history.step)
        summary = {**self.history.known, "tokens": tokens}
        if self.speeds:
            summary[Metric.TOKENS_PER_SECOND] = statistics.median(self.speeds)
        return Outcome(state=state, step=self.history.step, tokens=tokens, reason=reason, summary=summary, failure=failure)
