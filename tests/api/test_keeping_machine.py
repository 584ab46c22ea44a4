"""Whatever is saved, pinned, named, claimed, damaged, deleted and collected, in whatever order, and wherever the collector is killed:
what is needed is never deleted, and what nothing keeps goes in the end. The service runs beside a small model of what it should keep."""

import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.api.app import create_app
from services.api.damage import scrub
from services.api.deletion import finish_deletions
from services.api.expiry import expire
from services.api.models import Base
from serving.database import Database
from shared.bus import connect
from shared.errors import EnvironmentFault
from tests.api.stage import SPEC, Clock, FakeStorage, Stage
from tests.api.test_lifecycle import SETTINGS
from tests.conftest import headers

EDITOR = headers("editor")
GRACE = 100.0
LAST, BEST, EVERY = 2, 1, 40
PICK = st.integers(0, 1000)


class Objects(FakeStorage):
    """Remembers which checkpoints have objects. `killed`: the collector dies before, or after, it has deleted one's objects."""

    def __init__(self) -> None:
        super().__init__()
        self.there: set[str] = set()
        self.killed = ""

    def delete_checkpoint_objects(self, run_id: str, checkpoint_id: str, *, changed_before: float | None = None) -> None:
        if self.killed == "before":
            raise EnvironmentFault("killed")
        self.there.discard(checkpoint_id)
        if self.killed == "after":
            raise EnvironmentFault("killed")


@dataclass
class Job:
    id: str
    attempt: str = ""
    fence: int = 0
    offered: set[str] = field(default_factory=set)
    ended: bool = False


@dataclass
class Save:
    id: str
    job: Job
    step: int
    fence: int
    loss: float
    pinned: bool = False
    damaged: bool = False
    going: bool = False
    """Deleted by hand, or marked by the collector: it may be gone at any time."""


