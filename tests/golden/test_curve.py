import json
from pathlib import Path
from typing import Any

import pytest

from tests.golden.curve import measure, measure_resumed, path, processor, release


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    return measure(tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    if not path().exists():
        pytest.skip(f"no curve for torch {release()}; `python -m tests.golden.curve` records it")
    return dict(json.loads(path().read_text()))


def test_the_curve_is_near_the_recorded_one(measured: list[float], record: dict[str, Any]) -> None:
    assert measured == pytest.approx(record["losses"], rel=1e-3)


def test_the_curve_is_the_recorded_one_to_the_last_bit(measured: list[float], record: dict[str, Any]) -> None:
    if record["processor"] != processor():
        pytest.skip(f"recorded on {record['processor']}, this is {processor()}: only compared with a tolerance of 0.1 %")
    assert measured == record["losses"]


def test_it_is_the_same_twice(measured: list[float], tmp_path: Path) -> None:
    assert measure(tmp_path) == measured


def test_saving_in_the_background_and_going_on_from_it_changes_nothing(measured: list[float], tmp_path: Path) -> None:
    assert measure_resumed(tmp_path) == measured
