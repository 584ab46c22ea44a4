"""Whatever people ask, workers do and hosts suffer, in whatever order: no slot is held for nothing or twice, a run has at most one attempt,
what is refused changes nothing and says what to do, every command is settled once its run has ended, and out of every state there is a way.

test_lifecycle.py predicts each step of the plain life; here nothing is predicted, and pauses, rollbacks, preemption and emergency stops are
in it. The workers are those of `./run chaos`, over a network that loses nothing.
"""

import random
import tempfile
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from services.api.app import create_app
from services.api.checkpoint_models import Checkpoint
from services.api.models import Attempt, Base, Command, OutboxRow, Run, Slot
from serving.database import Database
from shared.names import FINAL_STATES, RunState
from tests.api.stage import SPEC, Clock, FakeStorage, Stage
from tests.chaos import history
from tests.chaos.hands import Hand
from tests.chaos.model import Channel
from tests.chaos.simulated import EVERY, STEPS, Network, Saved
from tests.chaos.world import SETTINGS
from tests.conftest import headers

SLOTS: Final = {"w1": 2, "w2": 1}
AT_WORK: Final = {RunState.STARTING, RunState.RUNNING, RunState.PAUSING, RunState.STOPPING}
ANEW: Final = {"type": "resume", "from_scratch": True}
BODIES: Final[tuple[dict[str, Any], ...]] = (
    {"type": "pause"},
    {"type": "pause", "hold": True},
    {"type": "resume"},
    ANEW,
    {"type": "save_checkpoint"},
    {"type": "evaluate"},
    {"type": "set_hyperparameters", "changes": {"optimizer": {"lr": 0.01}}},
    {"type": "set_hyperparameters", "changes": {"steps": 12}},
    {"type": "rollback"},
)
WORKERS, PICK = st.sampled_from(sorted(SLOTS)), st.integers(0, 1000)
RUNS: Final = 5
ROUNDS: Final = 60
"""In so many everything comes to its end, once nothing stands in its way."""


