"""Quota, disk and the warnings before they are full."""

from collections.abc import Iterator
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from services.api.app import create_app
from services.api.housekeeping import Housekeeping
from services.api.room import Room
from services.api.settings import DEFAULTS, KeepingSettings
from shared.bus import connect
from shared.errors import EnvironmentFault
from shared.settings import Settings
from tests.api.stage import SPEC, Stage
from tests.conftest import headers

EDITOR = headers("editor")


class Ticks:
    """A housekeeper that works when it is told."""

    def __init__(self, stage: Stage, keeping: KeepingSettings) -> None:
        self.stage, self.failed = stage, list[str]()
        self.housekeeping = Housekeeping(stage.database, stage.storage, keeping, self.step)

    def step(self, name: str, work: Any) -> None:
        try:
            work()
        except EnvironmentFault:
            self.failed.append(name)

    def tick(self) -> None:
        self.housekeeping.tick(lambda: self.stage.now, Event())
        self.stage.now += 20


@pytest.fixture
def limited(both: Stage, settings: Settings) -> Iterator[Stage]:
    """A quota of 100 MB."""
    with connect(settings.redis_url) as client:
        keeping = replace(DEFAULTS, quota=10**8)
        app = create_app(settings, both.database, both.storage, client, clock=lambda: both.now, keeping=keeping)
        yield Stage(app, both.database, both.storage, both.lease_seconds, both.clock)


@pytest.mark.parametrize(
    ("used", "quota", "disk_free", "next_ones", "left", "level"),
    [
        (500, None, None, (10**9,), None, "ok"),
        (500, 1000, None, (), 500, "ok"),
        (800, 1000, None, (), 200, "warning"),
        (500, 1000, None, (300, 300), 500, "warning"),
        (500, 1000, None, (600,), 500, "full"),
        (1000, 1000, None, (), 0, "full"),
        (1200, 1000, 10**6, (), 0, "full"),
        (500, 1000, 100, (), 100, "warning"),
        (500, None, 50, (60,), 50, "full"),
        (500, None, 10**6, (60,), 10**6, "ok"),
        (0, None, 10**6, (), 10**6, "ok"),
    ],
)
def test_levels(used: int, quota: int | None, disk_free: int | None, next_ones: tuple[int, ...], left: int | None, level: str) -> None:
    room = Room(1, used, 0, 0, quota, disk_free, next_ones)
    assert (room.left, room.level) == (left, level)
    assert ("Delete checkpoints" in room.message) == (level != "ok")


def test_usage_adds_up(limited: Stage) -> None:
    run, attempt, fence = limited.running()
    for step in (10, 20, 30, 40, 50):
        limited.commit(attempt, fence, f"ckpt_{step}", step, bytes=10**7, val_loss=step)
    limited.http.patch("/api/v1/checkpoints/ckpt_10", json={"pinned": True}, headers=EDITOR)
    limited.http.delete("/api/v1/checkpoints/ckpt_20", headers=EDITOR)
    limited.storage.disk_free = 10**9
    told = limited.get("/api/v1/checkpoints/usage")
    assert told.pop("message") == "checkpoints take 50.0 MB, 50.0 MB of the quota are left"
    by_run = [{"run_id": run["id"], "run_name": "tiny", "project": "default", "count": 5, "bytes": 5 * 10**7}]
    sizes = {"bytes": 5 * 10**7, "expiring_bytes": 10**7, "pinned_bytes": 10**7, "quota_bytes": 10**8, "disk_free_bytes": 10**9}
    assert told == {"count": 5, **sizes, "level": "ok", "by_run": by_run}


def test_nothing_saved_is_nothing_used(limited: Stage) -> None:
    told = limited.get("/api/v1/checkpoints/usage")
    assert (told["count"], told["bytes"], told["expiring_bytes"], told["level"], told["by_run"]) == (0, 0, 0, "ok", [])


def test_a_change_of_level_is_one_event(both: Stage) -> None:
    ticks = Ticks(both, replace(DEFAULTS, quota=1000))
    _run, attempt, fence = both.running()
    both.commit(attempt, fence, "ckpt_10", 10, bytes=100)

    def levels() -> list[str]:
        return [event["level"] for event in both.events("cluster") if event["type"] == "StorageLevelChanged"]

    ticks.tick()
    assert levels() == []
    both.commit(attempt, fence, "ckpt_20", 20, bytes=750)
    for _ in range(3):
        ticks.tick()
    assert levels() == ["full"], "the next one, of 750 bytes, does not fit"
    both.report(attempt, fence, "succeeded")
    ticks.tick()
    both.http.delete("/api/v1/checkpoints/ckpt_20", headers=EDITOR)
    ticks.tick()
    ticks.tick()
    assert levels() == ["full", "warning", "ok"]
    assert ticks.failed == []


