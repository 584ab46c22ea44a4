import json

import pytest

from tests.client.conftest import Command
from tests.client.platform import Platform

SLOTS = [{"id": "w1/cpu0", "device": "cpu", "name": "a CPU", "attempt_id": "att_1", "run_id": "run_1"}, {"id": "w1/cpu1", "device": "cpu"}]


@pytest.fixture
def busy(platform: Platform) -> Platform:
    platform.workers = [{"name": "w1", "state": "online", "host": "h", "slots": SLOTS, "last_heartbeat": "2026-01-01T00:00:00Z"}]
    told = {"project": "p", "priority": 50, "processes": 1}
    platform.waiting = [
        {"position": 1, "run_id": "run_2", "name": "next", "reason": "waits for 1 free slot", **told},
        {"position": 2, "run_id": "run_3", "name": "last", "reason": "worker w1 is draining", **told},
    ]
    return platform


def test_the_queue_is_shown_in_order_with_reasons(groundup: Command, busy: Platform) -> None:
    first, second = groundup("queue", "show").stdout.splitlines()[1:]
    assert first.split()[:3] == ["1", "run_2", "next"]
    assert second.endswith("worker w1 is draining")
    assert json.loads(groundup("queue", "show", "--json").stdout)["waiting"] == 2
    assert "and 1 more" in groundup("queue", "show", "--limit", "1").stdout
    busy.waiting = []
    assert groundup("queue", "show").stdout == "No run waits.\n"


def test_pause_and_resume(groundup: Command, busy: Platform) -> None:
    assert groundup("queue", "pause", "--reason", "maintenance").exit_code == 0
    assert "paused by ada since 2026-01-01 00:00:00: maintenance" in groundup("queue", "show").stdout
    assert groundup("queue", "resume").exit_code == 0
    assert busy.pause is None
    assert "paused" not in groundup("queue", "show").stdout


def test_drain_and_undrain(groundup: Command, busy: Platform) -> None:
    assert groundup("worker", "drain", "w1").stdout == "w1 is draining. 1 run there goes on to the end.\n"
    assert groundup("worker", "ls").stdout.splitlines()[1].split()[:2] == ["w1", "draining"]
    assert groundup("worker", "undrain", "w1").stdout == "w1 is online, and is no longer drained.\n"
    assert [json.loads(one.body) for one in busy.sent("POST", "/api/v1/workers/w1/drain")] == [{"drain": True}, {"drain": False}]
    refused = groundup("worker", "drain", "nobody")
    assert (refused.exit_code, refused.stderr.splitlines()[0]) == (1, "groundup: there is no worker nobody")


def test_a_share(groundup: Command, busy: Platform) -> None:
    assert groundup("project", "share", "p", "2.5").stdout == "p has weight 2.5.\n"
    assert "2.5" in groundup("queue", "show").stdout
    refused = groundup("project", "share", "p", "0")
    assert (refused.exit_code, "weight" in refused.stderr) == (1, True)
    assert groundup("project", "share", "p", "much").exit_code == 2
