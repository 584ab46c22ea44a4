"""A cluster that only the database knows: workers that are no more than their heartbeats, and a long queue."""

import contextlib
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, insert, select, update

import services.api
from services.api.app import create_app
from services.api.models import Attempt, Run, Slot, Worker
from services.api.placement import ROUND
from services.api.scheduler import Scheduler
from serving.database import Database
from shared.bus import connect
from shared.internal import Prepared
from shared.names import RunState
from shared.settings import Settings
from tests.api.stage import Clock, FakeStorage, Stage
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET

PROJECTS = 12


@dataclass(frozen=True)
class Size:
    """few, many: runs that wait."""

    workers: int = 1000
    slots: int = 2
    few: int = 1000
    many: int = 10_000
    ticks: int = 11


class WallClock(Clock):
    @property
    def now(self) -> float:
        return time.time()

    @now.setter
    def now(self, value: float) -> None:
        """Only time itself turns it."""


@dataclass
class Cluster:
    url: str
    stage: Stage
    scheduler: Scheduler
    queued: int = 0

    def join(self, size: Size) -> None:
        for number in range(size.workers):
            assert self.stage.beat(worker(number), size.slots).status_code == 200

    def queue(self, count: int) -> None:
        """Copies of one submitted run, so that ten thousand are there within seconds."""
        told = self.stage.submit(name="first")
        with self.stage.database.writing() as session:
            row = session.get_one(Run, told["id"])
            columns = {column.name: getattr(row, column.name) for column in Run.__table__.columns} | {"prepared_id": "prep_1"}
            session.delete(row)
            session.flush()
            numbers = range(self.queued, self.queued + count)
            session.execute(insert(Run), [{**columns, **self._own(number)} for number in numbers])
        self.queued += count

    def _own(self, number: int) -> dict[str, Any]:
        """What tells one run from the others."""
        name, project = f"run-{number}", f"project-{number % PROJECTS}"
        return {"id": f"run_{number:06}", "name": name, "project": project, "processes": 1 + number % 2, "created_at": 1.7e9 + number}

    def tick(self) -> None:
        self.scheduler.tick(time.time())
        assert not self.scheduler.failing, self.scheduler.failing

    def place_all(self) -> int:
        """Ticks until one places less than a round; how many were placed."""
        before = self.placed()
        while True:
            last = self.placed()
            self.tick()
            if self.placed() - last < ROUND:
                return self.placed() - before

    def placed(self) -> int:
        with self.stage.database.reading() as session:
            return session.scalar(select(func.count()).select_from(Attempt)) or 0

    def waiting(self) -> int:
        with self.stage.database.reading() as session:
            return session.scalar(select(func.count()).where(Run.state == RunState.QUEUED)) or 0

    def unprepare(self) -> None:
        """Their dataset is being prepared."""
        self.stage.storage.prepared = Prepared(id="prep_1", state="running", progress=0.5)
        with self.stage.database.writing() as session:
            session.execute(update(Run).where(Run.state == RunState.QUEUED).values(prepared_id=None))

    def shorten(self, count: int) -> None:
        """Leave the first so many of the queue, prepared."""
        with self.stage.database.writing() as session:
            keep = select(Run.id).where(Run.state == RunState.QUEUED).order_by(Run.id).limit(count)
            kept = set(session.scalars(keep))
            session.execute(delete(Run).where(Run.state == RunState.QUEUED, Run.id > max(kept)))
            session.execute(update(Run).where(Run.state == RunState.QUEUED).values(prepared_id="prep_1"))

    def raise_priority(self) -> None:
        """Whoever waits goes before whoever runs."""
        with self.stage.database.writing() as session:
            session.execute(update(Run).where(Run.state == RunState.QUEUED).values(priority=90))

    def asked_to_give_way(self) -> int:
        with self.stage.database.reading() as session:
            return session.scalar(select(func.count()).where(Attempt.preempted_at.is_not(None))) or 0

    @contextlib.contextmanager
    def few_workers(self, count: int) -> Iterator[None]:
        """As if the others had never been there, but for what was placed on them."""
        with self.stage.database.writing() as session:
            gone = {table: [dict(row._mapping) for row in session.execute(select(table.__table__))] for table in (Worker, Slot)}
            session.execute(delete(Slot).where(Slot.worker >= worker(count)))
            session.execute(delete(Worker).where(Worker.name >= worker(count)))
        yield
        with self.stage.database.writing() as session:
            session.execute(insert(Worker), [row for row in gone[Worker] if row["name"] >= worker(count)])
            session.execute(insert(Slot), [row for row in gone[Slot] if row["worker"] >= worker(count)])

    def show_queue(self) -> None:
        self.stage.get("/api/v1/queue?limit=200")

    def beat_all(self, size: Size) -> int:
        """As if everything that was placed were running."""
        running = self._claimed()
        for number in range(size.workers):
            answer = self.stage.beat(worker(number), size.slots, attempts=running.get(worker(number), []))
            assert (answer.status_code, answer.json["cancelled"]) == (200, [])
        return size.workers

    def _claimed(self) -> dict[str, list[dict[str, Any]]]:
        with self.stage.database.reading() as session:
            placed = session.execute(select(Attempt.id, Attempt.worker)).all()
        with self.stage.database.writing() as session:
            for attempt in session.scalars(select(Attempt)):
                attempt.fence, attempt.instance, attempt.state = 1, "one", "running"
        reports: dict[str, list[dict[str, Any]]] = {}
        for attempt_id, name in placed:
            reports.setdefault(name, []).append({"attempt_id": attempt_id, "fence": 1, "progress": {"step": 1}})
        return reports


def worker(number: int) -> str:
    return f"worker-{number:04}"


@contextlib.contextmanager
def stage_of(url: str, folder: Path) -> Iterator[Cluster]:
    """The application and the scheduler on a new database; nobody listens where Redis would be."""
    secrets = {"GROUNDUP_GATEWAY_SECRET": GATEWAY_SECRET, "GROUNDUP_JOIN_SECRET": JOIN_SECRET}
    settings = Settings.read({**secrets, "GROUNDUP_DATA_DIR": str(folder / "data")})
    database, storage, clock = Database(url), FakeStorage(), WallClock()
    database.migrate(Path(services.api.__file__).parent / "migrations")
    with connect(settings.redis_url) as client:
        app = create_app(settings, database, storage, client, clock=lambda: clock.now)
        scheduler = Scheduler(settings, database, storage, client=client, send_hint=lambda _: None)
        yield Cluster(url, Stage(app, database, storage, settings.lease_seconds, clock), scheduler)
    database.close()


@contextlib.contextmanager
def beating(url: str, size: Size) -> Iterator[None]:
    """Another process sends the heartbeat of every worker in turn, each every 15 s."""
    context = multiprocessing.get_context("spawn")
    stop, ready = context.Event(), context.Event()
    process = context.Process(target=_beat_on, args=(url, size, stop, ready), daemon=True)
    process.start()
    assert ready.wait(60), "the heartbeats do not begin"
    try:
        yield
    finally:
        stop.set()
        process.join(30)
    assert process.exitcode == 0, f"the process of the heartbeats ended with {process.exitcode}"


def _beat_on(url: str, size: Size, stop: Event, ready: Event) -> None:
    pause, number = 15 / size.workers, 0
    with stage_of(url, Path()) as cluster:
        while not stop.wait(pause):
            answer = cluster.stage.beat(worker(number % size.workers), size.slots)
            assert answer.status_code == 200, answer.text
            number += 1
            ready.set()
