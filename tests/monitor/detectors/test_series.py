"""Tables of series: what each detector says, and at which step."""

import math
import random

import pytest

from services.monitor.detectors.detector import Detector, Step
from services.monitor.detectors.robust import robust
from services.monitor.detectors.speed import Stall
from services.monitor.detectors.watch import detectors_of
from shared.alerts import AlertsSpec
from tests.monitor.detectors.feeding import feed, only, told

NAN, INF = math.nan, math.inf


def noise(count: int, level: float, spread: float, seed: int = 1) -> list[float]:
    source = random.Random(seed)
    return [level + source.gauss(0, spread) for _ in range(count)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0] * 30, []),
        ([1, NAN, 1, 1], [("fired", 2)]),
        ([1, NAN, *[1] * 10, NAN], [("fired", 2), ("cleared", 12), ("fired", 13)]),
        ([INF, -INF, NAN, 1], [("fired", 1)]),
        ([], []),
    ],
)
def test_what_is_no_number_is_told_once_until_it_has_passed(values: list[float], expected: list[tuple[str, int]]) -> None:
    assert told(feed(only("nan"), "train/loss", values)) == expected


def test_a_validation_loss_and_a_gradient_norm_count_too() -> None:
    for name in ("val/loss", "train/grad_norm"):
        (finding,) = feed(only("nan"), name, [1.0, NAN])
        assert (finding.severity, finding.reading.metric) == ("critical", name)
        assert math.isnan(finding.reading.value)
        assert finding.remedy


@pytest.mark.parametrize(
    ("metrics", "fires"),
    [
        ({"train/loss": 2.0, "train/grad_norm": INF, "train/loss_scale": 32768.0}, False),  # the scale was too large
        ({"train/loss": 2.0, "train/grad_norm": NAN, "train/loss_scale": 1.0}, False),
        ({"train/loss": 2.0, "train/grad_norm": INF, "train/loss_scale": 0.5}, True),  # it lasts: the gradients themselves
        ({"train/loss": INF, "train/grad_norm": INF, "train/loss_scale": 32768.0}, True),
        ({"train/loss": 2.0, "train/grad_norm": INF}, True),  # not in fp16
    ],
)
def test_an_overflow_of_fp16_is_no_sign_against_the_run(metrics: dict[str, float], fires: bool) -> None:
    detector = only("nan")
    assert detector.see(Step(1, 0, 0.0, {"train/loss": 2.0, "train/grad_norm": 1.0, "train/loss_scale": 65536.0})) is None
    assert bool(detector.see(Step(2, 0, 0.0, metrics))) == fires


def test_a_spike_is_told_at_its_step_with_its_numbers_and_clears() -> None:
    values = noise(300, 2.0, 0.05)
    values[200] = 6.0
    fired, cleared = feed(only("loss_spike"), "train/loss", values)
    assert (fired.kind, fired.step, cleared.kind, cleared.step) == ("fired", 201, "cleared", 221)
    assert fired.reading.window["median"] == pytest.approx(2.0, abs=0.05)
    assert fired.reading.window["z"] > 40
    assert fired.reading.threshold < 3
    assert "train/loss is 6" in fired.message


@pytest.mark.parametrize(
    ("settings", "at", "fires"),
    [
        ({}, 50, False),  # the warm-up
        ({"warmup": 10}, 50, True),
        ({"threshold": 1000}, 200, False),
        ({"rise": 5}, 200, False),
        ({"steps": 2}, 200, False),
        ({"enabled": True, "window": 16}, 200, True),
    ],
)
def test_settings_of_the_spike(settings: dict[str, object], at: int, fires: bool) -> None:
    values = noise(300, 2.0, 0.05)
    values[at - 1] = 6.0
    assert any(kind == "fired" for kind, _ in told(feed(only("loss_spike", **settings), "train/loss", values))) == fires


def test_a_row_of_equal_losses_is_no_spike_and_a_jump_above_it_is_one() -> None:
    assert told(feed(only("loss_spike"), "train/loss", [*[1.0] * 200, 1.05, *[1.0] * 5])) == []
    assert told(feed(only("loss_spike"), "train/loss", [*[1.0] * 200, 2.0])) == [("fired", 201)]


def test_a_new_level_is_told_once_and_becomes_the_norm() -> None:
    values = noise(200, 1.0, 0.02) + noise(300, 3.0, 0.02)
    kinds = told(feed(only("loss_spike"), "train/loss", values))
    assert [kind for kind, _ in kinds] == ["fired", "cleared"]
    assert kinds[0] == ("fired", 201)


def test_a_limit_of_the_gradient_norm_needs_no_history_of_large_ones() -> None:
    values = noise(200, 1.0, 0.3)
    values[150] = 2.9
    assert told(feed(only("grad_norm"), "train/grad_norm", values)) == []
    assert told(feed(only("grad_norm", limit=2.5), "train/grad_norm", values))[0] == ("fired", 151)


