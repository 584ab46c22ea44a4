"""The detectors between Redis and database: found once, told once, whatever dies in between."""

import math

import pytest
import redis

from services.monitor import alerting
from services.monitor.alerting import OUTBOX
from services.monitor.lease import LEASE_SECONDS, Holder, LeaseLost
from serving.database import Database
from shared import bus
from shared.alert_events import DetectorCleared, DetectorFired
from shared.cluster_events import HostSampled, StorageLevelChanged
from shared.events import AnyEvent, Record, unpack
from shared.run_events import RunDeleted, RunStateChanged
from tests.monitor.producing import RUN, Producer
from tests.monitor.watching import Watching, calm, losses, run_of


@pytest.fixture
def watching(client: redis.Redis, database: Database) -> Watching:
    return Watching(client, database)


@pytest.fixture
def lone(client: redis.Redis, sqlite: Database) -> Watching:
    return Watching(client, sqlite)


def events_on(client: redis.Redis, topic: str = RUN) -> list[AnyEvent]:
    return [Record(**unpack(packed)).event for _, packed in bus.read_range(client, topic, 0, 10_000).entries]


def fired(client: redis.Redis, topic: str = RUN) -> list[tuple[str, int]]:
    return [(event.detector, event.step) for event in events_on(client, topic) if isinstance(event, DetectorFired)]


def test_a_finding_is_a_row_and_an_event_with_its_numbers(watching: Watching) -> None:
    api, child = run_of()
    losses(child, 1, [*calm(200), 9.0, *calm(30), math.nan])
    watching.see(api, child)
    spike, nan = watching.alerts()
    assert (spike.alert_id, spike.run_name, spike.action, spike.action_state) == (f"{RUN}.1.loss_spike.201", "tiny", "annotate", "none")
    assert spike.cleared_at == watching.clock.now
    assert (nan.severity, nan.cleared_at, nan.action) == ("critical", None, "notify")
    told = [event for event in events_on(watching.client) if isinstance(event, DetectorFired)]
    assert (told[0].value, told[0].actions) == (9.0, ["annotate"])
    assert told[0].window["median"] == pytest.approx(2.04)
    assert math.isnan(told[1].value)
    assert [event.alert_id for event in events_on(watching.client) if isinstance(event, DetectorCleared)] == [spike.alert_id]


def test_killed_at_any_moment_nothing_is_found_twice_and_nothing_is_missed(lone: Watching) -> None:
    """A memory that was not saved is made again from Redis; every second batch dies unsaved."""
    api, child = run_of()
    values = [*calm(150), 9.0, *calm(60), math.nan, *calm(40), 9.5, *calm(50)]
    for batch in range(0, len(values), 7):
        losses(child, batch + 1, values[batch : batch + 7])
        lone.see(api, child)
        if batch % 2:
            lone.restart(f"after {batch}")
            lone.clock.now += LEASE_SECONDS + 1
            lone.holder.take(lone.database, lone.clock.now)
    lone.see(api, child)
    assert fired(lone.client) == [("loss_spike", 151), ("nan", 212), ("loss_spike", 253)]
    assert [alert.alert_id for alert in lone.alerts()] == [f"{RUN}.1.loss_spike.151", f"{RUN}.1.nan.212", f"{RUN}.1.loss_spike.253"]
    assert [alert.cleared_at is not None for alert in lone.alerts()] == [True, True, True]


def test_after_flushall_all_is_told_again_and_found_once(lone: Watching) -> None:
    api, child = run_of()
    losses(child, 1, [*calm(150), 9.0, *calm(60)])
    lone.see(api, child)
    lone.client.flushall()
    api.confirmed = child.confirmed = 0
    losses(child, 212, [*calm(20), math.nan])
    lone.see(api, child)
    lone.see(api, child)
    assert [alert.alert_id for alert in lone.alerts()] == [f"{RUN}.1.loss_spike.151", f"{RUN}.1.nan.232"]
    OUTBOX.resend_lost(lone.database, lone.client, 0)
    assert fired(lone.client) == [("loss_spike", 151), ("nan", 232)]


def test_the_spec_says_what_is_watched_for(lone: Watching) -> None:
    api, child = run_of({"nan": {"enabled": False}, "loss_spike": {"action": "pause", "warmup": 20}})
    losses(child, 1, [*calm(40), 9.0, math.nan, *calm(5)])
    lone.see(api, child)
    (alert,) = lone.alerts()
    assert (alert.key, alert.action, alert.action_state, alert.body["actions"]) == (
        "loss_spike",
        "pause",
        "pending",
        ["annotate", "notify", "pause"],
    )


def test_a_stall_is_found_without_any_event_and_not_while_the_run_is_held(lone: Watching) -> None:
    api, child = run_of({"stall": {"seconds": 30, "factor": 2}})
    losses(child, 1, calm(40))
    lone.see(api, child)
    lone.clock.now += 29
    lone.see()
    assert lone.alerts() == []
    lone.clock.now += 31
    lone.holder.take(lone.database, lone.clock.now)
    lone.see()
    (alert,) = lone.alerts()
    assert (alert.alert_id, alert.severity) == (f"{RUN}.1.stall.40", "critical")
    losses(child, 41, calm(2))
    lone.see(child)
    assert lone.alerts()[0].cleared == "steps come again"
    api.say(RunStateChanged(run_id=RUN, old="running", new="paused", by="me"))
    lone.see(api)
    lone.clock.now += 3600
    lone.holder.take(lone.database, lone.clock.now)
    lone.see()
    assert len(lone.alerts()) == 1