class Steered(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        database = Database(f"sqlite:///{Path(self.folder.name) / 'api.db'}")
        Base.metadata.create_all(database.engine)
        clock, storage, channel = Clock(), FakeStorage(), Channel()
        app = create_app(SETTINGS, database, storage, channel, clock=lambda: clock.now)  # type: ignore[arg-type]
        self.stage = Stage(app, database, storage, SETTINGS.lease_seconds, clock)
        self.mistakes: list[str] = []
        store: dict[str, Saved] = {}
        rng = random.Random(0)
        network = Network(rng, lambda call: call(), [], faulty=False)
        self.hands = {name: Hand(name, slots, self.stage, network, rng, store, self.mistakes) for name, slots in SLOTS.items()}

    def teardown(self) -> None:
        self.everything_comes_to_its_end()
        self.stage.database.close()
        self.folder.cleanup()

    # --- people -----------------------------------------------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: Any = None, role: str = "editor") -> Any:
        self.stage.now += 0.001
        return self.stage.http.open(f"/api/v1/{path}", method=method, json=body, headers=headers(role))

    @initialize()
    def start(self) -> None:
        for priority in (10, 50):
            self.submit(1, priority)
        self.go_on(EVERY)

    @precondition(lambda self: len(self.rows(Run)) < RUNS)
    @rule(processes=st.integers(1, 2), priority=st.sampled_from([10, 50, 90]))
    def submit(self, processes: int, priority: int) -> None:
        train = {**SPEC["train"], "steps": STEPS, "checkpoint": {"every": EVERY}}
        self.stage.now += 0.001
        self.stage.submit(processes=processes, priority=priority, train=train)

    @rule(pick=PICK, bodies=st.lists(st.sampled_from(BODIES), min_size=1, max_size=3), pace=st.integers(0, 2))
    def command(self, pick: int, bodies: list[dict[str, Any]], pace: int) -> None:
        """Of what is under way, if anything is, and what comes of it."""
        runs = sorted(self.rows(Run), key=lambda run: run.created_at)
        going = [run for run in runs if run.state not in FINAL_STATES] or runs
        for body in bodies:
            self.command_one(going[pick % len(going)], pick, body)
        if pace:
            self.go_on(pace)

    @precondition(lambda self: self.rows(Checkpoint))
    @rule(pick=PICK, crash=st.booleans())
    def roll_back(self, pick: int, crash: bool) -> None:
        saved = sorted({row.run_id for row in self.rows(Checkpoint)})
        (run,) = (run for run in self.rows(Run) if run.id == saved[pick % len(saved)])
        self.command_one(run, pick, {"type": "rollback"})
        for hand in self.hands.values() if crash else ():
            hand.crash_a_child()
        self.go_on(2)

    @rule(pick=PICK, kind=st.sampled_from(["stop", "kill"]), before=st.sampled_from([(), *((body,) for body in BODIES)]))
    def end(self, pick: int, kind: str, before: tuple[dict[str, Any], ...]) -> None:
        runs = sorted(self.rows(Run), key=lambda run: run.created_at)
        for body in (*before, {"type": kind}):
            self.command_one(runs[pick % len(runs)], pick, body)

    def command_one(self, run: Run, pick: int, body: dict[str, Any]) -> None:
        if body["type"] == "rollback":
            mine = sorted((row for row in self.rows(Checkpoint) if row.run_id == run.id), key=lambda row: (row.step, row.fence))
            body = {**body, "checkpoint_id": mine[pick % len(mine)].id if mine else "ckpt_none"}
        before = self.snapshot()
        answer = self.ask("POST", f"runs/{run.id}/commands", body)
        if answer.status_code != 202:
            assert answer.status_code in {409, 422}
            assert answer.json["remedy"] if answer.status_code == 409 else answer.json["errors"]
            assert self.snapshot() == before

    @rule()
    def stop_everything(self) -> None:
        assert self.ask("POST", "emergency-stop", {"reason": "smoke"}, "admin").status_code == 202
        assert not any(run.current_attempt_id for run in self.rows(Run))

    @rule()
    def reopen(self) -> None:
        assert self.ask("DELETE", "emergency-stop", None, "admin").status_code == 204

    # --- the scheduler, time ----------------------------------------------------------------------------------------------------

    @rule()
    def place(self) -> None:
        stands = self.stage.get("/api/v1/emergency-stop")["active"]
        assert not (self.stage.place() and stands)

    @rule(seconds=st.sampled_from([5, 61]))
    def wait(self, seconds: int) -> None:
        """The workers that are up have been heard meanwhile, if not just now; others are lost."""
        self.stage.now += seconds
        self.stage.reconcile()

    # --- workers ----------------------------------------------------------------------------------------------------------------

    @rule(worker=WORKERS, pace=st.integers(0, 2 * EVERY))
    def work(self, worker: str, pace: int) -> None:
        if self.hands[worker].up:
            self.stage.now += 1
            self.hands[worker].turn(self.stage.now, pace)

    @rule(pace=st.integers(1, EVERY))
    def go_on(self, pace: int) -> None:
        """As where nothing is wrong."""
        self.place()
        for _ in range(2):
            for worker in SLOTS:
                self.work(worker, pace)

    @rule(worker=WORKERS, what=st.sampled_from(["a child crashes", "the host is gone", "the agent is shut down", "the agent dies"]))
    def break_down(self, worker: str, what: str) -> None:
        hand = self.hands[worker]
        if what == "the host is gone":
            hand.die()
        elif what == "a child crashes":
            hand.crash_a_child()
        elif what == "the agent is shut down":
            hand.save_all("preempted")
        elif hand.up:
            hand.come_back()

    @rule(worker=WORKERS)
    def come_back(self, worker: str) -> None:
        if not self.hands[worker].up:
            self.hands[worker].come_back()

    # --- what always holds ------------------------------------------------------------------------------------------------------

    def rows(self, table: type[Any]) -> list[Any]:
        with self.stage.database.reading() as session:
            return list(session.scalars(select(table)))

    def snapshot(self) -> list[dict[str, Any]]:
        tables = (Run, Attempt, Slot, Checkpoint, Command, OutboxRow)
        return [
            {column.name: getattr(row, column.name) for column in table.__table__.columns} for table in tables for row in self.rows(table)
        ]

    @invariant()
    def workers_are_told_nothing_that_cannot_be(self) -> None:
        assert self.mistakes == []

    @invariant()
    def a_run_has_one_attempt_where_it_needs_one(self) -> None:
        alive = {row.id: row for row in self.rows(Attempt) if row.ended_at is None}
        runs = self.rows(Run)
        assert sorted(alive) == sorted(run.current_attempt_id for run in runs if run.current_attempt_id)
        for run in runs:
            held = run.state == RunState.PAUSED and run.current_attempt_id and alive[run.current_attempt_id].held
            assert bool(run.current_attempt_id) == (run.state in AT_WORK or bool(held)), (run.state, run.reason)

    @invariant()
    def slots_are_held_by_current_attempts_and_nobody_else(self) -> None:
        held = sorted((slot.id, slot.attempt_id) for slot in self.rows(Slot) if slot.attempt_id)
        booked = sorted((slot["id"], row.id) for row in self.rows(Attempt) if row.ended_at is None for slot in row.slots)
        assert held == booked

    @invariant()
    def commands_are_settled_when_their_run_has_ended(self) -> None:
        ended = {run.id for run in self.rows(Run) if run.state in FINAL_STATES}
        for command in self.rows(Command):
            is_open = command.state in {"requested", "accepted"}
            assert is_open == (command.ended_at is None)
            assert not (is_open and command.run_id in ended)
            assert command.reason or command.state != "rejected"

    def everything_comes_to_its_end(self) -> None:
        self.reopen()
        for worker in SLOTS:
            self.come_back(worker)
        for _ in range(ROUNDS):
            going = [run for run in self.rows(Run) if run.state not in FINAL_STATES]
            if not going:
                break
            for run in going:
                if run.state == RunState.PAUSED:
                    scratch = self.ask("POST", f"runs/{run.id}/commands", {"type": "resume"}).json.get("code") == "no-checkpoint"
                    assert not scratch or self.ask("POST", f"runs/{run.id}/commands", ANEW).status_code == 202
            for worker in SLOTS:
                self.work(worker, 2 * EVERY)
            self.wait(20)
            self.place()
        assert {run.id: (run.state, run.reason) for run in self.rows(Run) if run.state not in FINAL_STATES} == {}
        self.commands_are_settled_when_their_run_has_ended()
        assert history.mistakes(history.History.read(self.stage.database)) == []


quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much]
TestSteered = Steered.TestCase
TestSteered.settings = settings(max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=quiet)