@pytest.mark.parametrize("step", [1, 10, 60])
def test_a_limit_holds_from_the_first_step_on(step: int) -> None:
    """Neither the warm-up nor too few values to compare with are an excuse."""
    values = noise(100, 1.0, 0.3)
    values[step - 1] = 900.0
    fired, cleared = feed(only("grad_norm", limit=50), "train/grad_norm", values)
    assert [(fired.kind, fired.step), (cleared.kind, cleared.step)] == [("fired", step), ("cleared", step + 20)]
    assert fired.message == "train/grad_norm is 900, at least the limit of 50"
    assert feed(only("grad_norm"), "train/grad_norm", values) == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([3 - step * 0.001 for step in range(1500)], []),
        ([2.0] * 150, [("fired", 101)]),
        ([*[2.0] * 150, *[1.0] * 30], [("fired", 101), ("cleared", 151)]),
        ([0.0] * 150, []),
        ([2.0] * 90, []),
    ],
)
def test_a_plateau_is_a_best_that_nothing_beats(values: list[float], expected: list[tuple[str, int]]) -> None:
    kinds = told(feed(only("plateau", steps=100, improvement=0.01), "train/loss", values))
    assert kinds == expected


def test_a_plateau_of_the_validation_loss() -> None:
    detector = only("plateau", steps=1000, metric="val/loss")
    steps = [Step(step, 0, 0.0, {"val/loss": value}) for step, value in ((250, 2.0), (500, 1.5), (1000, 1.5), (1500, 1.6), (1750, 1.4))]
    assert [finding.kind for step in steps if (finding := detector.see(step))] == ["fired", "cleared"]


def test_throughput_is_compared_with_the_runs_own() -> None:
    fast, slow = noise(200, 1000, 50), noise(40, 300, 20)
    kinds = told(feed(only("throughput_drop"), "perf/tokens_per_second", [*fast, *slow, *noise(60, 1000, 50)]))
    assert kinds == [("fired", 220), ("cleared", 260)]
    assert told(feed(only("throughput_drop"), "perf/tokens_per_second", [*fast, *slow[:19], *fast])) == [], "too short"
    assert told(feed(only("throughput_drop"), "perf/tokens_per_second", [1.0] * 10 + fast)) == [], "the first steps are slow"


@pytest.mark.parametrize(
    ("settings", "ratios", "expected"),
    [
        ({}, [1.1, 1.8, 1.8, 1.8, 1.0, 1.0, 1.0], [("fired", 60), ("cleared", 120)]),
        ({"steps": 50}, [1.1, 1.8, 1.8, 1.8, 1.8, 1.8, 1.4], [("fired", 100)]),
        ({"steps": 1}, [1.1, 1.8, 1.0, 1.0, 1.8], [("fired", 40), ("cleared", 80), ("fired", 100)]),
        ({}, [1.1, 1.9] * 50, []),
    ],
)
def test_a_straggler_is_one_for_some_steps(settings: dict[str, int], ratios: list[float], expected: list[tuple[str, int]]) -> None:
    """The trainer tells the ratio with every 20th step."""
    detector = only("straggler", **settings)
    steps = [Step(20 * number, 0, 0.0, {"perf/straggler_ratio": ratio}) for number, ratio in enumerate(ratios, 1)]
    untold = [Step(20 * number + 7, 0, 0.0, {"train/loss": 1.0}) for number in range(len(ratios))]
    found = [finding for step in sorted([*steps, *untold], key=lambda step: step.step) if (finding := detector.see(step))]
    assert told(found) == expected


def test_a_straggler_tells_for_how_long() -> None:
    detector = only("straggler")
    found = [detector.see(Step(step, 0, 0.0, {"perf/straggler_ratio": 2.0})) for step in (40, 60)]
    assert found[1] is not None
    assert "for 20 steps at least 1.5" in found[1].message
    for forget in (detector.begin_attempt, detector.go_back):
        again = only("straggler")
        again.recall(detector.memory())
        again.latch.reset()
        getattr(again, forget.__name__)()
        assert again.see(Step(80, 0, 0.0, {"perf/straggler_ratio": 2.0})) is None, "counted anew"


def test_waiting_for_data_is_a_share_of_many_steps() -> None:
    detector = only("data_wait")
    steps = [Step(step, 0, 0.0, {"perf/data_wait_ms": 5.0 if step <= 100 else 50.0, "perf/step_ms": 100.0}) for step in range(1, 201)]
    (finding,) = [finding for step in steps if (finding := detector.see(step))]
    assert 120 < finding.step < 140
    assert "30% of the last 50 steps" in finding.message or "31% of the last 50 steps" in finding.message


