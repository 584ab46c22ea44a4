import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from celery import Celery
from prometheus_client import CollectorRegistry

from services.trainer import hints
from services.trainer.children import MARK
from services.trainer.main_agent import only_one
from services.trainer.recovery import prune, recover
from services.trainer.rundir import AttemptOrder, RunDirectory, TokenFiles
from services.trainer.settings import AgentSettings, worker_name
from services.trainer.shipper import Shipper
from services.trainer.slots import find_slots
from services.trainer.spool import SpoolWriter
from shared import bus
from shared.errors import EnvironmentFault
from shared.names import START_ATTEMPT_TASK, worker_queue
from shared.settings import Settings
from shared.spec import RunSpec
from shared.training_events import LogWritten
from tests.servers import free_port, wait_until
from tests.streams import read_entry
from tests.trainer.platform import SPEC


@pytest.fixture
def environ(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "GROUNDUP_DATA_DIR": str(settings.data_dir),
        "GROUNDUP_REDIS_URL": settings.redis_url,
        "GROUNDUP_GATEWAY_SECRET": settings.gateway_secret,
        "GROUNDUP_JOIN_SECRET": settings.join_secret,
        "GROUNDUP_API_URL": f"http://127.0.0.1:{free_port()}",
        "GROUNDUP_WORKER_NAME": "tester",
        "GROUNDUP_DEVICE": "cpu",
        "GROUNDUP_AGENT_PORT": str(free_port()),
    }


@contextlib.contextmanager
def started(arguments: list[str], environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-m", *arguments], env=environ, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("module", ["services.trainer.main_agent", "services.trainer.worker"])
def test_agent_and_celery_worker_never_import_torch(module: str, environ: dict[str, str]) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=environ, check=False).returncode == 0


def test_the_agent_starts_without_an_api_and_ends_on_sigterm(environ: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{environ['GROUNDUP_AGENT_PORT']}"
    with started(["services.trainer.main_agent"], environ) as agent:
        wait_until(lambda: httpx.get(f"{url}/healthz").status_code == 200, "the agent answers")
        assert httpx.get(f"{url}/readyz").status_code == 503
        second = subprocess.run([sys.executable, "-m", "services.trainer.main_agent"], env=environ, capture_output=True, check=False)
        assert second.returncode == 1
        assert b"another agent works in" in second.stderr
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(10) == 0


BAD = [
    ("GROUNDUP_GRACE_SECONDS", "soon"),
    ("GROUNDUP_GRACE_SECONDS", "-1"),
    ("GROUNDUP_HANG_SECONDS", "nan"),
    ("GROUNDUP_SPOOL_BYTES", "1000"),
    ("GROUNDUP_SPOOL_BYTES", "2 GiB"),
    ("GROUNDUP_INTERRUPTION_URL", "metadata/notice"),
    ("GROUNDUP_INTERRUPTION_URL", "http://["),
]


@pytest.mark.parametrize(
    ("name", "value"),
    [("GROUNDUP_WORKER_NAME", "Not A Name"), ("GROUNDUP_SLOTS", "0"), ("GROUNDUP_SLOTS", "many"), ("GROUNDUP_DEVICE", "tpu"), *BAD],
)
def test_bad_settings_are_named(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(EnvironmentFault, match=name):
        AgentSettings.read({name: value}, tmp_path)


def test_cpu_slots_are_the_host_and_an_index(tmp_path: Path) -> None:
    settings = AgentSettings.read({"GROUNDUP_SLOTS": "3", "GROUNDUP_DEVICE": "cpu"}, tmp_path)
    assert [slot.id for slot in find_slots(settings)] == [f"{settings.host}/cpu{index}" for index in range(3)]
    assert worker_name({}) == AgentSettings.read({}, tmp_path).name


def test_only_one_agent_per_folder(tmp_path: Path) -> None:
    with only_one(tmp_path), pytest.raises(EnvironmentFault, match="another agent"):
        only_one(tmp_path)
    only_one(tmp_path).close()


def test_a_hint_travels_through_celery(environ: dict[str, str], settings: Settings) -> None:
    poked = threading.Event()
    options = {"registry": CollectorRegistry(), "join_secret": settings.join_secret}
    server = hints.serve(int(environ["GROUNDUP_AGENT_PORT"]), poke=poked.set, ready=lambda: True, **options)  # type: ignore[arg-type]
    arguments = ["-A", "services.trainer.worker", "worker", "-Q", worker_queue("tester"), "--pool=threads", "--concurrency=2"]
    with started(["celery", *arguments], environ) as worker, Celery("sender", broker=settings.redis_url, set_as_current=False) as sender:
        sender.send_task(START_ATTEMPT_TASK, queue=worker_queue("tester"), ignore_result=True)
        assert poked.wait(30)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(15) == 0
    server.shutdown()
    server.server_close()


def test_what_an_earlier_agent_left_is_ended_shipped_and_removed(settings: Settings) -> None:
    attempts = settings.data_dir / "attempts"
    directory = RunDirectory(attempts / "att_old")
    directory.root.mkdir(parents=True)
    tokens = TokenFiles(dtype="uint16", tokens=1, vocab_size=1, end_of_text=0, token_bytes=[1], files=["shard"])
    order = AttemptOrder(run_id="run_a", attempt=1, fence=7, spec=RunSpec.model_validate(SPEC), device="cpu", data=tokens)
    directory.order.write_text(order.model_dump_json())
    spool = SpoolWriter(directory.spool, run_id="run_a", attempt=1, fence=7, producer="attempt-1")
    spool.emit(LogWritten(rank=0, lines=["unshipped"]))
    spool.close()
    with bus.connect(settings.redis_url) as client, orphan("att_old") as process:
        shipper = Shipper(client)
        recover(attempts, shipper, threading.Event())
        process.wait(5)
        shipper.start()
        wait_until(lambda: not directory.root.exists(), "the folder is gone")
        shipper.stop()
        entries: Any = client.xrange(bus.stream_key("run_a"))
        events = [read_entry(entry_id, fields, "e").event.type for entry_id, fields in entries]
    assert events == ["LogWritten", "ProcessDied"]


def test_tokens_unused_for_a_week_leave_the_cache(tmp_path: Path) -> None:
    for name, days in (("used", 6), ("unused", 8)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, time.time() - days * 86_400))
    prune(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["used"]
    prune(tmp_path / "not there")


@contextlib.contextmanager
def orphan(attempt_id: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"], env={**os.environ, MARK: attempt_id}) as process:
        yield process
        process.kill()