class Keeping(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        database = Database(f"sqlite:///{Path(self.folder.name) / 'api.db'}")
        Base.metadata.create_all(database.engine)
        clock, self.objects = Clock(), Objects()
        self.redis = connect("redis://127.0.0.1:1/0")  # never asked
        app = create_app(SETTINGS, database, self.objects, self.redis, clock=lambda: clock.now)
        self.stage = Stage(app, database, self.objects, SETTINGS.lease_seconds, clock)
        self.jobs: list[Job] = []
        self.saves: dict[str, Save] = {}
        self.alias = ""

    def teardown(self) -> None:
        self.settle()
        self.redis.close()
        self.stage.database.close()
        self.folder.cleanup()

    # --- runs -------------------------------------------------------------------------------------------------------------------

    @initialize()
    def start(self) -> None:
        self.submit()

    @rule()
    def submit(self) -> None:
        if len(self.jobs) < 2:
            policy = {"keep_last": LAST, "keep_best": BEST, "keep_every": EVERY}
            self.jobs.append(Job(self.stage.submit(train={**SPEC["train"], "checkpoint": policy})["id"]))
            self.claim()

    @rule()
    def claim(self) -> None:
        """Whatever waits is placed and claimed; it is offered all that can be used."""
        self.stage.beat(slots=4)
        for placed in self.stage.place():
            claim = self.stage.claim(placed.attempt_id).json
            (job,) = [job for job in self.jobs if job.id == claim["run_id"]]
            job.attempt, job.fence, job.offered = placed.attempt_id, claim["fence"], {each["id"] for each in claim["checkpoints"]}
            certain = {save.id for save in self.saves.values() if save.job is job and save.id in self.kept()}
            assert certain <= job.offered | {save.id for save in self.saves.values() if save.damaged}
            assert not any(self.saves[name].damaged or self.saves[name].going for name in job.offered)
            assert job.offered <= self.objects.there, "what is offered can be read"

    @precondition(lambda self: any(job.offered for job in self.jobs))
    @rule(pick=PICK)
    def run(self, pick: int) -> None:
        """It has read what it goes on from."""
        job = self.pick([job for job in self.jobs if job.offered], pick)
        assert self.stage.report(job.attempt, job.fence, "running").status_code == 204
        job.offered = set()

    @precondition(lambda self: any(job.attempt for job in self.jobs))
    @rule(pick=PICK, losses=st.lists(st.sampled_from([1.0, 2.0, 3.0]), min_size=1, max_size=4))
    def save(self, pick: int, losses: list[float]) -> None:
        job = self.pick([job for job in self.jobs if job.attempt], pick)
        for loss in losses:
            step = (
                max((save.step for save in self.saves.values() if save.job is job and not save.damaged and not save.going), default=0) + 10
            )
            name = f"ckpt_{len(self.saves)}"
            self.objects.there.add(name)
            assert self.stage.commit(job.attempt, job.fence, name, step, val_loss=loss).status_code == 204
            self.saves[name] = Save(name, job, step, job.fence, loss)

    @precondition(lambda self: any(job.attempt for job in self.jobs))
    @rule(pick=PICK, outcome=st.sampled_from(["failed", "failed", "succeeded"]))
    def end(self, pick: int, outcome: str) -> None:
        job = self.pick([job for job in self.jobs if job.attempt], pick)
        self.stage.report(job.attempt, job.fence, outcome, retry=True, counts=False)
        job.attempt, job.offered, job.ended = "", set(), outcome == "succeeded"

    # --- people and damage ------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.saves)
    @rule(pick=PICK, pinned=st.booleans())
    def pin(self, pick: int, pinned: bool) -> None:
        save = self.pick(list(self.saves.values()), pick)
        if self.patch(save, pinned=pinned):
            save.pinned = pinned

    @precondition(lambda self: self.saves)
    @rule(pick=PICK)
    def promote(self, pick: int) -> None:
        save = self.pick(list(self.saves.values()), pick)
        if self.patch(save, aliases=["production"]):
            self.alias = save.id

    @precondition(lambda self: self.saves)
    @rule(pick=PICK)
    def damage(self, pick: int) -> None:
        save = self.pick(list(self.saves.values()), pick)
        self.objects.damage[save.id] = ["bad"]
        if self.stage.http.post(f"/api/v1/checkpoints/{save.id}/verify", headers=EDITOR).status_code == 200:
            save.damaged = True

    @precondition(lambda self: self.saves)
    @rule(pick=PICK)
    def delete(self, pick: int) -> None:
        save = self.pick(list(self.saves.values()), pick)
        status = self.stage.http.delete(f"/api/v1/checkpoints/{save.id}", headers=EDITOR).status_code
        if save.id in self.needed():
            assert status == 409
        else:
            assert status in {204, 404}
            save.going = True

    # --- time and the collector -------------------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 60, 101]), killed=st.sampled_from(["", "", "before", "after", "between"]))
    def collect(self, seconds: int, killed: str) -> None:
        self.stage.now += seconds
        while scrub(self.stage.database, self.objects, 0, clock=lambda: self.stage.now, stop=lambda: False):
            pass
        kept = self.kept()
        expire(self.stage.database, GRACE, now=self.stage.now)
        for item in self.stage.get("/api/v1/checkpoints?limit=200&state=deleting")["items"]:
            assert item["id"] not in kept, item
            self.saves[item["id"]].going = True
        if killed != "between":
            self.objects.killed = killed
            with contextlib.suppress(EnvironmentFault):
                finish_deletions(self.stage.database, self.objects, now=self.stage.now)
            self.objects.killed = ""

    @rule()
    def settle(self) -> None:
        """Nobody does anything for long, and who has been offered something has read it: what nothing keeps is gone, rows and objects."""
        for job in self.jobs:
            if job.attempt:
                assert self.stage.report(job.attempt, job.fence, "running").status_code == 204
                job.offered = set()
        for _ in range(3):
            self.collect(101, "")
        kept = self.kept()
        assert self.objects.there == kept
        assert {item["id"] for item in self.stage.get("/api/v1/checkpoints?limit=200")["items"]} == kept

    # --- what always holds ------------------------------------------------------------------------------------------------------

    @invariant()
    def what_is_needed_is_there(self) -> None:
        assert self.needed() <= self.objects.there

    def needed(self) -> set[str]:
        named = {self.alias} if self.alias else set()
        pinned = {save.id for save in self.saves.values() if save.pinned and not save.going}
        last = {save.id for job in self.jobs if not job.ended for save in self.usable(job)[:LAST]}
        return named | pinned | last | {name for job in self.jobs for name in job.offered}

    def kept(self) -> set[str]:
        wished: set[str] = set()
        for job in self.jobs:
            usable = self.usable(job)
            best = sorted(usable, key=lambda save: (save.loss, -save.step))
            wished |= {save.id for save in [*usable[:LAST], *best[:BEST], *(save for save in usable if save.step % EVERY == 0)]}
        return (self.needed() | wished) & self.objects.there

    def usable(self, job: Job) -> list[Save]:
        """Newest first, one of each step. What was collected before is not a candidate any more."""
        mine = [save for save in self.saves.values() if save.job is job and not save.damaged and not save.going]
        by_step = {save.step: save for save in sorted(mine, key=lambda save: save.fence) if save.id in self.objects.there}
        return [by_step[step] for step in sorted(by_step, reverse=True)]

    def patch(self, save: Save, **body: Any) -> bool:
        """False where it is gone, or going."""
        answer = self.stage.http.patch(f"/api/v1/checkpoints/{save.id}", json=body, headers=EDITOR)
        if answer.status_code != 200:
            assert save.id not in self.needed() or save.damaged
            return False
        return True

    def pick(self, among: list[Any], number: int) -> Any:
        return among[-1 - number % len(among)]


quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much]
TestKeeping = Keeping.TestCase
TestKeeping.settings = settings(max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=quiet)
