import json
from pathlib import Path

import pytest
from groundup import Client
from groundup.doctor import diagnose

from tests.client.conftest import Command
from tests.client.platform import TOKEN, Platform, new_run
from tests.servers import free_port

SLOTS = [{"id": "h/cpu0", "device": "cpu"}, {"id": "h/cpu1", "attempt_id": "att_1"}]
WORKER = {"name": "w", "state": "online", "host": "h", "slots": SLOTS}
VERSION = {"id": "dsv_1", "dataset": "d", "version": 1, "bytes": 1, "files": 1}


@pytest.fixture
def healthy(platform: Platform) -> Platform:
    platform.workers = [WORKER]
    platform.versions = [VERSION]
    platform.checkpoints = [{"id": "ckp_1", "run_id": "run_1", "step": 1}]
    return platform


def diagnosis(groundup: Command, **env: str) -> tuple[int, dict[str, tuple[str, str, str]]]:
    result = groundup("doctor", "--json", **env)
    findings = {found["name"]: (found["state"], found["detail"], found["remedy"]) for found in json.loads(result.stdout)}
    return result.exit_code, findings


def test_all_is_well(groundup: Command, healthy: Platform, home: Path) -> None:
    (home / "data").mkdir()
    code, findings = diagnosis(groundup)
    assert code == 0
    assert {name for name, (state, _detail, _remedy) in findings.items() if state != "ok"} == {"scheduler"}
    assert findings["workers"][1] == "1 online, 1 of 2 slots free"
    assert findings["token"][1] == "you are tester, admin"
    assert "All is well." in groundup("doctor").stdout


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v1/runs", "api"),
        ("/api/v1/datasets/d/versions/1/documents", "storage and S3"),
        ("/api/v1/ws-tickets", "monitor and Redis"),
        ("/api/v1/workers", "workers"),
        ("/api/v1/generate", "generator"),
    ],
)
def test_what_is_down_is_named_with_a_remedy(groundup: Command, healthy: Platform, path: str, name: str) -> None:
    healthy.faults[path] = [503]
    code, findings = diagnosis(groundup)
    assert code == 1
    assert {found: value[0] for found, value in findings.items() if value[0] == "problem"} == {name: "problem"}
    assert findings[name][2] == "wait"


@pytest.mark.parametrize(("status", "state"), [(403, "ok"), (503, "problem"), (404, "skipped"), (None, "skipped")])
def test_s3_without_a_dataset(groundup: Command, healthy: Platform, status: int | None, state: str) -> None:
    """None: the dashboard answers in its place."""
    healthy.versions = []
    healthy.faults["/groundup/"] = [] if status is None else [status]
    assert diagnosis(groundup)[1]["storage and S3"][0] == state


@pytest.mark.parametrize(("reason", "state"), [("waits for the scheduler", "problem"), ("", "problem"), ("no worker is online", "skipped")])
def test_a_run_that_the_scheduler_does_not_look_at(client: Client, healthy: Platform, reason: str, state: str) -> None:
    healthy.runs["run_1"] = new_run("run_1", {}) | {"reason": reason}
    (found,) = [finding for finding in diagnose(client) if finding.name == "scheduler"]
    assert found.state == state
    assert (found.state == "problem") == ("run_1" in found.detail)


def test_a_scheduler_at_work(client: Client, healthy: Platform) -> None:
    healthy.runs["run_1"] = new_run("run_1", {}) | {"reason": "waits for the scheduler"}
    client.transport.sleep = lambda _seconds: healthy.runs["run_1"].update(reason="preparing the dataset: 1 %")
    assert [finding.state for finding in diagnose(client) if finding.name == "scheduler"] == ["ok"]


def test_no_server(groundup: Command, platform: Platform) -> None:
    code, findings = diagnosis(groundup, GROUNDUP_URL=f"http://127.0.0.1:{free_port()}")
    assert (code, list(findings)) == (1, ["configuration", "disk", "gateway"])
    assert "./run up" in findings["gateway"][2]


def test_no_token_and_a_wrong_one(groundup: Command, platform: Platform) -> None:
    _code, findings = diagnosis(groundup, GROUNDUP_TOKEN="")
    assert "none found" in findings["token"][1]
    code, findings = diagnosis(groundup, GROUNDUP_TOKEN="wrong")
    assert (code, findings["token"][1]) == (1, "no valid token")
    assert "GROUNDUP_TOKEN" in findings["token"][2]


def test_api_away_is_not_the_tokens_fault(groundup: Command, platform: Platform) -> None:
    platform.faults["/api/v1/me"] = [503]
    _code, findings = diagnosis(groundup)
    assert findings["api"][0] == "problem"
    assert "token" not in findings


def test_workers_that_drain_are_told(groundup: Command, healthy: Platform) -> None:
    healthy.workers = [WORKER, {**WORKER, "name": "w2", "state": "draining"}]
    assert "1 online, 1 of 2 slots free, 1 draining" in groundup("doctor").stdout
    healthy.workers = [{**WORKER, "state": "draining"}]
    assert "PROBLEM workers: all that are online are draining, so runs wait: w" in groundup("doctor").stdout


def test_workers_that_take_nothing_say_why(groundup: Command, healthy: Platform) -> None:
    halted = {**WORKER, "name": "w2", "state": "halted", "halted": "stopped by hand on its host: smoke"}
    healthy.workers = [WORKER, halted]
    assert "OK      workers: 1 online, 1 of 2 slots free, w2 is halted: stopped by hand on its host: smoke" in groundup("doctor").stdout
    healthy.workers = [halted, {**WORKER, "name": "w3", "state": "lost"}]
    state, detail, remedy = diagnosis(groundup)[1]["workers"]
    assert (state, "w2 is halted" in detail) == ("problem", True)
    assert "./run emergency-stop --reopen" in remedy


def test_a_closed_queue_is_told_with_who_and_how_to_open_it(groundup: Command, healthy: Platform) -> None:
    groundup("queue", "pause", "--reason", "upgrade")
    code, findings = diagnosis(groundup)
    assert code == 1
    assert findings["queue"] == ("problem", "paused by ada: upgrade; 0 waiting", "`groundup queue resume` reopens it")
    groundup("emergency-stop", "--reason", "smoke", "--yes")
    assert "closed by an emergency stop by ada: smoke" in diagnosis(groundup)[1]["queue"][1]
    groundup("emergency-stop", "--reopen")
    groundup("queue", "resume")
    assert diagnosis(groundup)[1]["queue"][:2] == ("ok", "open, 0 waiting")


def test_no_worker_is_a_problem(groundup: Command, healthy: Platform) -> None:
    healthy.workers = [{**WORKER, "state": "lost"}]
    result = groundup("doctor")
    assert result.exit_code == 1
    assert "PROBLEM workers: none is online, so runs wait; lost: w" in result.stdout
    assert result.stdout.splitlines()[-1] == "1 problem"


def test_a_new_server_and_a_viewer(groundup: Command, healthy: Platform) -> None:
    healthy.role, healthy.versions, healthy.checkpoints = "viewer", [], []
    code, findings = diagnosis(groundup)
    assert code == 0
    assert findings["generator"][0] == "skipped"
    assert [one.path for one in healthy.seen if one.method == "POST"] == ["/api/v1/ws-tickets"]
    assert TOKEN not in groundup("doctor").output