def test_short_of_room_the_grace_is_short(both: Stage) -> None:
    ticks = Ticks(both, replace(DEFAULTS, quota=1000))
    checkpoint = {"keep_last": 1, "keep_best": 0}
    _run, attempt, fence = both.running(train={**SPEC["train"], "checkpoint": checkpoint})
    for step in (10, 20):
        both.commit(attempt, fence, f"ckpt_{step}", step, bytes=450)
    began = both.now
    while len(both.get("/api/v1/checkpoints")["items"]) > 1:
        ticks.tick()
        assert both.now - began < 2 * DEFAULTS.short_grace
    assert both.now - began >= DEFAULTS.short_grace


def test_a_storage_that_is_away_stops_nothing_else(both: Stage) -> None:
    ticks = Ticks(both, replace(DEFAULTS, grace=10.0))
    checkpoint = {"keep_last": 1, "keep_best": 0}
    _run, attempt, fence = both.running(train={**SPEC["train"], "checkpoint": checkpoint})
    for step in (10, 20):
        both.commit(attempt, fence, f"ckpt_{step}", step)
    both.storage.fault = EnvironmentFault("storage is down")
    both.now += 10 * 86_400
    for _ in range(3):
        ticks.tick()
    assert set(ticks.failed) == {"deletions", "room", "scrub"}
    assert both.get("/api/v1/checkpoints/ckpt_10")["state"] == "deleting"
    both.storage.fault = None
    ticks.tick()
    assert [item["id"] for item in both.get("/api/v1/checkpoints")["items"]] == ["ckpt_20"]


def test_a_run_whose_checkpoints_do_not_fit_is_warned_or_refused(stage: Stage) -> None:
    one = stage.http.post("/api/v1/runs/validate", json=SPEC, headers=EDITOR).json["estimate"]["checkpoint_bytes"]
    for free, warned in ((10 * one, False), (4 * one, False), (4 * one - 1, True), (one, True)):
        stage.storage.disk_free = free
        told = stage.http.post("/api/v1/runs/validate", json=SPEC, headers=EDITOR).json
        assert (told["valid"], [warning["field"] for warning in told["warnings"]]) == (True, ["train.checkpoint"] * warned)
    assert "4 checkpoints of 9.9 MB are kept" in told["warnings"][0]["message"]
    submitted = stage.http.post("/api/v1/runs", json=SPEC, headers=EDITOR)
    assert (submitted.status_code, submitted.json["warnings"]) == (201, told["warnings"])
    stage.storage.disk_free = one - 1
    told = stage.http.post("/api/v1/runs/validate", json=SPEC, headers=EDITOR).json
    assert (told["valid"], [error["field"] for error in told["errors"]]) == (False, ["train.checkpoint"])
    assert stage.http.post("/api/v1/runs", json=SPEC, headers=EDITOR).status_code == 422


def test_settings_are_read() -> None:
    assert KeepingSettings.read({}) == DEFAULTS
    environ = {
        "GROUNDUP_CHECKPOINT_GRACE_SECONDS": "1",
        "GROUNDUP_CHECKPOINT_SHORT_GRACE_SECONDS": "2",
        "GROUNDUP_CHECKPOINT_ORPHAN_SECONDS": "3",
        "GROUNDUP_SCRUB_SECONDS": "4",
        "GROUNDUP_CHECKPOINT_QUOTA_BYTES": "5",
    }
    assert KeepingSettings.read(environ) == KeepingSettings(grace=1, short_grace=2, orphan_age=3, scrub=4, quota=5)
    assert KeepingSettings.read({"GROUNDUP_CHECKPOINT_QUOTA_BYTES": ""}).quota is None


def test_what_is_used_is_what_storage_counts(limited: Stage) -> None:
    """Uploads that are not committed yet among it, so that the level says in time what an upload will be told."""
    _run, attempt, fence = limited.running()
    limited.commit(attempt, fence, "ckpt_10", 10, bytes=10**7)
    limited.report(attempt, fence, "succeeded")
    limited.storage.used = 9 * 10**7
    told = limited.get("/api/v1/checkpoints/usage")
    assert (told["bytes"], told["level"]) == (9 * 10**7, "warning")
