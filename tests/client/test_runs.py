import json
from pathlib import Path
from typing import Any

import pytest
from groundup.spec_edits import edited

from tests.client.conftest import Command
from tests.client.platform import Platform

SPEC = "name: first\ndataset: d\ntrain: {steps: 10, optimizer: {lr: 1.0e-3}}\n"


@pytest.fixture
def spec(home: Path) -> str:
    (home / "spec.yaml").write_text(SPEC)
    return "spec.yaml"


@pytest.mark.parametrize(
    ("assignments", "changed"),
    [
        (["train.steps=100"], {"train": {"steps": 100, "optimizer": {"lr": 0.001}}}),
        (["name=other", "train.optimizer.lr=3.0e-4"], {"name": "other", "train": {"steps": 10, "optimizer": {"lr": 0.0003}}}),
        (["train.sample.prompts=[a, 'b=c']"], {"train": {"steps": 10, "optimizer": {"lr": 0.001}, "sample": {"prompts": ["a", "b=c"]}}}),
    ],
)
def test_set_changes_one_field(assignments: list[str], changed: dict[str, Any]) -> None:
    before = {"name": "first", "train": {"steps": 10, "optimizer": {"lr": 0.001}}}
    assert edited(before, assignments) == before | changed
    assert before["train"] == {"steps": 10, "optimizer": {"lr": 0.001}}


@pytest.mark.parametrize("assignment", ["train.steps", "=1", "train..steps=1", "name.x=1", "name=[1"])
def test_a_wrong_set_is_wrong_usage(groundup: Command, platform: Platform, spec: str, assignment: str) -> None:
    result = groundup("run", "submit", "-f", spec, "--set", assignment)
    assert result.exit_code == 2
    assert "--set" in result.stderr
    assert not platform.seen


def test_submit_sends_the_spec_with_its_edits(groundup: Command, platform: Platform, spec: str) -> None:
    result = groundup("run", "submit", "-f", spec, "--set", "train.steps=100")
    assert result.exit_code == 0
    assert "run_1  first  queued: preparing the dataset: 43 %" in result.stdout
    assert json.loads(platform.sent("POST", "/api/v1/runs")[0].body)["train"] == {"steps": 100, "optimizer": {"lr": 0.001}}


@pytest.mark.parametrize(
    ("content", "message"), [("- a\n- b\n", "not a mapping"), ("name: [", "not readable"), ("trian: {}", "did you mean 'train'?")]
)
def test_a_bad_spec_is_one_clear_line(groundup: Command, home: Path, content: str, message: str) -> None:
    (home / "bad.yaml").write_text(content)
    result = groundup("run", "submit", "-f", "bad.yaml")
    assert result.exit_code == 1
    first, *rest = result.stderr.splitlines()
    assert first.startswith("groundup: ")
    assert message in first
    assert all(line.startswith("  -> ") for line in rest)


def test_a_spec_that_is_not_there_is_wrong_usage(groundup: Command) -> None:
    assert groundup("run", "submit", "-f", "nothing.yaml").exit_code == 2


def test_runs_are_listed_shown_and_ended(groundup: Command, platform: Platform, spec: str) -> None:
    assert "groundup demo" in groundup("run", "ls").stdout
    groundup("run", "submit", "-f", spec)
    assert json.loads(groundup("run", "ls", "--json").stdout)[0]["id"] == "run_1"
    assert "run_1  first  queued  0/10" in groundup("run", "ls").stdout
    assert "queued: preparing the dataset: 43 %" in groundup("run", "show", "first").stdout
    assert groundup("run", "stop", "first").exit_code == 0
    assert groundup("run", "kill", "run_1").exit_code == 0
    sent = [json.loads(one.body)["type"] for one in platform.sent("POST", "/api/v1/runs/run_1/commands")]
    assert sent == ["stop", "kill"]


def test_rm_asks_first(groundup: Command, platform: Platform, spec: str) -> None:
    groundup("run", "submit", "-f", spec)
    assert groundup("run", "rm", "first").exit_code == 1
    assert platform.runs
    assert groundup("run", "rm", "first", "--yes").exit_code == 0
    assert not platform.runs


def test_an_unknown_name(groundup: Command) -> None:
    result = groundup("run", "show", "nobody")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == ["groundup: there is no run 'nobody'", "  -> `groundup run ls` lists them"]


def test_a_mistake_of_ours_is_no_traceback(groundup: Command, platform: Platform) -> None:
    platform.workers = [{"name": "w", "state": "online", "slots": [{"id": "s"}], "last_heartbeat": 5}]
    result = groundup("worker", "ls")
    assert result.exit_code == 1
    assert result.stderr.startswith("groundup: TypeError")
    assert "Traceback" not in result.output
    assert isinstance(groundup("--debug", "worker", "ls").exception, TypeError)


def test_generate_at_once_and_token_by_token(groundup: Command, platform: Platform, spec: str) -> None:
    groundup("run", "submit", "-f", spec)
    assert groundup("generate", "first", "--prompt", "def ", "--seed", "7").stdout == "def main(7)\n"
    assert groundup("generate", "first", "--prompt", "def ", "--stream").stdout == "def main()\n"
    assert groundup("generate", "ckp_1", "--checkpoint", "--prompt", "x").exit_code == 0
    bodies = [json.loads(one.body) for one in platform.sent("POST", "/api/v1/generate")]
    assert [(body.get("run_id"), body.get("checkpoint_id")) for body in bodies] == [("run_1", None), ("run_1", None), (None, "ckp_1")]


def test_a_submit_tells_what_may_go_wrong_later(groundup: Command, platform: Platform, spec: str) -> None:
    platform.warnings = [{"field": "train.checkpoint", "message": "4 checkpoints of 1.0 GB are kept"}]
    result = groundup("run", "submit", "-f", spec)
    assert (result.exit_code, "train.checkpoint: 4 checkpoints of 1.0 GB are kept" in result.stderr) == (0, True)


def test_a_run_with_pinned_checkpoints_is_deleted_by_force_only(groundup: Command, platform: Platform, spec: str) -> None:
    groundup("run", "submit", "-f", spec)
    platform.needed = ["ckp_1 is pinned by ada"]
    refused = groundup("run", "rm", "run_1", "--yes")
    assert (refused.exit_code, "ckp_1 is pinned by ada" in refused.stderr, "force" in refused.stderr) == (1, True, True)
    assert "run_1" in platform.runs
    assert groundup("run", "rm", "run_1", "--yes", "--force").exit_code == 0
    assert platform.runs == {}
