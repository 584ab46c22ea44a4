import json

import pytest
from groundup import Client, Unreachable
from groundup.log_following import LogFollower, Question

from tests.client.conftest import Command
from tests.client.logged import log_line
from tests.client.platform import TOKEN, Platform, new_run

PATH = "/api/v1/runs/run_1/logs"


@pytest.fixture
def logged(platform: Platform) -> Platform:
    """Lines 0 to 79 of ranks 0 and 1; the first error is in line 60, of rank 0."""
    platform.runs["run_1"] = new_run("run_1", {"name": "first"}) | {"state": "succeeded"}
    texts = [f"step {number}" for number in range(80)]
    texts[60], texts[71] = "ValueError: first", "KeyError: second"
    platform.lines += [log_line(number, text, number % 2) for number, text in enumerate(texts)]
    return platform


def numbers(groundup: Command, *words: str) -> list[int]:
    result = groundup("run", "logs", "first", *words)
    assert result.exit_code == 0, result.output
    return [int(line.split()[0]) for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ([], list(range(80))),
        (["--from", "77"], [77, 78, 79]),
        (["--last", "2"], [78, 79]),
        (["--last", "0"], []),
        (["--last", "9", "--from", "78"], [78, 79]),
        (["--rank", "1", "--from", "74"], [75, 77, 79]),
        (["--find", "STEP 7", "--last", "2"], [78, 79]),
        (["--find", "nowhere"], []),
        (["--errors"], [60, 71]),
        (["--errors", "--rank", "1"], [71]),
        (["--first-error"], list(range(50, 80))),
        (["--first-error", "--from", "61", "--rank", "1"], list(range(51, 80, 2))),
        (["--last", "2", "--follow"], [78, 79]),
        (["--errors", "--follow"], [60, 71]),
        (["--first-error", "--follow"], list(range(50, 80))),
    ],
)
def test_which_lines_are_shown(groundup: Command, logged: Platform, words: list[str], lines: list[int]) -> None:
    assert numbers(groundup, *words) == lines


def test_a_line_has_its_number_and_rank_or_is_json(groundup: Command, logged: Platform) -> None:
    assert groundup("run", "logs", "first", "--errors", "--last", "1").stdout == "     71  r1   KeyError: second\n"
    assert json.loads(groundup("run", "logs", "first", "--errors", "--last", "1", "--json").stdout) == logged.lines[71]


def test_no_error_is_told(groundup: Command, logged: Platform) -> None:
    result = groundup("run", "logs", "first", "--first-error", "--from", "72")
    assert result.exit_code == 1
    assert "no line tells an error" in result.stderr


def test_what_excludes_each_other_is_wrong_usage(groundup: Command, logged: Platform) -> None:
    result = groundup("run", "logs", "first", "--first-error", "--last", "3")
    assert result.exit_code == 2
    assert "--first-error" in result.stderr


def test_ctrl_c_ends_quietly(groundup: Command, logged: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_follower: LogFollower) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LogFollower, "news", interrupt)
    result = groundup("run", "logs", "first", "--follow", "--last", "1")
    assert (result.exit_code, result.stderr) == (130, "")
    assert result.stdout.split()[0] == "79"


def test_lines_that_come_are_followed_over_a_restart_until_the_run_ends(logged: Platform) -> None:
    logged.runs["run_1"]["state"] = "running"
    looks: list[int] = []

    def meanwhile(_seconds: float) -> None:
        looks.append(len(looks))
        if looks[-1] == 0:
            logged.lines.append(log_line(80, "step 80"))
            logged.faults[PATH] = [502, "cut"]
        if looks[-1] == 3:
            logged.lines.append(log_line(81, "the last Error: x"))
            logged.runs["run_1"]["state"] = "failed"

    with Client(logged.url, TOKEN, retries=0) as client:
        news = list(LogFollower(client, "run_1", Question(), line=79, sleep=meanwhile).news())
    assert [line.line for one in news for line in one.lines] == [79, 80, 81]
    assert [bool(one.lost) for one in news].count(True) == 2
    assert news[-1].lost == ""


def test_a_server_that_stays_away_is_told(logged: Platform) -> None:
    with Client("http://127.0.0.1:9", TOKEN, retries=0) as client, pytest.raises(Unreachable):
        list(LogFollower(client, "run_1", Question(), patience=-1, sleep=lambda _seconds: None).news())
