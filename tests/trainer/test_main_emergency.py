"""The emergency stop of one host by hand: real processes, and nothing else of Groundup alive."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from services.trainer import children, held_gpus, main_emergency
from services.trainer.halting import STOP_FILE, Halting
from tests.servers import wait_until

SLEEP = [sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(99)"]
STRAY = [sys.executable, "-c", f"import subprocess, time; subprocess.Popen({SLEEP!r}, start_new_session=True); time.sleep(99)"]


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> str:
    """In place of the product's, so that nothing else that trains on this machine is killed."""
    name = f"GROUNDUP_ATTEMPT_OF_TEST_{os.getpid()}"
    monkeypatch.setattr(children, "MARK", name)
    return name


@pytest.fixture
def training(mark: str) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(STRAY, env={**os.environ, mark: "att_1"}, start_new_session=True) as process:
        wait_until(lambda: sum(carries(each, mark) for each in psutil.process_iter()) == 2, "it and its stray child")
        yield process
        children.kill_all()


def carries(process: psutil.Process, mark: str) -> bool:
    try:
        return mark in process.environ()
    except psutil.Error:
        return False


def call(monkeypatch: pytest.MonkeyPatch, data: Path, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["main_emergency", *arguments])
    monkeypatch.setenv("GROUNDUP_DATA_DIR", str(data))
    monkeypatch.setenv("GROUNDUP_WORKER_NAME", "alone")
    return main_emergency.main()


def test_it_kills_what_trains_and_closes_every_worker_of_the_host(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, training: "subprocess.Popen[bytes]"
) -> None:
    folders = [tmp_path / "worker" / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir(parents=True)
    assert call(monkeypatch, tmp_path, "--reason", "burning smell") == 0
    wait_until(lambda: training.poll() is not None, "it is gone", 5)
    assert children.kill_all() == [], "the stray one is gone too"
    for folder in folders:
        assert "burning smell" in Halting(folder).reason()
    assert call(monkeypatch, tmp_path, "--reopen") == 0
    assert [Halting(folder).reason() for folder in folders] == ["", ""]


def test_a_host_whose_agent_never_ran_is_closed_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mark: str) -> None:
    assert call(monkeypatch, tmp_path) == 0
    assert (tmp_path / "worker" / "alone" / STOP_FILE).exists()


def test_where_nothing_can_be_written_everything_is_killed_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, training: "subprocess.Popen[bytes]", caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "worker" / "one" / STOP_FILE).mkdir(parents=True)  # a folder in its place
    assert call(monkeypatch, tmp_path) == 1
    wait_until(lambda: training.poll() is not None, "it is gone", 5)
    assert "could not be noted" in caplog.text


class Driver:
    """NVML in small: two GPUs, and what each counts as its processes, look by look."""

    class NVMLError(Exception):
        pass

    def __init__(self, *looks: list[int], dead: bool = False) -> None:
        self.looks, self.dead, self.open = list(looks), dead, 0

    def nvmlInit(self) -> None:  # noqa: N802
        if self.dead:
            raise self.NVMLError("no driver")
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        return index

    def nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[object]:  # noqa: N802
        pids = self.looks[0] if handle == 0 or len(self.looks) == 1 else self.looks.pop(0)
        return [type("Process", (), {"pid": pid}) for pid in pids]


@pytest.mark.parametrize(
    ("driver", "held"),
    [
        (Driver([1, 2, 7], [2, 7], [7]), []),  # it takes the driver a moment
        (Driver([2, 7]), [2]),
        (Driver([7]), []),
        (Driver(dead=True), None),
    ],
)
def test_the_gpus_are_looked_at_until_they_have_let_go(driver: Driver, held: list[int] | None) -> None:
    assert held_gpus.still_held({1, 2}, driver, seconds=0.5) == held
    assert driver.open == 0
