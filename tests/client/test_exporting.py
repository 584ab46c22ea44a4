"""A run's metric points as a file: there only when it is whole, and never in the place of another one unasked."""

import stat
from pathlib import Path

import pytest
from groundup import Client, LocalProblem, Unreachable

from tests.client.conftest import Command
from tests.client.platform import Platform, new_run

POINTS = b"run_id,attempt,step\nrun_1,1,1\n" * 100_000


@pytest.fixture(autouse=True)
def run(platform: Platform) -> None:
    platform.runs["run_1"] = new_run("run_1", {"name": "novel"})
    platform.points = POINTS


def asked(platform: Platform) -> str:
    (sent,) = platform.sent("GET", "/api/v1/runs/run_1/metrics/export")
    return sent.query


def test_it_is_written_and_named_after_the_run(groundup: Command, home: Path, platform: Platform) -> None:
    done = groundup("run", "export", "novel")
    assert (done.exit_code, done.stdout) == (0, "novel-run_1-metrics.csv: 3.0 MB\n")
    assert (home / "novel-run_1-metrics.csv").read_bytes() == POINTS
    assert asked(platform) == "format=csv&attempts=latest"


@pytest.mark.parametrize(
    ("words", "format"),
    [
        (("-o", "a.parquet"), "parquet"),
        (("--output", "a.jsonl"), "jsonl"),
        (("-o", "a.ZIP"), "tensorboard"),
        (("-o", "a.dat"), "csv"),
        (("-o", "a.csv", "--format", "parquet"), "parquet"),
    ],
)
def test_the_name_tells_the_format_unless_it_is_given(groundup: Command, platform: Platform, words: tuple[str, ...], format: str) -> None:
    assert groundup("run", "export", "run_1", *words).exit_code == 0
    assert f"format={format}&" in asked(platform)


def test_names_and_attempts_are_passed_on(groundup: Command, platform: Platform) -> None:
    assert groundup("run", "export", "run_1", "--name", "train/loss", "--name", "val/loss", "--attempts", "all").exit_code == 0
    assert asked(platform) == "format=csv&names=train%2Floss%2Cval%2Floss&attempts=all"


def test_a_file_is_replaced_by_force_only(groundup: Command, home: Path, platform: Platform) -> None:
    there = home / "größe λ.csv"
    there.write_text("mine")
    refused = groundup("run", "export", "run_1", "-o", there.name)
    assert (refused.exit_code, there.read_text(), platform.seen) == (1, "mine", [])
    assert "exists already" in refused.stderr
    assert "--force" in refused.stderr
    assert groundup("run", "export", "run_1", "-o", there.name, "--force").exit_code == 0
    assert there.read_bytes() == POINTS
    assert [path.name for path in home.iterdir()] == [there.name]


def test_it_is_readable_as_files_are(groundup: Command, home: Path) -> None:
    (home / "other").touch()
    assert groundup("run", "export", "run_1", "-o", "a.csv").exit_code == 0
    assert stat.S_IMODE((home / "a.csv").stat().st_mode) == stat.S_IMODE((home / "other").stat().st_mode)


def test_what_breaks_off_leaves_nothing(client: Client, groundup: Command, home: Path, platform: Platform) -> None:
    platform.points_missing = 1000
    done = groundup("run", "export", "run_1", "-o", "a.csv")
    assert (done.exit_code, "broke while reading" in done.stderr) == (1, True)
    with pytest.raises(Unreachable):
        client.history.export("run_1", "csv", home / "a.csv")
    assert list(home.iterdir()) == []


def test_what_breaks_off_leaves_the_file_that_was_to_be_replaced(client: Client, home: Path, platform: Platform) -> None:
    (home / "a.csv").write_text("mine")
    platform.points_missing = 1000
    with pytest.raises(Unreachable):
        client.history.export("run_1", "csv", home / "a.csv", force=True)
    assert [(path.name, path.read_text()) for path in home.iterdir()] == [("a.csv", "mine")]


def test_refusals_leave_nothing(groundup: Command, client: Client, home: Path) -> None:
    assert groundup("run", "export", "run_2", "-o", "a.csv").exit_code == 1
    assert groundup("run", "export", "run_1", "--format", "xlsx").exit_code == 2
    with pytest.raises(LocalProblem, match="cannot be written"):
        client.history.export("run_1", "csv", home / "no" / "such.csv")
    with pytest.raises(LocalProblem, match="is a folder"):
        client.history.export("run_1", "csv", home, force=True)
    assert list(home.iterdir()) == []


def test_standard_output(groundup: Command, home: Path) -> None:
    done = groundup("run", "export", "run_1", "-o", "-")
    assert (done.exit_code, done.stdout_bytes, list(home.iterdir())) == (0, POINTS, [])


def test_from_python(client: Client, home: Path, platform: Platform) -> None:
    assert client.history.export("run_1", "parquet", home / "a.parquet", names=["train/loss"]) == len(POINTS)
    assert (home / "a.parquet").read_bytes() == POINTS
    assert asked(platform) == "format=parquet&names=train%2Floss&attempts=latest"
