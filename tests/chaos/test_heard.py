"""The checker of what clients were told refuses what may not be: good logs, and each of their mutations."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from shared.events import AnyEvent, Record
from shared.training_events import CheckpointSaved, LogWritten, StepCompleted
from tests.chaos.heard import mistakes
from tests.chaos.kept import Kept
from tests.chaos.listening import Heard
from tests.chaos.spools import Said

STEPS: Final = {1: 1, 2: 2, 3: 3, 6: 4, 7: 5, 9: 6}
LINES: Final = {4: ["first"], 8: ["second", "third"]}


def said(number: int) -> AnyEvent:
    """Ten events: two checkpoints, two pieces of a log, steps."""
    if number in LINES:
        return LogWritten(rank=0, lines=LINES[number], offset=number * 10)
    if number not in STEPS:
        return CheckpointSaved(step=number, bytes=1, seconds=0.0)
    return StepCompleted(step=STEPS[number], tokens=8, metrics={"train/loss": 1 / number, "nan": float("nan")})


def told(epoch: str, seq: int, number: int) -> Heard:
    event = said(number)
    about = event.type, 1, STEPS.get(number, 0)
    return Heard("event", epoch, seq, "attempt-1", number, about, event.model_dump())


@dataclass
class World:
    log: list[Heard]
    said: Said
    kept: Kept

    def mistakes(self) -> list[str]:
        return mistakes({"client 1": self.log}, [self.said], self.kept)


def good() -> World:
    """A lost connection; a Redis that forgot and is told the last five again."""
    one = [told("e1", number, number) for number in range(3, 9)]
    log = [
        Heard("subscribed", "e1", 2),
        *one[:4],
        Heard("cut"),
        Heard("subscribed", "e1", 6),
        *one[4:],
        Heard("reset", "e2", 0),
        *[told("e2", number - 5, number) for number in range(6, 11)],
    ]
    head: dict[str, Any] = {"run_id": "run_a", "attempt": 1, "fence": 1, "producer": "attempt-1", "at": 1.0}
    records = [Record(**head, producer_seq=number, event=said(number)) for number in range(1, 11)]
    kept = Kept(lines={(1, 0): ["first", "second", "third"]}, line_numbers=[0, 1, 2], events=[("attempt-1", 5), ("attempt-1", 10)])
    kept.points[1, "train/loss"] = [(step, 8, (1 / number).hex()) for number, step in STEPS.items()]
    kept.points[1, "nan"] = [(step, 8, "nan") for step in STEPS.values()]
    kept.shown = dict(kept.points)
    return World(log, Said(1, {"spool": records}), kept)


def swap(world: World, first: int, second: int) -> None:
    world.log[first], world.log[second] = world.log[second], world.log[first]


def change(world: World, place: int, **fields: Any) -> None:
    world.log[place] = replace(world.log[place], **fields)


def say(world: World, place: int, **fields: Any) -> None:
    change(world, place, event={**world.log[place].event, **fields})


def reordered_history(world: World) -> None:
    world.kept.events.reverse()
    world.log = [Heard("subscribed", "e1", 4), *[told("e1", number, number) for number in range(5, 11)]]


MUTATIONS: list[tuple[Callable[[World], Any], str]] = [
    (lambda one: one.log.pop(3), "lost"),
    (lambda one: one.log.insert(3, one.log[2]), "doubled or out of order"),
    (lambda one: swap(one, 2, 3), "lost"),
    (lambda one: one.log.pop(9), "of another epoch behind 8, without a reset"),
    (lambda one: change(one, 6, seq=5), "subscribed at 5"),
    (lambda one: change(one, 6, epoch="e2"), "without a reset"),
    (lambda one: one.log.pop(0), "before it was subscribed"),
    (lambda one: change(one, 2, producer_seq=9), "says 9 behind 3"),
    (lambda one: say(one, 8, offset=40), "client 1: the log of rank 0 was told up to byte 40 behind byte 40"),
    (lambda one: say(one, 2, lines=["other"]), "client 1: event 4 of attempt-1 was told otherwise than its spool has it"),
    (lambda one: say(one, 1, metrics={"train/loss": 1 / 3 + 1e-16, "nan": 0.0}), "event 3 of attempt-1 was told otherwise"),
    (lambda one: one.said.spools["spool"].pop(), "event 10 of attempt-1 was told and is in no spool"),
    (lambda one: one.kept.lines[1, 0].pop(), "1 lines were told and are not in the history, (attempt, rank, line) [(1, 0, 'third')]"),
    (lambda one: one.kept.lines.clear(), "3 lines were told and are not in the history"),
    (lambda one: one.kept.points[1, "train/loss"].pop(3), "1 steps were told and are not in the history, (attempt, step) [(1, 4)]"),
    (lambda one: one.kept.events.pop(0), "CheckpointSaved of attempt-1 was told and is not in the history"),
    (reordered_history, "is in the history before what was told earlier"),
    (lambda one: one.kept.events.append(("attempt-1", 5)), "event 5 of attempt-1 is in the history 2 times"),
    (lambda one: one.kept.events.reverse(), "event 5 of attempt-1 is in the history behind 10"),
    (lambda one: one.said.spools.clear(), "attempt 1: it trained, and no spool of it was kept"),
]


def test_good_logs_pass() -> None:
    assert good().mistakes() == []


@pytest.mark.parametrize(("mutate", "what"), MUTATIONS)
def test_a_mutated_log_is_refused(mutate: Callable[[World], Any], what: str) -> None:
    world = copy.deepcopy(good())
    mutate(world)
    found = world.mistakes()
    assert any(what in one for one in found), found


def test_clients_are_judged_on_a_topic_without_attempts() -> None:
    """`cluster`, of which no trainer has a spool."""
    world = good()
    world.kept = Kept(events=world.kept.events)
    world.log = [Heard("subscribed", "e1", 4), told("e1", 5, 5), told("e1", 6, 10)]
    assert mistakes({"client 1": world.log}, [], world.kept) == ["client 1: attempt-1 says 10 behind 5"]
    world.log.pop(1)
    assert mistakes({"client 1": world.log}, [], world.kept) == ["client 1: event 6 behind 4: lost"]
