import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from groundup.demo_text import MOST_BYTES, collect

from shared.spec import parse_spec
from tests.client.conftest import Command
from tests.client.platform import Platform, new_run
from tests.client.test_following import RUNNING, points


@pytest.fixture
def text(home: Path) -> str:
    (home / "data").mkdir()
    (home / "own.txt").write_text("some text\n" * 100)
    return "own.txt"


@pytest.fixture
def trained(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """Runs end as soon as they are looked at twice."""
    platform.series = [points(1, [1, 2], [4.0, 3.5]), {**points(1, [1, 2], [4.0, 3.0]), "name": "val/loss"}]
    platform.checkpoints = [{"id": "ckp_1", "run_id": "run_1", "step": 9}]
    ending = [RUNNING, {"state": "succeeded", "summary": {"val/loss": 3.0}}]
    monkeypatch.setattr("tests.client.platform.new_run", lambda run_id, spec: new_run(run_id, spec) | {"script": [*ending]})
    return platform


def test_the_demo_trains_samples_and_says_what_next(groundup: Command, trained: Platform, text: str, home: Path) -> None:
    result = groundup("demo", "--text", text, "--steps", "50", "--json-summary", "summary.json")
    assert result.exit_code == 0, result.output
    commands = [line for line in result.stdout.splitlines() if line.startswith("$ ")]
    assert commands == [
        "$ groundup data push demo-text own.txt --skip-bad",
        "$ groundup tokenizer train demo-bpe --dataset demo-text@1 --vocab-size 2048 --wait",
        "$ groundup run submit -f data/demo-run.yaml --follow",
        "$ groundup generate demo-1 --prompt 'def ' --seed 7",
    ]
    assert "def main(7)" in result.stdout
    assert "./run down" in result.stdout
    summary = json.loads((home / "summary.json").read_text())
    assert summary["state"] == "succeeded"
    assert (summary["run_id"], summary["checkpoint_id"], summary["val_losses"]) == ("run_1", "ckp_1", [4.0, 3.0])
    assert 0 < summary["seconds_to_first_loss"] <= summary["seconds"]


def test_a_second_demo_reuses_text_and_tokenizer(groundup: Command, trained: Platform, text: str) -> None:
    assert groundup("demo", "--text", text).exit_code == 0
    result = groundup("demo", "--text", text)
    assert result.exit_code == 0
    assert "nothing had to be sent" in result.stdout
    assert "demo-bpe@1 is there already" in result.stdout
    assert [run["name"] for run in trained.runs.values()] == ["demo-1", "demo-2"]
    assert len(trained.tokenizers) == 1


def test_a_run_that_fails_fails_the_demo(groundup: Command, trained: Platform, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = {"state": "failed", "reason": "out of memory"}
    monkeypatch.setattr("tests.client.platform.new_run", lambda run_id, spec: new_run(run_id, spec) | failed)
    result = groundup("demo", "--text", text)
    assert result.exit_code == 1
    assert "demo-1 failed: out of memory" in result.stdout
    assert "What next" not in result.stdout


@pytest.mark.parametrize("options", [(), ("--steps", "1"), ("--processes", "3"), ("--processes", "1", "--seconds", "1000")])
def test_the_spec_is_one_that_the_server_takes(groundup: Command, trained: Platform, text: str, options: tuple[str, ...]) -> None:
    groundup("demo", "--text", text, *options)
    spec: Any = yaml.safe_load(Path("data/demo-run.yaml").read_text())
    assert parse_spec(spec).dataset == "demo-text@1"
    assert json.loads(trained.sent("POST", "/api/v1/runs")[0].body) == spec


def test_the_default_text_is_the_standard_library(tmp_path: Path) -> None:
    chosen = collect(tmp_path / "text")
    assert MOST_BYTES * 0.9 < sum(document.size for document in chosen) <= MOST_BYTES
    assert not [document.path for document in chosen if {"test", "site-packages", "idlelib"} & set(document.path.split("/"))]
    (tmp_path / "text" / "left-over.py").touch()
    again = collect(tmp_path / "text")
    assert again == chosen
    written = {path.relative_to(tmp_path / "text").as_posix() for path in (tmp_path / "text").rglob("*") if path.is_file()}
    assert written == {document.path for document in chosen}
