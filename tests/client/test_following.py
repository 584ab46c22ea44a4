import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from groundup import ApiProblem, Client, Unreachable
from groundup.cli_follow import PlainLines
from groundup.following import Follower, View

from tests.client.conftest import Command
from tests.client.platform import TOKEN, Platform, new_run

RUNNING: dict[str, Any] = {"state": "running", "reason": "", "attempts": [{"id": "att_1", "attempt": 1, "state": "running"}]}


@pytest.fixture
def run_id(platform: Platform) -> str:
    platform.runs["run_1"] = new_run("run_1", {"name": "first", "train": {"steps": 100}})
    return "run_1"


def points(attempt: int, x: list[int], values: list[float]) -> dict[str, Any]:
    lists = {"min": values, "max": values, "mean": values, "last": values, "count": [1] * len(x), "nan": [0] * len(x)}
    return {"name": "train/loss", "attempt": attempt, "x": x} | lists


def event(seq: int, **body: Any) -> dict[str, Any]:
    return {
        "run_id": "run_1",
        "attempt": 1,
        "producer": "p",
        "producer_seq": seq,
        "at": float(seq),
        "epoch": "e",
        "seq": seq,
        "event": body,
    }


def follow(platform: Platform, run_id: str, sleep: Callable[[float], None], patience: float = 60) -> list[View]:
    with Client(platform.url, TOKEN, retries=0) as client:
        return list(Follower(client, run_id, patience=patience, sleep=sleep).views())


def test_a_run_from_its_wait_to_its_end(platform: Platform, run_id: str) -> None:
    platform.series = [points(1, [1, 2], [4.0, 3.5])]
    evaluation = event(1, type="EvaluationCompleted", step=2, tokens=1, metrics={"val/loss": 3.25, "val/bpb": None})
    platform.events = [evaluation, event(2, type="CheckpointCommitted", checkpoint_id="ckp_1", step=2, bytes=2_500_000)]
    final = {"state": "succeeded", "progress": {"step": 100, "steps": 100, "loss": 3.5}}
    platform.runs[run_id]["script"] = [RUNNING, {}, final]
    views = follow(platform, run_id, lambda _seconds: None)
    assert [view.status for view in views[:2]] == ["queued: preparing the dataset: 43 %", "running"]
    assert [view.step for view in views] == [0, 2, 2, 100, 100]
    assert views[1].loss == 3.5
    assert [line for view in views for line in view.news] == [
        "step 2: evaluation  val/loss 3.2500",
        "step 2: checkpoint ckp_1 (2.5 MB)",
    ]


def test_a_restart_is_told_and_counts_from_its_checkpoint(platform: Platform, run_id: str) -> None:
    platform.runs[run_id] |= RUNNING
    platform.series = [points(1, [49, 50], [3.0, 2.9])]
    first = {**RUNNING["attempts"][0], "state": "lost", "reason": "its process died"}
    second = {"id": "att_2", "attempt": 2, "state": "running", "resume_step": 40}
    platform.runs[run_id]["script"] = [{"attempts": [first, second]}, {}, {"state": "failed"}]

    def sleep(_seconds: float) -> None:
        if len(platform.runs[run_id]["attempts"]) == 2:
            platform.series = [points(1, [49, 50], [3.0, 2.9]), points(2, [41, 42], [3.2, 3.1])]

    views = follow(platform, run_id, sleep)
    assert [view.step for view in views][:3] == [50, 42, 42]
    assert [line for view in views for line in view.news] == ["restart: attempt 2 from step 40 (its process died)"]


def test_following_goes_on_over_a_restart_of_the_server(home: object) -> None:
    platform = Platform()
    server = platform.serving()
    server.__enter__()
    platform.runs["run_1"] = new_run("run_1", {"name": "first"}) | RUNNING
    states: list[str] = []

    def sleep(_seconds: float) -> None:
        nonlocal server
        states.append("down" if platform.runs["run_1"].get("down") else "up")
        if len(states) == 1:
            server.__exit__(None, None, None)
            platform.runs["run_1"]["down"] = True
        elif len(states) == 3:
            platform.runs["run_1"] |= {"state": "succeeded", "down": False}
            server = platform.serving()
            server.__enter__()

    try:
        views = follow(platform, "run_1", sleep)
    finally:
        server.__exit__(None, None, None)
    assert [bool(view.lost) for view in views] == [False, True, True, False, False]
    assert views[-1].status == "succeeded"
    assert views[1].status == "running"


def test_a_busy_server_is_waited_for_and_a_refusal_is_not(platform: Platform, run_id: str) -> None:
    platform.runs[run_id] |= {"state": "succeeded"}
    platform.faults["/api/v1/runs/run_1"] = [503]
    assert [bool(view.lost) for view in follow(platform, run_id, lambda _seconds: None)] == [True, False, False]
    platform.faults["/api/v1/runs/run_1"] = [404]
    with pytest.raises(ApiProblem):
        follow(platform, run_id, lambda _seconds: None)


def test_patience_with_a_server_that_stays_away_ends(home: object) -> None:
    with Platform().serving() as platform:
        pass
    with pytest.raises(Unreachable):
        follow(platform, "run_1", lambda _seconds: None, patience=0)


def test_history_of_an_ended_run_is_not_waited_for(platform: Platform, run_id: str) -> None:
    platform.runs[run_id] |= RUNNING | {"state": "succeeded"}
    platform.faults["/api/v1/runs/run_1/metrics"] = [503] * 9
    assert [view.lost for view in follow(platform, run_id, lambda _seconds: None)] == ["", ""]


def test_plain_lines_come_with_changes_and_every_few_seconds(
    capsys: pytest.CaptureFixture[str], platform: Platform, client: Client
) -> None:
    platform.runs["run_1"] = new_run("run_1", {}) | RUNNING
    run, now = client.runs.get("run_1"), [0.0]
    lines = PlainLines(clock=lambda: now[0])
    for at, view in [
        (0, View(run, 1, 100, 4.0)),
        (1, View(run, 2, 100, 3.9)),
        (6, View(run, 7, 100, 3.5, 12_345.0, 70.0)),
        (7, View(run, 7, 100, lost="gone")),
        (8, View(run, 7, 100, lost="still gone")),
    ]:
        now[0] = at
        lines.show(view)
    assert capsys.readouterr().out.splitlines() == [
        "running  step 1/100  loss 4.0000",
        "running  step 7/100  loss 3.5000  12.3k tokens/s  1:10 left",
        "reconnecting (gone)",
    ]


def test_the_exit_code_is_the_runs(groundup: Command, platform: Platform, run_id: str) -> None:
    platform.runs[run_id] |= {"state": "failed", "reason": "the loss is NaN"}
    result = groundup("run", "follow", "first")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (1, "first failed: the loss is NaN")


def test_ctrl_c_leaves_the_run_and_says_how_to_return(groundup: Command, platform: Platform, run_id: str) -> None:
    platform.runs[run_id]["script"] = _Interrupting()
    result = groundup("run", "follow", "first")
    assert result.exit_code == 130
    assert "groundup run follow run_1" in result.stdout
    assert not platform.sent("POST", "/api/v1/runs/run_1/commands")


class _Interrupting(list[dict[str, Any]]):
    """A run's script whose first line is somebody's Ctrl-C."""

    def __bool__(self) -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        return False