def test_room_on_the_disk() -> None:
    gigabyte = float(1 << 30)
    values = [5 * gigabyte, gigabyte, 2.1 * gigabyte, 3 * gigabyte]
    assert told(feed(only("disk"), "perf/disk_free_bytes", values)) == [("fired", 2), ("cleared", 4)]
    assert told(feed(only("disk", free_bytes=int(4 * gigabyte)), "perf/disk_free_bytes", values)) == [("fired", 2)]


def test_budgets_of_tokens_hours_and_cost() -> None:
    spec = AlertsSpec.model_validate({"budget": {"tokens": 1000, "hours": 1, "cost_usd": 3, "usd_per_slot_hour": 2}})
    budgets = [detector for detector in detectors_of(spec) if detector.name == "budget"]
    for budget in budgets:
        budget.slots = 2  # type: ignore[attr-defined]
    steps = [Step(step, step * 100, step * 600.0, {"train/loss": 1.0}) for step in range(1, 20)]
    fired = {finding.key: finding.step for step in steps for budget in budgets if (finding := budget.see(step))}
    assert fired == {"budget.tokens": 10, "budget.hours": 7, "budget.cost_usd": 6}
    assert not [detector for detector in detectors_of(AlertsSpec()) if detector.name == "budget"], "silent without a limit"


def stalling(gaps: list[float]) -> Stall:
    detector = only("stall", factor=10, seconds=30)
    assert isinstance(detector, Stall)
    at = 0.0
    for number, gap in enumerate(gaps, 1):
        at += gap
        detector.see(Step(number, 0, at, {"train/loss": 1.0}))
    detector.heard = 1000.0  # by another clock
    return detector


@pytest.mark.parametrize(
    ("gaps", "silence", "fires"),
    [
        ([1.0] * 40, 29, False),
        ([1.0] * 40, 31, True),
        ([10.0] * 40, 99, False),
        ([10.0] * 40, 101, True),
        ([*[1.0] * 30, 60.0, *[1.0] * 5], 150, False),  # an evaluation took that long before
        ([*[1.0] * 30, 60.0, *[1.0] * 5], 181, True),
        ([1.0] * 10, 1e6, False),  # too few steps to know
    ],
)
def test_silence_is_measured_against_the_runs_own_steps(gaps: list[float], silence: float, fires: bool) -> None:
    assert bool(stalling(gaps).look(1000.0 + silence)) == fires


def test_a_stall_is_told_once_and_ends_with_the_next_step() -> None:
    detector = stalling([1.0] * 40)
    finding = detector.look(1100.0)
    assert finding is not None
    assert finding.step == 40
    assert detector.look(1200.0) is None
    ended = detector.see(Step(41, 0, 300.0, {"train/loss": 1.0}))
    assert ended is not None
    assert ended.kind == "cleared"


def every() -> list[Detector]:
    return detectors_of(AlertsSpec.model_validate({"budget": {"tokens": 5000}, "plateau": {"steps": 100}}))


def test_what_is_not_measured_is_not_judged() -> None:
    for detector in detectors_of(AlertsSpec()):
        assert feed(detector, "custom/thing", [math.nan, 1e30, -1.0] * 100) == [], detector.name


def test_taken_apart_at_any_step_and_put_together_they_say_the_same() -> None:
    source = random.Random(3)
    steps = []
    for step in range(1, 400):
        slow = 5.0 if 200 < step < 260 else 1.0
        loss = math.nan if step == 180 else 2 + source.gauss(0, 0.05) + (4 if step == 300 else 0)
        metrics = {"train/loss": loss, "train/grad_norm": source.lognormvariate(0, 0.3) * (30 if step == 310 else 1)}
        metrics |= {"perf/tokens_per_second": 1000 / slow, "perf/step_ms": 100 * slow, "perf/data_wait_ms": 60.0 if step > 330 else 1.0}
        steps.append(Step(step, step * 20, step * slow, metrics))
    straight = every()
    whole = [(f.kind, f.key, f.step) for one in steps for detector in straight if (f := detector.see(one))]
    assert {key for _, key, _ in whole} == {"nan", "loss_spike", "grad_norm", "plateau", "throughput_drop", "data_wait", "budget.tokens"}
    detectors, pieces = every(), []
    for taken in steps:
        again = every()
        for old, new in zip(detectors, again, strict=True):
            new.recall(old.memory())
        detectors = again
        pieces += [(f.kind, f.key, f.step) for detector in detectors if (f := detector.see(taken))]
    assert pieces == whole


def test_the_modified_z_score_of_iglewicz_and_hoaglin() -> None:
    """Their own example's numbers are not at hand; these are worked by hand: median 3, MAD 1."""
    known = robust([1, 2, 3, 4, 5])
    assert known.median == 3
    assert known.z(5) == pytest.approx(0.6745 * 2 / 1)
    assert robust([1, 1, 1, 1, 6]).z(6) == pytest.approx(5 / (1.253314 * 1))
    assert robust([2, 2, 2]).z(3) == math.inf
    assert robust([2, 2, 2]).z(2) == 0
