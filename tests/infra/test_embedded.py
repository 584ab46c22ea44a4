"""What `up` and `down` do with processes that outlived supervisord."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded import MARK, end_leftovers, our_processes, trains
from infra.layout import Layout
from services.trainer.children import MARK as ATTEMPT


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.read({"GROUNDUP_DATA_DIR": str(tmp_path / "data")})


@pytest.fixture
def left(layout: Layout) -> Iterator[dict[str, "subprocess.Popen[bytes]"]]:
    """A service, and a training process of an agent that is gone, too."""
    marks = {"service": {}, "training": {ATTEMPT: "att_1"}}
    started = {
        name: subprocess.Popen(["sleep", "60"], env={**os.environ, MARK: str(layout.data_dir), **mark}) for name, mark in marks.items()
    }
    yield started
    for process in started.values():
        process.kill()
        process.wait()


def test_a_start_ends_what_would_hold_ports_and_leaves_the_training_to_be_adopted(
    layout: Layout, left: dict[str, "subprocess.Popen[bytes]"], capsys: pytest.CaptureFixture[str]
) -> None:
    end_leftovers(layout, but=trains)
    assert [process.pid for process in our_processes(layout)] == [left["training"].pid]
    assert f"ending {left['service'].pid} sleep" in capsys.readouterr().err


def test_a_stop_ends_all_of_it(layout: Layout, left: dict[str, "subprocess.Popen[bytes]"]) -> None:
    assert {process.pid for process in our_processes(layout)} == {process.pid for process in left.values()}
    end_leftovers(layout)
    assert not our_processes(layout)
