"""The detectors as a process, killed for real, between a real Redis, a real api and a receiver of webhooks."""

import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import select
from werkzeug.serving import make_server

from services.monitor.alert_models import Alert, Delivery, NotificationTarget
from serving.database import Database
from shared.alerts import AlertsSpec
from shared.run_events import RunCreated
from shared.settings import Settings
from tests.api.conftest import migrate, stage_on
from tests.api.stage import Stage
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET
from tests.monitor.producing import Producer, migrated
from tests.monitor.watching import calm, losses
from tests.monitor.webhooks import Receiver, receiver, tarpit
from tests.servers import wait_until

ROOT = Path(__file__).parents[2]
WATCHED = AlertsSpec.model_validate({"loss_spike": {"action": "rollback"}, "max_rollbacks": 1})


@dataclass
class Place:
    """A run that trains, as the api knows it, and the detectors' database."""

    api: Stage
    database: Database
    environ: dict[str, str]
    run_id: str
    client: redis.Redis

    @contextmanager
    def detectors(self) -> Iterator[subprocess.Popen[bytes]]:
        child = subprocess.Popen([sys.executable, "-m", "services.monitor.main_detectors"], cwd=ROOT, env=self.environ)
        try:
            yield child
        finally:
            child.kill()
            child.wait()

    def rows(self, model: Any) -> list[Any]:
        with self.database.reading() as session:
            return list(session.scalars(select(model).order_by(model.id)))

    def commands(self) -> list[Any]:
        return list(self.api.get(f"/api/v1/runs/{self.run_id}/commands")["items"])


@pytest.fixture
def place(tmp_path: Path, settings: Settings, client: redis.Redis) -> Iterator[Place]:
    migrate(f"sqlite:///{tmp_path / 'api.db'}")
    with (
        stage_on(f"sqlite:///{tmp_path / 'api.db'}", settings) as api,
        closing(migrated(f"sqlite:///{tmp_path / 'monitor.db'}")) as database,
    ):
        run, attempt, fence = api.running()
        for step in (50, 100, 150):
            api.commit(attempt, fence, f"ckpt_{step}", step)
        api.beat(attempts=[{"attempt_id": attempt, "fence": fence, "progress": {"step": 160}}])
        server = make_server("127.0.0.1", 0, api.app, threaded=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield Place(api, database, environment(tmp_path, settings, server.server_port), run["id"], client)
        server.shutdown()
        thread.join()
        server.server_close()


def environment(folder: Path, settings: Settings, api_port: int) -> dict[str, str]:
    own = {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "GROUNDUP_DATA_DIR": str(folder),
        "GROUNDUP_API_URL": f"http://127.0.0.1:{api_port}",
        "GROUNDUP_REDIS_URL": settings.redis_url,
        "GROUNDUP_GATEWAY_SECRET": GATEWAY_SECRET,
        "GROUNDUP_JOIN_SECRET": JOIN_SECRET,
        "GROUNDUP_WEBHOOK_ALLOW": "127.0.0.1",
    }
    return {"PATH": os.environ["PATH"], **own}


@pytest.fixture
def hook(place: Place) -> Iterator[Receiver]:
    with receiver() as kept:
        with place.database.writing() as session:
            events = ["alert.warning", "alert.critical"]
            target = {"name": "x", "kind": "webhook", "url": kept.url, "secret": "s", "events": events, "created_by": "me"}
            session.add(NotificationTarget(id="ntf_1", created_at=1.0, **target))
        yield kept


def test_killed_between_finding_and_delivery_it_is_told_and_acted_on_once(place: Place, hook: Receiver) -> None:
    api = Producer("own-api", run_id=place.run_id, attempt=None)
    api.say(RunCreated(name="tiny", by="me", alerts=WATCHED))
    child = Producer("attempt-1", run_id=place.run_id, began=time.time())
    losses(child, 1, [*calm(120), 9.0, *calm(10), math.nan])
    hook.status = 503
    with place.detectors():
        api.publish(place.client)
        child.publish(place.client)
        wait_until(lambda: len(hook.bodies) == 1, "the first try", 60)
        wait_until(lambda: len(place.commands()) == 1, "the rollback is asked for", 60)
    hook.status = 200
    with place.detectors():
        wait_until(lambda: [row.state for row in place.rows(Delivery)] == ["delivered", "delivered"], "both arrive", 90)
        losses(child, 133, [*calm(30), 9.0])
        child.publish(place.client)
        wait_until(lambda: len(place.rows(Alert)) == 3, "another spike", 60)
        wait_until(lambda: place.rows(Alert)[2].action_state == "refused", "it is refused", 60)
    spike, nan, again = place.rows(Alert)
    assert (spike.key, spike.action_state, nan.key, nan.action_state) == ("loss_spike", "requested", "nan", "none")
    assert again.action_reason
    (command,) = place.commands()
    assert (command["type"], command["by"], command["arguments"]["checkpoint_id"]) == ("rollback", "detector loss_spike", "ckpt_100")
    assert command["command_id"] == spike.command_id
    assert [head["X-Groundup-Delivery"] for head in hook.headers[:3]] == ["ntf_1.1", "ntf_1.1", "ntf_1.2"]


def test_a_target_that_never_answers_does_not_hold_up_the_end(place: Place) -> None:
    with tarpit("interim answers") as pit:
        with place.database.writing() as session:
            target = {"name": "x", "kind": "webhook", "url": pit.url, "secret": "s", "events": ["run.failed"], "created_by": "me"}
            session.add(NotificationTarget(id="ntf_1", created_at=1.0, **target))
            waiting = {"subject": "test", "type": "Test", "body": {"type": "Test", "at": 1.0}, "state": "pending"}
            session.add(Delivery(target_id="ntf_1", created_at=1.0, next_at=1.0, **waiting))
        with place.detectors() as child:
            wait_until(lambda: pit.opened > 0, "it is sent", 60)
            child.send_signal(signal.SIGTERM)
            assert child.wait(4) == 0, "one try takes 5 s"
    (row,) = place.rows(Delivery)
    assert (row.state, row.tries) == ("pending", 0)
