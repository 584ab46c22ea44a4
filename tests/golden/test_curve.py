import os
import platform
from pathlib import Path

import pytest

from tests.golden import curve

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    return curve.measure(tmp_path_factory.mktemp("golden") / "run")


@pytest.fixture(scope="module")
def record() -> dict[str, list[float]]:
    found = curve.record()
    if found is None:
        why = f"no curve for torch {curve.release()} on {platform.machine()}; `python -m tests.golden.curve` records it"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return found


def test_the_curves_are_the_recorded_ones_to_the_last_bit(record: dict[str, list[float]]) -> None:
    """Of one process and of two."""
    assert curve.measure_plainly() == record


def test_with_this_processor_s_own_instructions_it_is_near_the_recorded_one(measured: list[float], record: dict[str, list[float]]) -> None:
    assert measured == pytest.approx(record["1"], rel=1e-3)


def test_it_is_the_same_twice(measured: list[float], tmp_path: Path) -> None:
    assert curve.measure(tmp_path / "run") == measured


def test_saving_in_the_background_and_going_on_from_it_changes_nothing(measured: list[float], tmp_path: Path) -> None:
    assert curve.measure_resumed(tmp_path) == measured
