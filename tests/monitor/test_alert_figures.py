"""What the monitor's `/metrics` tells of the detectors, which are another process."""

import math
from typing import Any

import redis
from prometheus_client.parser import text_string_to_metric_families

from services.monitor.alert_models import Delivery
from services.monitor.app import create_app
from services.monitor.lease import LEASE_SECONDS
from serving.database import Database
from shared.cluster_events import StorageLevelChanged
from shared.settings import Settings
from tests.monitor.producing import Producer
from tests.monitor.watching import Watching, calm, losses, run_of


def figures(http: Any) -> dict[str, float]:
    """`name` or `name{label}`."""
    families = text_string_to_metric_families(http.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples]
    return {"".join([each.name, *(f"{{{value}}}" for value in each.labels.values())]): each.value for each in samples}


def test_how_far_the_detectors_are_and_what_is_open(http: Any, client: redis.Redis, sqlite: Database) -> None:
    api, child = run_of()
    losses(child, 1, [*calm(10), math.nan])
    cluster = Producer("api", run_id="cluster", attempt=None)
    cluster.say(StorageLevelChanged(level="full", message="all taken"))
    for producer in (api, child, cluster):
        producer.publish(client)
    before = figures(http)
    assert (before["groundup_detectors_up"], before["groundup_detectors_lag"], before["groundup_detectors_missed"]) == (0, 14, 0)
    watching = Watching(client, sqlite)
    watching.clock.now = 4e9
    watching.restart()
    watching.see()
    after = figures(http)
    lag = after["groundup_detectors_lag"]
    assert 0 < lag < 14, "only the events about the alerts are new"
    watching.see()
    watching.clock.now += LEASE_SECONDS / 2
    watching.see()
    assert figures(http)["groundup_detectors_lag"] == 0
    opened = {name: value for name, value in after.items() if name.startswith("groundup_alerts_open") and value}
    assert opened == {"groundup_alerts_open{nan}": 1, "groundup_alerts_open{disk}": 1}
    assert after["groundup_detectors_up"] == 1


def test_notifications_that_have_not_arrived(http: Any, sqlite: Database) -> None:
    with sqlite.writing() as session:
        for number, state in enumerate(["pending", "pending", "dead", "delivered"]):
            session.add(Delivery(target_id="t", subject=str(number), type="Test", body={}, state=state, created_at=1.0))
    told = figures(http)
    assert [told[f"groundup_deliveries{{{state}}}"] for state in ("pending", "dead", "dropped")] == [2, 1, 0]
    assert told["groundup_deliveries_oldest_seconds"] > 1e9


def test_without_redis_the_rest_is_told(settings: Settings, sqlite: Database) -> None:
    told = figures(create_app(settings, sqlite, redis.Redis(port=1)).test_client())
    assert "groundup_events_ingested_total" in told
    assert "groundup_detectors_up" in told
    assert "groundup_detectors_lag" not in told
