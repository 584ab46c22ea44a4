"""Why a checkpoint is kept: the rules of its run's spec, pins, aliases, and attempts that may resume from it. No database here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.spec import CheckpointSpec


@dataclass(frozen=True)
class Hold:
    """One reason in plain words. `needed`: also a person cannot delete it while this holds."""

    reason: str
    needed: bool


class Saved(Protocol):
    """What the rules look at of a checkpoint. `usable`: nothing is wrong with it. `counts`: also where that is only suspected."""

    id: str
    step: int
    fence: int
    metrics: dict[str, float]
    pinned_by: str | None

    @property
    def usable(self) -> bool: ...

    @property
    def counts(self) -> bool: ...


@dataclass(frozen=True)
class Situation:
    """Of a run. `going`: it has not ended. `attempt`: number and fence of the current attempt while it is claimed and not yet running."""

    policy: CheckpointSpec
    going: bool
    attempt: tuple[int, int] | None


def holds(situation: Situation, checkpoints: Iterable[Saved], aliases: Mapping[str, Sequence[str]]) -> dict[str, list[Hold]]:
    """For each checkpoint of one run why it is kept; an empty list means that nothing keeps it. `aliases`: checkpoint id -> names.

    One that is suspected of damage counts as it did before, and those that would stand in for it count as if it were gone.
    """
    everything = list(checkpoints)
    found: dict[str, list[Hold]] = {checkpoint.id: [] for checkpoint in everything}
    for candidates in ([each for each in everything if each.counts], [each for each in everything if each.usable]):
        for checkpoint_id, hold in _by_policy(situation, newest_of_each_step(candidates)):
            if hold not in found[checkpoint_id]:
                found[checkpoint_id].append(hold)
    for checkpoint in everything:
        if checkpoint.pinned_by is not None:
            found[checkpoint.id].append(Hold(f"pinned by {checkpoint.pinned_by}", needed=True))
        found[checkpoint.id] += [Hold(f"alias {name}", needed=True) for name in aliases.get(checkpoint.id, ())]
        if situation.attempt and checkpoint.fence < situation.attempt[1]:  # it was there when the attempt was claimed, so it was offered
            found[checkpoint.id].append(Hold(f"attempt {situation.attempt[0]} may resume from it", needed=True))
    return found


def newest_of_each_step(checkpoints: Iterable[Saved]) -> list[Saved]:
    """Newest first. Where two attempts saved the same step, the later attempt's stands for it."""
    chosen: dict[int, Saved] = {}
    for checkpoint in sorted(checkpoints, key=lambda each: each.fence):
        chosen[checkpoint.step] = checkpoint
    return [chosen[step] for step in sorted(chosen, reverse=True)]


def _by_policy(situation: Situation, usable: Sequence[Saved]) -> Iterable[tuple[str, Hold]]:
    """A run that goes on may fall back to any of its last ones; of one that has ended a person may delete them."""
    policy = situation.policy
    for place, checkpoint in enumerate(usable[: policy.keep_last]):
        if place == 0:
            yield checkpoint.id, Hold("newest", needed=situation.going)
        if policy.keep_last > 1:
            yield checkpoint.id, Hold(f"one of the last {policy.keep_last}", needed=situation.going)
    for checkpoint in best(policy, usable)[: policy.keep_best]:
        which = "best" if policy.keep_best == 1 else f"one of the best {policy.keep_best} by"
        yield checkpoint.id, Hold(f"{which} {policy.best_metric} ({checkpoint.metrics[policy.best_metric]:.4g})", needed=False)
    if policy.keep_every is not None:
        for checkpoint in usable:
            if checkpoint.step % policy.keep_every == 0:
                yield checkpoint.id, Hold(f"every {policy.keep_every:,} steps", needed=False)


def best(policy: CheckpointSpec, usable: Sequence[Saved]) -> list[Saved]:
    """Those that have the metric, best first; of equal ones the newer."""
    sign = 1 if policy.best_mode == "min" else -1
    measured = [checkpoint for checkpoint in usable if policy.best_metric in checkpoint.metrics]
    return sorted(measured, key=lambda checkpoint: (sign * checkpoint.metrics[policy.best_metric], -checkpoint.step))
