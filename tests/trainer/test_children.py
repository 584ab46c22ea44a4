import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.embedded import MARK as EMBEDDED
from services.trainer.children import MARK, Child, child_environment, kill_marked, start, torchrun
from services.trainer.rundir import RunDirectory
from tests.servers import wait_until

RANK = """
import os, pathlib, time
pathlib.Path({pids!r}, "rank" + os.environ["RANK"]).write_text(str(os.getpid()))
while True:
    time.sleep(0.05)
"""


@pytest.fixture
def directory(tmp_path: Path) -> RunDirectory:
    for name in ("pids", "logs"):
        (tmp_path / name).mkdir()
    return RunDirectory(tmp_path)


@pytest.fixture
def mark(directory: RunDirectory) -> Iterator[str]:
    name = f"att_{os.getpid()}_{directory.root.name}"
    yield name
    kill_marked(name)


def started(directory: RunDirectory, mark: str, command: list[str], processes: int = 1) -> Child:
    return start(command, directory, child_environment(os.environ, mark, [], 1), processes)


def wait_for_end(child: Child, seconds: float = 10) -> None:
    wait_until(lambda: not child.running(), "the end", seconds)
    child.kill()


def test_torchrun_says_what_we_listen_for(directory: RunDirectory, mark: str) -> None:
    """With the real torchrun: kill -9 of one rank is seen, and after the other is killed too, it tells which was first."""
    script = directory.root / "rank.py"
    script.write_text(RANK.format(pids=str(directory.root / "pids")))
    command = torchrun(sys.executable, directory.root, 2, mark)
    child = started(directory, mark, [*command[: command.index("-m", 2)], str(script)], processes=2)
    wait_until(lambda: child.running() and len(child.ranks) == 2, "both ranks", 60)
    assert not child.failing()
    killed_at = time.monotonic()
    child.ranks[1].kill()
    wait_until(lambda: child.running() and child.failing(), "torchrun ends the rest, or has done so", 5)
    child.kill_ranks()
    wait_for_end(child, 5)
    assert time.monotonic() - killed_at < 5
    assert child.death() == "rank 1 was killed by signal 9 (Killed)"


def test_kill_reaches_every_session_and_stray(directory: RunDirectory, mark: str) -> None:
    stray = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)'], start_new_session=True);"
    child = started(directory, mark, [sys.executable, "-c", f"{stray} time.sleep(99)"])
    wait_until(lambda: len(marked(mark)) == 2, "the launcher and its stray child")
    child.kill()
    assert marked(mark) == []
    assert child.death() == "the launcher was killed by signal 9 (Killed)"


def marked(mark: str) -> list[psutil.Process]:
    def carries(process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == mark
        except psutil.Error:
            return False

    return [process for process in psutil.process_iter() if carries(process)]


def test_an_older_process_with_a_rank_s_number_is_not_taken_for_it(directory: RunDirectory, mark: str) -> None:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"]) as bystander:
        wait_until(lambda: time.time() > psutil.Process(bystander.pid).create_time() + 1.1, "it is older than the child")
        directory.pid(0).write_text(str(bystander.pid))
        child = started(directory, mark, [sys.executable, "-c", "import time; time.sleep(99)"])
        assert child.running()
        child.kill()
        assert bystander.poll() is None
        bystander.kill()
    assert child.ranks == {}


def test_a_younger_process_that_got_a_dead_rank_s_number_is_not_taken_for_it(directory: RunDirectory, mark: str) -> None:
    """An agent that adopts after hours finds numbers that are used again; it would end a stranger's process group."""
    child = started(directory, mark, [sys.executable, "-c", "import time; time.sleep(99)"])
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"], start_new_session=True) as bystander:
        directory.pid(0).write_text(str(bystander.pid))
        noted = psutil.Process(bystander.pid).create_time() - 2
        os.utime(directory.pid(0), (noted, noted))
        assert child.running()
        child.kill()
        assert bystander.poll() is None
        bystander.kill()
    assert child.ranks == {}


def test_what_cannot_be_noted_does_not_run(directory: RunDirectory, mark: str) -> None:
    """The next agent would not know of it, and this one reports that it could not be set up."""
    directory.launcher.mkdir()  # in the way
    with pytest.raises(OSError, match=r"launcher\.json"):
        started(directory, mark, [sys.executable, "-c", "import time; time.sleep(99)"])
    assert marked(mark) == []


@pytest.mark.parametrize(
    "command",
    [
        "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
        "print('failed (exitcode: 75) local_rank: 0 (pid: 5) of binary: x'); raise SystemExit(1)",
        "print('Received 15 death signal, shutting down workers'); raise SystemExit(1)",
    ],
)
def test_who_was_asked_to_end_by_somebody_else(directory: RunDirectory, mark: str, command: str) -> None:
    child = started(directory, mark, [sys.executable, "-u", "-c", command])
    wait_for_end(child)
    assert child.was_asked()


@pytest.mark.parametrize("content", ["", "not a number", "999999999"])
def test_a_pid_file_that_says_nothing_useful_is_left_alone(directory: RunDirectory, mark: str, content: str) -> None:
    directory.pid(0).write_text(content)
    child = started(directory, mark, [sys.executable, "-c", ""])
    wait_for_end(child)
    assert child.ranks == {}


def test_the_rank_s_own_log_tells_why(directory: RunDirectory, mark: str) -> None:
    directory.log(1).write_text("\n".join(f"line {number}" for number in range(100)))
    told = "failed (exitcode: 3) local_rank: 1 (pid: 5) of binary: x"
    child = started(directory, mark, [sys.executable, "-c", f"print({told!r}); raise SystemExit(1)"])
    wait_for_end(child)
    assert child.death() == "rank 1 ended with exit code 3; last lines of the log: line 95 | line 96 | line 97 | line 98 | line 99"


def test_without_a_rank_the_launcher_s_log_tells_why(directory: RunDirectory, mark: str) -> None:
    child = started(directory, mark, [sys.executable, "-c", "raise ImportError('no such thing')"])
    wait_for_end(child)
    assert child.death().startswith("the launcher ended with exit code 1; last lines of the log:")
    assert "no such thing" in child.death()


def test_before_there_are_ranks_the_launcher_is_asked_to_end(directory: RunDirectory, mark: str) -> None:
    child = started(directory, mark, [sys.executable, "-c", "import time; time.sleep(99)"])
    child.terminate_ranks()
    wait_for_end(child)
    assert child.launcher.returncode == -signal.SIGTERM


def test_the_environment_is_small(directory: RunDirectory) -> None:
    given = {"PATH": "/bin", "HOME": "/root", "GROUNDUP_JOIN_SECRET": "secret", EMBEDDED: "/data", "AWS_SECRET_ACCESS_KEY": "secret"}
    environment = child_environment(given, "att_1", ["GPU-1", "GPU-2"], 3)
    assert set(environment) == {"PATH", "HOME", "PYTHONPATH", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", MARK, EMBEDDED}
    assert environment[EMBEDDED] == "/data"
    assert child_environment({**given, "CRASH_AT": "evaluation:2"}, "att_1", [], 1)["CRASH_AT"] == "evaluation:2"
    assert (environment["CUDA_VISIBLE_DEVICES"], environment["OMP_NUM_THREADS"]) == ("GPU-1,GPU-2", "3")
