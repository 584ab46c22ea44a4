import ast
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import crash

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    crash.disarm()


def test_unarmed_points_do_nothing() -> None:
    for name in crash.POINTS:
        crash.crash_point(name)


@pytest.mark.parametrize(("setting", "survived"), [("commit.before", 0), ("commit.before:3", 2), ("evaluation,commit.before:2", 1)])
def test_an_armed_one_kills_as_kill_9_does(setting: str, survived: int) -> None:
    code = "import sys; from shared.crash import arm, crash_point; arm(sys.argv[1])\n"
    code += "for turn in range(9): crash_point('commit.before'); print(turn, flush=True)"
    done = subprocess.run([sys.executable, "-c", code, setting], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert done.stdout.split() == [str(turn) for turn in range(survived)]


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'nowhere' is no crash point; known are step\.before_backward"):
        crash.arm("nowhere:2")


def test_every_point_is_in_the_code_once_and_none_else() -> None:
    found = [name for path in (ROOT / "services").rglob("*.py") for name in points_of(path)]
    assert sorted(found) == sorted(crash.POINTS)


def points_of(path: Path) -> list[str]:
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "crash_point"]
    return [str(call.args[0].value) for call in named if isinstance(call.args[0], ast.Constant)]


def test_the_documentation_names_every_point() -> None:
    told = (ROOT / "docs" / "checkpoints.md").read_text()
    assert not [name for name in crash.POINTS if not re.search(rf"`{re.escape(name)}`", told)]
