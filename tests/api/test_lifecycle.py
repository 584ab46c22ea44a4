"""Whatever people, workers and schedulers do, in whatever order: never two current attempts, no slot booked twice, the fence only rises,
and a stale fence changes nothing. The service is driven over HTTP beside a tiny model of what it should do."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from services.api.app import create_app
from services.api.checkpoint_models import Checkpoint
from services.api.models import Attempt, Base, OutboxRow, Run, Slot, Worker
from services.api.retries import MAX_FRUITLESS
from serving.database import Database
from shared.bus import connect
from shared.settings import Settings
from tests.api.stage import Clock, FakeStorage, Stage
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET

SETTINGS = Settings.read({"GROUNDUP_GATEWAY_SECRET": GATEWAY_SECRET, "GROUNDUP_JOIN_SECRET": JOIN_SECRET, "GROUNDUP_LEASE_SECONDS": "60"})
SLOTS = {"w1": 2, "w2": 1}
FINAL = {"succeeded", "failed", "stopped", "killed"}
WORKERS, PICK = st.sampled_from(sorted(SLOTS)), st.integers(0, 1000)


@dataclass
class Known:
    """What the model knows of an attempt. `instance` and `fence` come with its claim."""

    id: str
    run: "Job"
    worker: str
    placed_at: float
    instance: str = ""
    fence: int = 0
    newest: int = 0
    ended_as: str = ""

    @property
    def current(self) -> bool:
        return self.run.current is self


@dataclass
class Job:
    """What the model knows of a run."""

    id: str
    state: str = "queued"
    current: Known | None = None
    fence: int = 0
    wish: str = ""
    fruitless: int = 0
    newest: int = 0
    not_before: float = 0

    def end_attempt(self, outcome: str) -> None:
        assert self.current
        self.current.ended_as, self.current = outcome, None

    def again(self) -> None:
        if self.state == "stopping":
            self.state = self.wish
        else:
            self.state = "failed" if self.fruitless >= MAX_FRUITLESS else "queued"


class Lifecycle(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        database = Database(f"sqlite:///{Path(self.folder.name) / 'api.db'}")
        Base.metadata.create_all(database.engine)
        clock, storage = Clock(), FakeStorage()
        self.redis = connect("redis://127.0.0.1:1/0")  # never asked
        app = create_app(SETTINGS, database, storage, self.redis, clock=lambda: clock.now)
        self.stage = Stage(app, database, storage, SETTINGS.lease_seconds, clock)
        self.runs: list[Job] = []
        self.attempts: list[Known] = []
        self.instances = dict.fromkeys(SLOTS, 0)
        self.last_beat: dict[str, float] = {}
        self.lost: set[str] = set()
        self.drained: set[str] = set()
        self.paused = False
        self.checkpoints: dict[str, Known] = {}
        self.fences: dict[str, int] = {}

    def teardown(self) -> None:
        self.redis.close()
        self.stage.database.close()
        self.folder.cleanup()

    # --- people and time --------------------------------------------------------------------------------------------------------

    @initialize()
    def start(self) -> None:
        for worker in SLOTS:
            self.beat(worker, False)

    @rule(processes=st.integers(1, 2))
    def submit(self, processes: int) -> None:
        self.runs.append(Job(self.stage.submit(processes=processes)["id"]))

    @precondition(lambda self: self.runs)
    @rule(pick=PICK, kind=st.sampled_from(["stop", "kill"]))
    def command(self, pick: int, kind: str) -> None:
        run = self.runs[pick % len(self.runs)]
        refused = run.state in FINAL or (run.state == "stopping" and kind == "stop")
        before = self.snapshot()
        assert self.stage.command(run.id, kind).status_code == (409 if refused else 202)
        if refused:
            assert self.snapshot() == before
            return
        run.wish = {"stop": "stopped", "kill": "killed"}[kind]
        if run.current and run.current.fence:
            run.state = "stopping"
            return
        if run.current:
            run.end_attempt(run.wish)
        run.state = run.wish

    @rule(seconds=st.sampled_from([1, 20, 59, 61]))
    def wait(self, seconds: int) -> None:
        self.stage.now += seconds

    @rule(worker=WORKERS, drain=st.booleans())
    def drain(self, worker: str, drain: bool) -> None:
        answer = self.stage.drain(worker, drain).json
        assert (answer["draining"], answer["state"] == "draining") == (drain, drain and self.is_online(worker))
        (self.drained.add if drain else self.drained.discard)(worker)

    @rule(pause=st.booleans())
    def pause_or_reopen(self, pause: bool) -> None:
        assert (self.stage.pause("") if pause else self.stage.reopen()).status_code < 300
        self.paused = pause

    # --- the scheduler ----------------------------------------------------------------------------------------------------------

    @rule()
    def place(self) -> None:
        for placed in self.stage.place():
            (attempt,) = [row for row in self.rows(Attempt) if row.id == placed.attempt_id]
            (run,) = [run for run in self.runs if run.id == attempt.run_id]
            assert (run.state, run.current) == ("queued", None)
            assert self.is_online(placed.worker)
            assert placed.worker not in self.drained
            assert not self.paused
            assert run.not_before <= self.stage.now
            run.state, run.current = "starting", Known(placed.attempt_id, run, placed.worker, self.stage.now)
            self.attempts.append(run.current)

    @rule()
    def reconcile(self) -> None:
        self.stage.reconcile()
        self.lost |= {worker for worker, at in self.last_beat.items() if at < self.stage.now - 60}
        for attempt in self.attempts:
            unclaimed = not attempt.fence and attempt.placed_at < self.stage.now - 60
            if attempt.current and (attempt.worker in self.lost or unclaimed):
                self.lose(attempt)

    # --- workers ----------------------------------------------------------------------------------------------------------------

    @rule(worker=WORKERS, forgets=st.booleans())
    def beat(self, worker: str, forgets: bool) -> None:
        """With what it holds; or as a new instance, which holds nothing."""
        self.instances[worker] += forgets
        instance = f"{worker}-{self.instances[worker]}"
        held = [attempt for attempt in self.attempts if attempt.worker == worker and attempt.instance == instance and not attempt.ended_as]
        stale = [attempt for attempt in self.attempts if attempt.worker == worker and attempt.ended_as and attempt.fence][-1:]
        reports = [{"attempt_id": attempt.id, "fence": attempt.fence, "progress": {}} for attempt in held + stale]
        reply = self.stage.beat(worker, SLOTS[worker], instance=instance, attempts=reports).json
        self.last_beat[worker] = self.stage.now
        self.lost.discard(worker)
        for attempt in self.attempts:
            if attempt.current and attempt.worker == worker and attempt.fence and attempt not in held:
                self.lose(attempt)
        assert reply["cancelled"] == [attempt.id for attempt in stale]
        waiting = [attempt.id for attempt in self.attempts if attempt.current and attempt.worker == worker and not attempt.fence]
        assert sorted(reply["assignments"]) == sorted(waiting)
        stopping = {attempt.id for attempt in held if attempt.run.state == "stopping"}
        assert {order["attempt_id"] for order in reply["commands"]} == stopping

    @precondition(lambda self: self.attempts)
    @rule(pick=PICK, worker=WORKERS)
    def claim(self, pick: int, worker: str) -> None:
        attempt, before = self.attempts[-1 - pick % len(self.attempts)], self.snapshot()
        instance = f"{worker}-{self.instances[worker]}"
        answer = self.stage.claim(attempt.id, worker, instance)
        if not attempt.current or attempt.worker != worker or (attempt.fence and attempt.instance != instance):
            assert (answer.status_code, self.snapshot()) == (409, before)
            return
        if not attempt.fence:
            attempt.run.fence += 1
            attempt.fence, attempt.instance, attempt.newest = attempt.run.fence, instance, attempt.run.newest
        assert answer.json["fence"] == attempt.fence

    @precondition(lambda self: self.attempts)
    @rule(pick=PICK, off=st.sampled_from([0, 0, 0, 1, -1]), state=st.sampled_from(["running", "succeeded", "failed", "stopped", "killed"]))
    def report(self, pick: int, off: int, state: str) -> None:
        attempt, before = self.attempts[-1 - pick % len(self.attempts)], self.snapshot()
        answer = self.stage.report(attempt.id, attempt.fence + off, state, worker=attempt.worker, retry=True)
        if off or not attempt.fence or not attempt.current:
            repeated = attempt.fence and not off and attempt.ended_as == state
            assert (answer.status_code, self.snapshot()) == (204 if repeated else 409, before)
            return
        assert answer.status_code == 204
        run = attempt.run
        if state == "running":
            run.state = "running" if run.state == "starting" else run.state
            return
        run.end_attempt(state)
        if state == "failed":
            run.fruitless = 0 if run.newest > attempt.newest else run.fruitless + 1
            run.not_before = self.stage.now + 2.5 * 2**run.fruitless if run.fruitless else 0
            run.again()
        else:
            run.state = state

    @precondition(lambda self: self.attempts)
    @rule(pick=PICK, off=st.sampled_from([0, 0, 0, 1]))
    def commit(self, pick: int, off: int) -> None:
        attempt, before = self.attempts[-1 - pick % len(self.attempts)], self.snapshot()
        name, step = f"ckpt_{len(self.checkpoints)}", attempt.run.newest + 10
        answer = self.stage.commit(attempt.id, attempt.fence + off, name, step)
        if off or not attempt.fence or not attempt.current:
            assert (answer.status_code, self.snapshot()) == (409, before)
            return
        assert answer.status_code == 204
        self.checkpoints[name], attempt.run.newest = attempt, step

    def lose(self, attempt: Known) -> None:
        attempt.run.not_before = 0
        attempt.run.end_attempt("lost")
        attempt.run.again()

    def is_online(self, worker: str) -> bool:
        return worker not in self.lost and self.last_beat[worker] >= self.stage.now - 60

    # --- what always holds ------------------------------------------------------------------------------------------------------

    def rows(self, table: type[Any]) -> list[Any]:
        with self.stage.database.reading() as session:
            return list(session.scalars(select(table)))

    def snapshot(self) -> list[dict[str, Any]]:
        tables = (Run, Attempt, Slot, Worker, Checkpoint, OutboxRow)
        return [
            {column.name: getattr(row, column.name) for column in table.__table__.columns} for table in tables for row in self.rows(table)
        ]

    @invariant()
    def the_service_is_as_the_model_says(self) -> None:
        told = {run.id: (run.state, run.current_attempt_id, run.fence) for run in self.rows(Run)}
        assert told == {run.id: (run.state, run.current.id if run.current else None, run.fence) for run in self.runs}
        assert {row.id: row.state for row in self.rows(Attempt) if row.ended_at} == {a.id: a.ended_as for a in self.attempts if a.ended_as}
        assert {row.id: row.attempt_id for row in self.rows(Checkpoint)} == {name: by.id for name, by in self.checkpoints.items()}

    @invariant()
    def no_slot_is_booked_twice(self) -> None:
        held: dict[str, list[Slot]] = {}
        for slot in self.rows(Slot):
            if slot.attempt_id:
                held.setdefault(slot.attempt_id, []).append(slot)
        current = {run.current_attempt_id: run for run in self.rows(Run) if run.current_attempt_id}
        assert held.keys() == current.keys()
        for attempt in self.rows(Attempt):
            if attempt.id in current:
                assert {slot.worker for slot in held[attempt.id]} == {attempt.worker}
                assert sorted(slot.id for slot in held[attempt.id]) == sorted(slot["id"] for slot in attempt.slots)
                assert len(held[attempt.id]) == current[attempt.id].processes

    @invariant()
    def the_fence_only_rises(self) -> None:
        for run in self.rows(Run):
            assert run.fence >= self.fences.get(run.id, 0)
            self.fences[run.id] = run.fence
        claimed = [(row.run_id, row.number, row.fence) for row in self.rows(Attempt) if row.fence]
        for run_id in {run_id for run_id, _, _ in claimed}:
            fences = [fence for _, _, fence in sorted(row for row in claimed if row[0] == run_id)]
            assert fences == sorted(set(fences)), "no fence is given twice"


quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much]
TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=quiet)
