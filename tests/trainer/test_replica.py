import os
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

from services.trainer.main_replica import Replica, lease_name
from tests.servers import wait_until

HOLD = """
import sys, time
from pathlib import Path
from services.trainer.main_replica import lease_name
held = lease_name(Path(sys.argv[1]), "w")
print(held[0], flush=True)
time.sleep(60)
"""
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_each_holder_has_a_name_of_its_own_and_a_free_one_is_given_again(tmp_path: Path) -> None:
    held = [lease_name(tmp_path / "names", "trainer") for _ in range(3)]
    assert [name for name, _ in held] == ["trainer-1", "trainer-2", "trainer-3"]
    held[1][1].close()
    again, lock = lease_name(tmp_path / "names", "trainer")
    assert again == "trainer-2"
    for open_lock in (held[0][1], held[2][1], lock):
        open_lock.close()


def test_a_killed_holder_lets_go(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "w-1"
        name, lock = lease_name(tmp_path, "w")
        lock.close()
        assert name == "w-2"
        holder.kill()
        holder.wait()
    name, lock = lease_name(tmp_path, "w")
    lock.close()
    assert name == "w-1"


def replica(agent: list[str], hints: list[str]) -> Replica:
    made = Replica("w-1", os.environ)
    made.agent_command, made.hints_command = agent, hints
    return made


def test_the_end_of_the_agent_is_the_end_of_all() -> None:
    assert replica([sys.executable, "-c", "raise SystemExit(3)"], SLEEP).run(Event()) == 1


def test_a_stop_is_passed_on() -> None:
    stopping = Event()
    stopping.set()
    assert replica(SLEEP, SLEEP).run(stopping) == 0


def test_the_celery_worker_is_started_again(tmp_path: Path) -> None:
    note = f"open({str(tmp_path / 'starts')!r}, 'a').write('x')"
    stopping, made = Event(), replica(SLEEP, [sys.executable, "-c", note])
    made.pause_seconds = 0
    thread = Thread(target=made.run, args=(stopping,))
    thread.start()
    try:
        wait_until(lambda: len((tmp_path / "starts").read_text()) >= 2, "a second start")
    finally:
        stopping.set()
        thread.join(20)
    assert not thread.is_alive()


def test_workers_are_named_and_keep_their_place_in_the_slots() -> None:
    made = Replica("trainer-2", {})
    assert made.environment["GROUNDUP_WORKER_NAME"] == made.environment["GROUNDUP_WORKER_HOST"] == "trainer-2"
    assert "worker.trainer-2" in made.hints_command
