"""What was seen to be lost is looked at again under the run's lock: a worker may have spoken in between."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import cast

from sqlalchemy.orm import Session

from services.api.reconcile import reconcile
from serving.database import Database
from tests.api.stage import Stage


class Meanwhile:
    """A database where something happens just before the n-th writing transaction."""

    def __init__(self, database: Database, before: dict[int, Callable[[], object]]) -> None:
        self.database, self.before, self.count, self.reading = database, before, 0, database.reading

    def writing(self) -> AbstractContextManager[Session]:
        self.before.get(self.count, lambda: None)()
        self.count += 1
        return self.database.writing()


def reconciled(stage: Stage, before: dict[int, Callable[[], object]]) -> None:
    meanwhile = Meanwhile(stage.database, before)
    reconcile(cast(Database, meanwhile), now=stage.now, lease_seconds=stage.lease_seconds)
    assert meanwhile.count > max(before), "it did try"


def test_an_attempt_that_is_claimed_at_the_last_moment_stays(both: Stage) -> None:
    both.beat()
    run = both.submit()
    (placed,) = both.place()
    both.now += both.lease_seconds + 1
    both.beat()
    reconciled(both, {0: lambda: both.claim(placed.attempt_id)})
    told = both.run(run["id"])
    assert (told["state"], told["attempts"][0]["state"]) == ("starting", "claimed")


def test_a_worker_that_is_back_at_the_last_moment_keeps_its_attempts(both: Stage) -> None:
    run, attempt, fence = both.running()
    both.now += both.lease_seconds + 1
    report = {"attempt_id": attempt, "fence": fence, "progress": {}}
    reconciled(both, {1: lambda: both.beat(attempts=[report])})
    assert both.run(run["id"])["state"] == "running"
    assert both.beat(attempts=[report]).json["cancelled"] == []
