from pathlib import Path

import pytest

from services.trainer.stragglers import EVERY, compared
from shared.training_events import StepCompleted
from tests.trainer.runs import events, ranks, run_directory, tiny_spec
from tests.trainer.trainings import Training

ONCE = {"every": 1000}


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        ([1.0, 1.0, 3.0], (3.0, 2)),
        ([2.0, 1.0], (2.0, 0)),
        ([1.0, 2.0, 2.0, 5.0], (2.5, 3)),
        ([1.0, 1.0], (1.0, 0)),
        ([0.0, 0.0], None),
        ([], None),
    ],
)
def test_the_slowest_is_compared_with_the_median(seconds: list[float], told: tuple[float, int] | None) -> None:
    assert compared(seconds) == ({"perf/straggler_ratio": told[0], "perf/slowest_rank": told[1]} if told else {})


@pytest.mark.timeout(240)
def test_a_slow_rank_is_told_now_and_then(tmp_path: Path) -> None:
    """Its own time is seen although in every step all ranks are together again."""
    spec = tiny_spec(2 * EVERY, processes=2, micro_batch_size=2, checkpoint=ONCE, sample=ONCE)
    folder = run_directory(tmp_path / "run", spec)
    with ranks(folder, "tests.trainer.poisoned_child", SLOW="150") as children:
        assert [child.wait(120) for child in children] == [0, 0], folder.log(0).read_text()
    steps = {event.step: event.metrics for event in events(folder) if isinstance(event, StepCompleted)}
    assert [step for step, metrics in steps.items() if "perf/straggler_ratio" in metrics] == [EVERY, 2 * EVERY]
    assert steps[2 * EVERY]["perf/slowest_rank"] == 1
    assert steps[2 * EVERY]["perf/straggler_ratio"] > 2
    assert steps[2 * EVERY]["perf/data_wait_ms"] < 150 < steps[2 * EVERY]["perf/step_ms"]


def test_one_alone_waits_for_nobody(tmp_path: Path) -> None:
    training = Training(tiny_spec(EVERY, checkpoint=ONCE, sample=ONCE), tmp_path)
    training.run()
    assert not [event for event in training.happened if isinstance(event, StepCompleted) and "perf/slowest_rank" in event.metrics]
