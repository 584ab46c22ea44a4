"""The detectors of one run through what happens to it: rollbacks, and attempts that go back."""

import math
from typing import Any

import pytest

from services.monitor.detectors.watch import Watch
from shared.alerts import AlertsSpec
from shared.events import AnyEvent
from shared.run_events import RunRolledBack
from shared.training_events import EvaluationCompleted
from tests.monitor.producing import Producer, step
from tests.monitor.watching import calm


class Run:
    """What is told of each event, by (kind, key, step)."""

    def __init__(self, **alerts: Any) -> None:
        self.watch = Watch(AlertsSpec.model_validate(alerts))
        self.messages: list[str] = []

    def say(self, *events: AnyEvent, attempt: int | None = 1) -> list[tuple[str, str, int]]:
        records = Producer(attempt=attempt).say(*events)
        found = [finding for record in records for finding in self.watch.take(record, record.at)]
        self.messages += [finding.message for finding in found]
        return [(finding.kind, finding.key, finding.step) for finding in found]

    def losses(self, first: int, values: list[float], attempt: int = 1) -> list[tuple[str, str, int]]:
        return self.say(*(step(number, train_loss=value) for number, value in enumerate(values, first)), attempt=attempt)

    def roll_back(self, to: int) -> list[tuple[str, str, int]]:
        event = RunRolledBack(command_id="cmd_1", checkpoint_id="ckpt_1", old_step=to + 50, step=to, by="me")
        return self.say(event, attempt=None)


@pytest.mark.parametrize(("key", "bad"), [("nan", math.nan), ("loss_spike", 9.0)])
def test_after_a_rollback_the_same_fault_is_news_again(key: str, bad: float) -> None:
    run = Run(loss_spike={"warmup": 20})
    assert run.losses(1, [*calm(60), bad]) == [("fired", key, 61)]
    assert run.roll_back(30) == [("cleared", key, 30)]
    assert run.messages[-1] == "the run was rolled back to step 30"
    assert run.losses(31, [*calm(30), bad], attempt=2) == [("fired", key, 61)]


def test_what_an_undone_attempt_says_late_is_nobodys_fault() -> None:
    run = Run()
    run.losses(1, calm(60))
    run.roll_back(30)
    assert run.losses(61, [math.nan]) == []
    assert run.losses(31, [2.0, math.nan], attempt=2) == [("fired", "nan", 32)]


def test_a_rollback_gives_back_neither_money_nor_room() -> None:
    run = Run(budget={"tokens": 1000, "action": "pause"})
    assert run.losses(1, calm(20)) == [("fired", "budget.tokens", 10)]
    assert run.roll_back(5) == []
    assert run.losses(6, calm(20), attempt=2) == []


def test_an_attempt_that_begins_earlier_is_not_compared_with_what_is_done_once_more() -> None:
    """A crash: nobody rolls it back, it goes on from its checkpoint."""
    run = Run(loss_spike={"warmup": 20})
    falling = [5.0 * 0.99**number + 0.01 * (number % 5) for number in range(300)]
    assert run.losses(1, falling) == []
    assert run.losses(31, falling[30:200], attempt=2) == []


@pytest.mark.parametrize(("first", "told"), [(41, [("cleared", "nan", 40), ("fired", "nan", 42)]), (62, [])])
def test_a_fault_that_an_attempt_leaves_behind(first: int, told: list[tuple[str, str, int]]) -> None:
    """It goes on where it was (paused), or earlier (crashed); an evaluation comes first where one is due."""
    run = Run()
    assert run.losses(1, [*calm(60), math.nan]) == [("fired", "nan", 61)]
    first_look = EvaluationCompleted(step=first - 1, tokens=0, metrics={"val/loss": 2.0})
    assert run.say(first_look, attempt=2) + run.losses(first, [2.0, math.nan], attempt=2) == told


def test_where_it_stands_is_remembered() -> None:
    run = Run()
    run.losses(1, [*calm(60), math.nan])
    run.roll_back(30)
    again = Watch.recalled(run.watch.memory())
    assert (again.step, again.undone) == (30, 1)
    run.watch = Watch.recalled({name: value for name, value in run.watch.memory().items() if name not in {"step", "undone"}})
    assert run.losses(31, [math.nan], attempt=2) == [("fired", "nan", 31)]
