"""The order of locks: who waits for whom, and that nobody waits in a circle. PostgreSQL has many locks, SQLite one."""

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from sqlalchemy import select, update

from services.api.models import Command, Run
from services.api.outbox import record
from services.api.rows import locked
from services.api.scheduler import Scheduler
from shared.bus import connect
from shared.run_events import AttemptEnded
from shared.settings import Settings
from tests.api.stage import WORKER, Stage
from tests.api.test_asking import ask, commands, saved
from tests.conftest import headers


def wait_until_it_waits(stage: Stage, other: "Future[Any]") -> None:
    while not stage.is_waited_for():
        assert not other.done(), "it waited for nobody"


def test_a_command_is_told_under_the_lock_of_its_run(both: Stage) -> None:
    """Else the end of an attempt, which tells of itself and then closes the commands, and the heartbeat, which does both the other way
    round, would wait for each other.
    """
    run, _, _ = saved(both, 10)
    command_id = ask(both, run["id"], "evaluate").json["command_id"]
    with ThreadPoolExecutor(1) as pool:
        with both.database.writing() as session:
            assert locked(session, Run, run["id"])
            record(session, run["id"], AttemptEnded(attempt=1, outcome="killed"), both.now)
            beat = pool.submit(both.beat)
            wait_until_it_waits(both, beat)
            session.execute(update(Command).where(Command.id == command_id).values(state="rejected", ended_at=both.now))
        assert beat.result().status_code == 200
    assert commands(both, run["id"])[command_id]["state"] == "rejected"


def test_what_a_fork_finds_wrong_with_its_origin_waits_for_the_runs_lock(both: Stage) -> None:
    run, attempt, fence = saved(both, 10)
    both.report(attempt, fence, "succeeded")
    body = {"checkpoint_id": "ckpt_10"}
    child = both.http.post(f"/api/v1/runs/{run['id']}/fork", json=body, headers=headers("editor")).json
    (placed,) = both.place()
    fence = both.claim(placed.attempt_id).json["fence"]
    damage = {"worker": "w1", "fence": fence, "checkpoint_id": "ckpt_10", "reason": "a byte differs"}
    with ThreadPoolExecutor(1) as pool:
        with both.database.writing() as session:
            assert locked(session, Run, run["id"])
            told = pool.submit(both.http.post, f"/internal/attempts/{placed.attempt_id}/damaged", json=damage, headers=WORKER)
            wait_until_it_waits(both, told)
        assert told.result().status_code == 204
    assert [event["type"] for event in both.events(child["id"])].count("CheckpointDamaged") == 0
    assert both.events(run["id"])[-1]["type"] == "CheckpointDamaged"


def test_hints_wait_for_nobody(both: Stage, settings: Settings) -> None:
    run, _, _ = saved(both, 10)
    ask(both, run["id"], "evaluate")
    hinted: list[str] = []
    with connect(settings.redis_url) as client:
        scheduler = Scheduler(settings, both.database, both.storage, client=client, send_hint=hinted.append)
        if both.database.url.startswith("sqlite"):
            scheduler.tell()  # nobody else writes meanwhile
        else:
            with ThreadPoolExecutor(1) as pool, both.database.writing() as session:
                assert session.scalars(select(Command).with_for_update()).one()
                pool.submit(scheduler._send_hints).result(timeout=20)
                hinted.clear()
            scheduler.tell()
    assert hinted == ["w1"], "what was held is told the next time"
