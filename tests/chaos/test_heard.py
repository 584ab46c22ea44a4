"""The checker of what clients were told refuses what may not be: good logs, and each of their mutations."""

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.chaos.heard import Kept, mistakes
from tests.chaos.listening import Heard


def told(epoch: str, seq: int, number: int, *, step: int = 0) -> Heard:
    about = ("StepCompleted", 1, step) if step else ("CheckpointSaved", 1, 0)
    return Heard("event", epoch, seq, "attempt-1", number, about)


@dataclass
class World:
    log: list[Heard]
    logged: dict[int, list[int]]
    kept: Kept

    def mistakes(self) -> list[str]:
        return mistakes({"client 1": self.log}, self.logged, self.kept)


def good() -> World:
    """Ten events, every fifth a checkpoint; a lost connection; a Redis that forgot and is told the last three again."""
    one = [told("e1", number, number, step=0 if number % 5 == 0 else number) for number in range(3, 9)]
    again = [told("e2", number - 5, number, step=0 if number % 5 == 0 else number) for number in range(6, 11)]
    log = [
        Heard("subscribed", "e1", 2),
        *one[:4],
        Heard("cut"),
        Heard("subscribed", "e1", 6),
        *one[4:],
        Heard("reset", "e2", 0),
        *again,
    ]
    steps = [number for number in range(1, 11) if number % 5]
    return World(log, {1: steps}, Kept(Counter((1, step) for step in steps), [("attempt-1", 5), ("attempt-1", 10)]))


def swap(world: World, first: int, second: int) -> None:
    world.log[first], world.log[second] = world.log[second], world.log[first]


def change(world: World, place: int, **fields: Any) -> None:
    world.log[place] = replace(world.log[place], **fields)


def reordered_history(world: World) -> None:
    world.kept.events.reverse()
    world.log = [Heard("subscribed", "e1", 4), told("e1", 5, 5), *[told("e1", number, number, step=number) for number in range(6, 10)]]
    world.log.append(told("e1", 10, 10))


def lost_behind(world: World) -> None:
    """The end of the last attempt, which nobody cut short."""
    del world.kept.steps[1, 9]


def stale_beginning(world: World) -> None:
    """A successor; and the earlier attempt has a hole, which no fence makes."""
    world.logged[2] = [7, 8]
    world.kept.steps += Counter({(2, 7): 1, (2, 8): 1})
    del world.kept.steps[1, 2]


MUTATIONS: list[tuple[Callable[[World], Any], str]] = [
    (lambda one: one.log.pop(3), "lost"),
    (lambda one: one.log.insert(3, one.log[2]), "doubled or out of order"),
    (lambda one: swap(one, 2, 3), "lost"),
    (lambda one: one.log.pop(9), "of another epoch behind 8, without a reset"),
    (lambda one: change(one, 6, seq=5), "subscribed at 5"),
    (lambda one: change(one, 6, epoch="e2"), "without a reset"),
    (lambda one: one.log.pop(0), "before it was subscribed"),
    (lambda one: change(one, 2, producer_seq=9), "says 9 behind 3"),
    (lambda one: one.kept.steps.pop((1, 4)), "step 4 of attempt 1 was told and is not in the history"),
    (lambda one: one.kept.events.pop(0), "CheckpointSaved of attempt-1 was told and is not in the history"),
    (reordered_history, "is in the history before what was told earlier"),
    (lambda one: one.kept.steps.update([(1, 4)]), "step 4 of attempt 1 is in the history 2 times"),
    (lambda one: one.kept.events.append(("attempt-1", 5)), "event 5 of attempt-1 is in the history 2 times"),
    (lambda one: one.kept.events.reverse(), "event 5 of attempt-1 is in the history behind 10"),
    (lost_behind, "1 lost [9]"),
    (lambda one: one.logged[1].pop(), "1 never logged [9]"),
    (stale_beginning, "no beginning of what it logged"),
]


def test_good_logs_pass() -> None:
    assert good().mistakes() == []


def test_a_fence_may_cut_an_earlier_attempt_short() -> None:
    world = good()
    world.log = world.log[:3]
    for step in (8, 9):
        del world.kept.steps[1, step]
    world.kept.steps += Counter({(2, 8): 1})
    world.logged[2] = [8]
    assert world.mistakes() == []


@pytest.mark.parametrize(("mutate", "what"), MUTATIONS)
def test_a_mutated_log_is_refused(mutate: Callable[[World], Any], what: str) -> None:
    world = copy.deepcopy(good())
    mutate(world)
    found = world.mistakes()
    assert any(what in one for one in found), found


def test_clients_are_judged_where_no_spool_was_kept() -> None:
    world = good()
    world.logged.clear()
    assert world.mistakes() == []
    world.log.pop(3)
    assert len(world.mistakes()) == 2, "the hole, and the producer's own number"
