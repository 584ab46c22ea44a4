"""The rules alone: which checkpoints of a run are kept, and why."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from services.api.retention import Situation, holds
from shared.spec import CheckpointSpec


@dataclass
class Saved:
    id: str
    step: int
    fence: int = 1
    metrics: dict[str, float] = field(default_factory=dict)
    pinned_by: str | None = None
    usable: bool = True
    counts: bool = True


def kept(saved: list[Any], *, going: bool = False, attempt: tuple[int, int] | None = None, **policy: Any) -> dict[str, list[str]]:
    """Reasons by checkpoint, of those that are kept. By default one is: the newest."""
    situation = Situation(CheckpointSpec.model_validate({"keep_last": 1, "keep_best": 0, **policy}), going, attempt)
    found = holds(situation, saved, {"named": ["production"]})
    return {checkpoint_id: [hold.reason for hold in reasons] for checkpoint_id, reasons in found.items() if reasons}


STEPS = [Saved(str(step), step, metrics={"val/loss": abs(step - 30) + 1.0, "val/acc": step}) for step in range(10, 60, 10)]


def test_the_newest_and_the_last_are_kept() -> None:
    assert kept(STEPS) == {"50": ["newest"]}
    assert kept(STEPS, keep_last=2) == {"50": ["newest", "one of the last 2"], "40": ["one of the last 2"]}
    assert set(kept(STEPS, keep_last=100)) == {"10", "20", "30", "40", "50"}
    assert kept([]) == {}


@pytest.mark.parametrize(
    ("policy", "best"),
    [
        ({"keep_best": 1}, {"30": "best val/loss (1)"}),
        ({"keep_best": 2}, {"30": "one of the best 2 by val/loss (1)", "40": "one of the best 2 by val/loss (11)"}),
        ({"keep_best": 1, "best_mode": "max"}, {"50": "best val/loss (21)"}),
        ({"keep_best": 1, "best_metric": "val/acc", "best_mode": "max"}, {"50": "best val/acc (50)"}),
        ({"keep_best": 1, "best_metric": "val/nothing"}, {}),
    ],
)
def test_the_best_are_kept_and_of_equal_ones_the_newer(policy: dict[str, Any], best: dict[str, str]) -> None:
    told = {checkpoint_id: reasons[-1] for checkpoint_id, reasons in kept(STEPS, **policy).items() if reasons[-1] != "newest"}
    assert told == best


def test_every_mth_step_is_kept_for_ever() -> None:
    saved = [Saved(str(step), step) for step in (500, 1000, 1500, 2000, 2100)]
    assert kept(saved, keep_every=1000) == {"1000": ["every 1,000 steps"], "2000": ["every 1,000 steps"], "2100": ["newest"]}


def test_pins_and_aliases_keep_whatever_is_wrong_with_it() -> None:
    saved = [Saved("named", 1), Saved("pinned", 2, pinned_by="ada"), Saved("broken", 3, pinned_by="ada", usable=False, counts=False)]
    saved.append(Saved("last", 4))
    assert kept(saved) == {"named": ["alias production"], "pinned": ["pinned by ada"], "broken": ["pinned by ada"], "last": ["newest"]}


def test_what_is_damaged_counts_for_no_rule() -> None:
    saved = [Saved("good", 10, metrics={"val/loss": 2}), Saved("bad", 20, metrics={"val/loss": 1}, usable=False, counts=False)]
    assert kept(saved, keep_best=1, keep_every=10) == {"good": ["newest", "best val/loss (2)", "every 10 steps"]}


def test_what_is_suspected_keeps_its_place_and_so_does_what_would_stand_in_for_it() -> None:
    saved = [Saved("10", 10), Saved("20", 20), Saved("30", 30, usable=False)]
    assert kept(saved) == {"30": ["newest"], "20": ["newest"]}
    for checkpoint in saved:
        checkpoint.usable = False
    assert kept(saved) == {"30": ["newest"]}, "all are suspected, a disk that is not mounted, say: nothing changes"


def test_of_two_attempts_that_saved_a_step_the_later_one_counts() -> None:
    saved = [Saved("first", 20, fence=1), Saved("second", 20, fence=2), Saved("before", 10, fence=1)]
    assert kept(saved, keep_last=2) == {"second": ["newest", "one of the last 2"], "before": ["one of the last 2"]}
    saved[1].usable = saved[1].counts = False
    assert set(kept(saved, keep_last=2)) == {"first", "before"}


def test_an_attempt_needs_what_it_was_offered() -> None:
    saved = [Saved("10", 10, fence=1), Saved("20", 20, fence=2), Saved("30", 30, fence=3)]
    told = kept(saved, going=True, attempt=(3, 3))
    assert told == {"10": ["attempt 3 may resume from it"], "20": ["attempt 3 may resume from it"], "30": ["newest"]}


def test_only_a_run_that_goes_on_needs_its_last_ones() -> None:
    policy = CheckpointSpec(keep_last=2, keep_best=1)
    for going in (True, False):
        found = holds(Situation(policy, going, None), STEPS, {})
        assert [hold.needed for hold in found["50"]] == [going, going]
        assert [hold.needed for hold in found["40"]] == [going]
        assert [hold.needed for hold in found["30"]] == [False], "the best is a wish, not a need"
