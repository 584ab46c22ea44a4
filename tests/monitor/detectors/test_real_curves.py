"""The defaults on real curves: losses and gradient norms of small models on real text, with 2 to 32 sequences a step (curves.json).

Clean as they are, they must not fire; what is put into them must be found at its step.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from services.monitor.detectors.detector import Finding, Step
from services.monitor.detectors.watch import detectors_of
from shared.alerts import AlertsSpec

CURVES: Final[dict[str, dict[str, list[float]]]] = json.loads((Path(__file__).parent / "curves.json").read_text())
EVERY: Final = 97
"""Steps between the places where a spike is put."""


def findings(loss: Sequence[float], norm: Sequence[float], **spec: Any) -> list[Finding]:
    detectors = detectors_of(AlertsSpec.model_validate(spec))
    found = []
    for number, (value, size) in enumerate(zip(loss, norm, strict=True), 1):
        step = Step(number, number, float(number), {"train/loss": value, "train/grad_norm": size})
        found += [finding for detector in detectors if (finding := detector.see(step)) and finding.kind == "fired"]
    return found


def share_found(name: str, height: float) -> float:
    """Of losses that are `height` times what they were, for one step each: how many are found at that step."""
    loss, norm = list(CURVES[name]["loss"]), CURVES[name]["grad_norm"]
    places = range(300, len(loss) - 50, EVERY)
    for place in places:
        loss[place - 1] *= height
    told = {finding.step for finding in findings(loss, norm) if finding.key == "loss_spike"}
    return len(told & set(places)) / len(places)


@pytest.mark.parametrize("name", CURVES)
def test_a_clean_curve_is_left_alone(name: str) -> None:
    assert [(finding.key, finding.step) for finding in findings(CURVES[name]["loss"], CURVES[name]["grad_norm"])] == []


def test_what_the_textbooks_threshold_would_say() -> None:
    """3.5 (Iglewicz & Hoaglin) is for samples, not for curves of ten thousand steps: why the default is larger."""
    loose = {"loss_spike": {"threshold": 3.5, "rise": 0}, "grad_norm": {"threshold": 3.5, "rise": 0}}
    false = sum(len(findings(curve["loss"], curve["grad_norm"], **loose)) for curve in CURVES.values())
    assert false > 20


@pytest.mark.parametrize("name", CURVES)
def test_a_loss_of_twice_its_size_is_found_at_its_step(name: str) -> None:
    assert share_found(name, 2.0) == 1.0


def test_smaller_ones_are_found_where_the_noise_allows() -> None:
    assert [share_found(name, 1.5) > 0.9 for name in ("batch12", "batch32")] == [True, True]
    assert share_found("batch2", 1.2) < 0.2, "two sequences a step make as much noise by themselves"


@pytest.mark.parametrize("name", CURVES)
def test_what_is_no_number_is_found_at_its_step(name: str) -> None:
    loss = list(CURVES[name]["loss"])
    loss[1000] = math.nan
    assert [(finding.key, finding.step) for finding in findings(loss, CURVES[name]["grad_norm"])] == [("nan", 1001)]


def test_a_run_that_diverges_is_noticed_within_steps() -> None:
    """From step 1500 on the loss grows by 1 % a step."""
    loss = [value * 1.01 ** max(0, number - 1500) for number, value in enumerate(CURVES["batch12"]["loss"], 1)]
    first = next(finding for finding in findings(loss, CURVES["batch12"]["grad_norm"]))
    assert first.key == "loss_spike"
    assert 1500 < first.step <= 1560