def test_silence_while_the_detectors_were_away_is_not_the_runs(lone: Watching) -> None:
    api, child = run_of({"stall": {"seconds": 30, "factor": 2}})
    losses(child, 1, calm(40))
    lone.see(api, child)
    lone.clock.now += 3600
    lone.restart("two")
    lone.see()
    assert lone.alerts() == []
    lone.clock.now += 61
    lone.holder.take(lone.database, lone.clock.now)
    lone.see()
    assert [alert.key for alert in lone.alerts()] == ["stall"]


def test_a_runs_end_closes_what_is_open_and_its_deletion_removes_all(lone: Watching) -> None:
    api, child = run_of()
    losses(child, 1, [*calm(10), math.nan])
    lone.see(api, child)
    api.say(RunStateChanged(run_id=RUN, old="running", new="failed", by="w1"))
    lone.see(api)
    assert [alert.cleared for alert in lone.alerts()] == ["the run has ended: failed"]
    api.say(RunDeleted(run_id=RUN, by="me"))
    lone.see(api)
    assert lone.alerts() == []
    lone.restart("two")
    losses(child, 12, [math.nan])
    lone.see(child)
    assert lone.alerts() == []


def test_the_next_attempt_has_alerts_of_its_own(lone: Watching) -> None:
    api, child = run_of()
    losses(child, 1, [*calm(10), math.nan, *calm(12)])
    second = Producer("attempt-2", attempt=2)
    losses(second, 5, [*calm(6), math.nan])
    lone.see(api, child, second)
    assert [alert.alert_id for alert in lone.alerts()] == [f"{RUN}.1.nan.11", f"{RUN}.2.nan.11"]


def test_the_room_for_checkpoints_and_a_workers_disk(lone: Watching) -> None:
    cluster = Producer("api", run_id="cluster", attempt=None)
    for level in ("warning", "full", "ok", "warning"):
        cluster.say(StorageLevelChanged(level=level, message="90 % taken"))
    lone.see(cluster)
    found = [(alert.alert_id, alert.severity, alert.cleared_at is None) for alert in lone.alerts()]
    assert found == [
        ("cluster.0.disk.warning.1", "warning", False),
        ("cluster.0.disk.full.2", "critical", False),
        ("cluster.0.disk.warning.4", "warning", True),
    ]


def test_two_findings_of_a_workers_disk_are_two_although_its_sampler_counts_anew(lone: Watching) -> None:
    def sample(free: float) -> HostSampled:
        return HostSampled(worker="w1", metrics={"system/disk.free_bytes": free})

    topic = "worker.w1"
    for number, name in enumerate(("sampler-1", "sampler-2")):
        sampler = Producer(name, run_id=topic, attempt=None)
        sampler.records = [record.model_copy(update={"at": record.at + 100 * number}) for record in sampler.say(sample(1e9), sample(9e9))]
        lone.see(sampler)
    assert [alert.alert_id for alert in lone.alerts()] == [f"{topic}.0.disk.1001", f"{topic}.0.disk.1101"]
    assert all(alert.cleared_at is not None for alert in lone.alerts())


def test_of_two_processes_one_watches_and_the_other_writes_nothing(watching: Watching) -> None:
    other = Holder("other")
    now = watching.clock.now
    assert watching.holder.take(watching.database, now)
    assert not other.take(watching.database, now + LEASE_SECONDS / 2)
    assert other.take(watching.database, now + LEASE_SECONDS + 1)
    api, child = run_of()
    losses(child, 1, [*calm(10), math.nan])
    with pytest.raises(LeaseLost):
        watching.see(api, child)
    assert watching.alerts() == []
    other.release(watching.database)
    assert watching.holder.take(watching.database, now + LEASE_SECONDS + 2)
    watching.detecting.forget()
    watching.see()
    assert [alert.key for alert in watching.alerts()] == ["nan"]


def test_events_that_cannot_be_read_stop_nobody(lone: Watching) -> None:
    api, child = run_of()
    lone.see(api)
    lone.client.xadd(bus.stream_key(RUN), {"r": b"\xc1"}, id="1000-0")
    losses(child, 1, [math.nan] * 5)
    lone.client.xadd(bus.stream_key(RUN), {"r": child.records[4].pack()}, id="1001-0")
    assert lone.detecting.step(0.01) == 2
    assert [alert.key for alert in lone.alerts()] == ["nan"]
    assert lone.detecting.topics[RUN].missed == 4


def test_what_flickers_fills_nothing(lone: Watching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerting, "MAX_ALERTS", 3)
    api, child = run_of()
    losses(child, 1, [math.nan, *calm(10)] * 5)
    lone.see(api, child)
    assert [alert.body["step"] for alert in lone.alerts()] == [1, 12, 23]
