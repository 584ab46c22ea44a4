import json
from typing import Any

import pytest

from tests.client.conftest import Command
from tests.client.platform import Platform


@pytest.fixture
def steered(platform: Platform) -> Platform:
    progress = {"step": 7, "steps": 10}
    platform.runs["run_1"] = {
        "id": "run_1",
        "name": "first",
        "state": "running",
        "progress": progress,
        "created_at": "2026-01-01T00:00:00Z",
    }
    return platform


def sent(platform: Platform, path: str = "/api/v1/runs/run_1/commands") -> Any:
    return json.loads(platform.sent("POST", path)[-1].body)


@pytest.mark.parametrize(
    ("arguments", "body"),
    [
        (["pause", "first"], {"type": "pause"}),
        (["pause", "first", "--hold"], {"type": "pause", "hold": True}),
        (["resume", "run_1", "--from-scratch"], {"type": "resume", "from_scratch": True}),
        (["stop", "first"], {"type": "stop"}),
        (["kill", "first"], {"type": "kill"}),
        (["save", "first"], {"type": "save_checkpoint"}),
        (["evaluate", "first"], {"type": "evaluate"}),
        (["sample", "first", "Once", "Twice"], {"type": "sample", "prompts": ["Once", "Twice"]}),
        (
            ["set", "first", "train.optimizer.lr=3.0e-4", "schedule.name=constant", "steps=20"],
            {"type": "set_hyperparameters", "changes": {"optimizer": {"lr": 0.0003}, "schedule": {"name": "constant"}, "steps": 20}},
        ),
        (["rollback", "first", "ckpt_1"], {"type": "rollback", "checkpoint_id": "ckpt_1"}),
    ],
)
def test_a_command_is_sent_as_the_api_takes_it(groundup: Command, steered: Platform, arguments: list[str], body: dict[str, Any]) -> None:
    result = groundup("run", *arguments)
    assert (result.exit_code, result.stdout) == (0, f"run_1: {body['type']} requested\n")
    assert sent(steered) == body


def test_wait_tells_the_acknowledgement(groundup: Command, steered: Platform) -> None:
    steered.commands = [{"command_id": "cmd_1", "type": "pause", "state": "applied", "step": 1240, "ranks": 8}]
    assert groundup("run", "pause", "first", "--wait").stdout == "run_1: pause applied at step 1240 on 8 ranks\n"
    steered.commands = [{"command_id": "cmd_1", "type": "pause", "state": "rejected", "reason": "the run succeeded before"}]
    refused = groundup("run", "pause", "first", "--wait")
    assert (refused.exit_code, refused.stdout) == (1, "run_1: pause rejected: the run succeeded before\n")


def test_commands_are_listed_with_their_life(groundup: Command, steered: Platform) -> None:
    arguments = {"optimizer": {"lr": 0.1}}
    steered.commands = [
        {"command_id": "c", "type": "set_hyperparameters", "state": "applied", "step": 5, "ranks": 2, "by": "ada", "arguments": arguments}
    ]
    line = groundup("run", "commands", "first").stdout.splitlines()[-1]
    assert "ada" in line
    assert "optimizer.lr=0.1" in line
    assert "applied at step 5 on 2 ranks" in line


def test_fork_and_replay(groundup: Command, steered: Platform) -> None:
    assert groundup("run", "fork", "first", "ckpt_1", "--name", "second", "--set", "train.steps=20").exit_code == 0
    assert sent(steered, "/api/v1/runs/run_1/fork") == {"checkpoint_id": "ckpt_1", "name": "second", "overrides": {"train": {"steps": 20}}}
    assert groundup("run", "replay", "first").exit_code == 0
    assert sent(steered, "/api/v1/runs/run_1/replay") == {}


def test_a_run_shows_where_it_came_from_and_what_it_holds(groundup: Command, steered: Platform) -> None:
    more = {"parent_id": "run_0", "origin": {"checkpoint_id": "ckpt_1", "step": 5}, "replay_of": "run_2", "holds_slots": True}
    steered.runs["run_1"] |= {**more, "state": "paused"}
    shown = groundup("run", "show", "first").stdout
    assert "ckpt_1 (step 5) of run_0, as a replay of run_2" in shown
    assert "held while it is paused" in shown


@pytest.mark.parametrize("edit", ["lr", "optimizer..lr=1"])
def test_a_wrong_change_is_wrong_usage(groundup: Command, steered: Platform, edit: str) -> None:
    assert groundup("run", "set", "first", edit).exit_code == 2
    assert not steered.sent("POST", "/api/v1/runs/run_1/commands")


def test_an_emergency_stop_wants_its_words(groundup: Command, platform: Platform) -> None:
    refused = groundup("emergency-stop", "--reason", "smoke", typed="stop\n")
    assert refused.exit_code == 1
    assert platform.emergency is None
    assert "by ada" in groundup("emergency-stop", "--reason", "smoke", typed="stop everything\n").stdout
    assert "smoke" in groundup("emergency-stop", "--show").stdout
    assert "Emergency stop by ada: smoke." in groundup("queue", "show").stdout, "where operations.md sends people who see everything wait"
    assert groundup("emergency-stop", "--reopen").exit_code == 0
    assert groundup("emergency-stop", "--show").stdout == "No emergency stop stands.\n"
