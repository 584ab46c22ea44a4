"""The processes: gunicorn's entry point, the scheduler with a real queue, SIGTERM."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
import redis

from services.api.hints import Hints
from services.api.models import Run
from services.api.scheduler import Scheduler
from shared.bus import connect
from shared.names import START_ATTEMPT_TASK, worker_queue
from shared.settings import Settings
from tests.api.conftest import migrate
from tests.api.stage import Stage
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET
from tests.servers import free_port, wait_until

ROOT = Path(__file__).parent.parent.parent


def test_a_hint_is_one_short_message_in_the_workers_queue(settings: Settings) -> None:
    hints = Hints(settings.redis_url)
    hints.send("w1")
    hints.close()
    with redis.Redis.from_url(settings.redis_url) as client:
        (message,) = cast(Any, client.lrange(worker_queue("w1"), 0, -1))
    headers = json.loads(message)["headers"]
    assert headers["task"] == START_ATTEMPT_TASK
    assert headers["expires"] is not None


def test_a_hint_without_redis_fails_at_once() -> None:
    hints = Hints(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(Exception, match="refused"):
        hints.send("w1")
    hints.close()


def test_silence_counts_only_while_the_scheduler_listens(stage: Stage, settings: Settings) -> None:
    with connect(settings.redis_url) as client:
        scheduler = Scheduler(settings, stage.database, stage.storage, client=client, send_hint=lambda _: None)
        run, _attempt, _fence = stage.running()
        stage.now += 3600  # everything was off, or the laptop slept
        scheduler.tick(stage.now)
        assert stage.run(run["id"])["state"] == "running"
        for _ in range(7):
            stage.now += settings.lease_seconds / 6
            scheduler.tick(stage.now)
        assert stage.run(run["id"])["state"] == "queued"


def test_one_step_that_fails_does_not_stop_the_others(stage: Stage, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    stage.storage.prepared = cast(Any, None)  # makes the first step raise
    with connect(settings.redis_url) as client:
        scheduler = Scheduler(settings, stage.database, stage.storage, client=client, send_hint=lambda _: None)
        stage.beat()
        stage.submit()
        for _ in range(3):
            stage.now += 5
            scheduler.tick(stage.now)
        assert scheduler.failing == {"preparing"}
        assert len([record for record in caplog.records if "preparing fails" in record.message]) == 1
        stage.now += settings.lease_seconds + 1
        scheduler.tick(stage.now)
        stage.now += settings.lease_seconds / 2
        scheduler.tick(stage.now)
        stage.now += settings.lease_seconds / 2
        scheduler.tick(stage.now)
    assert "WorkerLost" in {event["type"] for event in stage.events("cluster")}


def environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "GROUNDUP_DATA_DIR": str(settings.data_dir),
        "GROUNDUP_REDIS_URL": settings.redis_url,
        "GROUNDUP_STORAGE_URL": f"http://127.0.0.1:{free_port()}",
        "GROUNDUP_GATEWAY_SECRET": GATEWAY_SECRET,
        "GROUNDUP_JOIN_SECRET": JOIN_SECRET,
    }


def test_the_process_works_and_ends_on_sigterm(stage: Stage, settings: Settings, tmp_path: Path) -> None:
    settings.data_dir.mkdir()
    url = f"sqlite:///{tmp_path / 'api.db'}"
    stage.submit()
    command = [sys.executable, "-m", "services.api.main_scheduler"]
    with subprocess.Popen(
        command, cwd=ROOT, env={**environment(settings), "GROUNDUP_API_DATABASE_URL": url}, stderr=subprocess.PIPE
    ) as process:
        try:
            with redis.Redis.from_url(settings.redis_url) as client:
                wait_until(lambda: bool(client.exists("events:stream:cluster")), "the outbox is relayed")

            def waits_for_storage() -> bool:
                with stage.database.reading() as session:
                    return session.query(Run).one().reason.startswith("waits for storage")

            wait_until(waits_for_storage, "the run says what it waits for")
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == 0
    assert b"preparing fails" in log


def test_gunicorns_entry_point_starts(settings: Settings, tmp_path: Path) -> None:
    settings.data_dir.mkdir()
    migrate(f"sqlite:///{settings.data_dir / 'api.db'}")
    program = "from services.api.wsgi import app, database; print(app.test_client().get('/readyz').status_code); database.close()"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment(settings), capture_output=True, timeout=60, check=False
    )
    assert done.stdout.strip() == b"200", done.stderr.decode()
    assert (settings.data_dir / "admin-token").exists()
