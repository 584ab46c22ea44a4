"""The history checker: what the events and tables of runs that have ended say, held against what may never happen.

Events are numbered by topic; what happened on different topics is put in order by time. The scheduler's time is its round's beginning,
which may lie before what was written meanwhile: an event is not earlier than those before it on its topic.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import DeclarativeBase

from services.api.checkpoint_models import Checkpoint
from services.api.models import Attempt, Command, OutboxRow, Run, Slot
from services.api.states import TRANSITIONS
from serving.database import Database
from shared.names import CLUSTER_TOPIC, FINAL_STATES, RunState

Event = dict[str, Any]
Rows = list[dict[str, Any]]
HELD = frozenset({RunState.STARTING, RunState.RUNNING, RunState.PAUSING, RunState.STOPPING, RunState.PAUSED})
"""States in which a run may have an attempt."""


@dataclass
class History:
    """`events`: (topic, seq, at, event). Rows are as their tables have them."""

    events: list[tuple[str, int, float, Event]]
    runs: Rows
    attempts: Rows = field(default_factory=list)
    commands: Rows = field(default_factory=list)
    checkpoints: Rows = field(default_factory=list)
    slots: Rows = field(default_factory=list)

    @classmethod
    def read(cls, tables: Database) -> "History":
        with tables.reading() as session:
            outbox = session.scalars(select(OutboxRow).order_by(OutboxRow.topic, OutboxRow.seq))
            events = in_order((row.topic, row.seq, row.at, row.event) for row in outbox)
            models: tuple[type[DeclarativeBase], ...] = (Run, Attempt, Command, Checkpoint, Slot)
            return cls(events, *([_values(row) for row in session.scalars(select(model))] for model in models))

    def of(self, topic: str) -> list[tuple[float, Event]]:
        return [(at, event) for of, _, at, event in self.events if of == topic]


def in_order(events: Iterable[tuple[str, int, float, Event]]) -> list[tuple[str, int, float, Event]]:
    """Each with the time from which it can have been: not before what its topic had already."""
    newest: dict[str, float] = defaultdict(float)
    found = []
    for topic, seq, at, event in events:
        newest[topic] = max(newest[topic], at)
        found.append((topic, seq, newest[topic], event))
    return found


def _values(row: DeclarativeBase) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}


def mistakes(history: History) -> list[str]:
    """Everything that may not be; empty where it all holds."""
    found = [*_holes(history), *_double_bookings(history), *_placed_in_emergency(history), *_slots(history), *_fences(history)]
    for run in history.runs:
        line = Line(run, history)
        found += [f"{run['id']}: {what}" for what in line.read()]
        found += [f"{run['id']}: {what}" for what in _commands(run, [row for row in history.commands if row["run_id"] == run["id"]])]
    return found


class Line:
    """One run's events, followed in their order. `line`: the steps of its committed history, as it stands."""

    def __init__(self, run: dict[str, Any], history: History) -> None:
        self.run, self.events = run, history.of(run["id"])
        self.by_number = {row["number"]: row for row in history.attempts if row["run_id"] == run["id"]}
        self.commits = {row["id"]: row for row in history.checkpoints if row["run_id"] == run["id"]}
        self.state, self.attempt, self.claimed, self.last = str(RunState.QUEUED), 0, False, 0
        self.deleted = {event["checkpoint_id"] for _, event in self.events if event["type"] == "CheckpointDeleted"}
        self.line: list[tuple[int, int, str]] = []
        self.known: dict[str, tuple[int, int, str]] = {}
        self.found: list[str] = []

    def read(self) -> list[str]:
        for at, event in self.events:
            if self.state in FINAL_STATES and event["type"] in _MOVES:
                self.found.append(f"{event['type']} after its end at {at}")
            if handle := _HANDLERS.get(event["type"]):
                handle(self, event)
        self._end()
        return self.found

    def _require(self, holds: bool, what: str) -> None:
        if not holds:
            self.found.append(what)

    def changed(self, event: Event) -> None:
        self._require(event["old"] == self.state, f"became {event['new']} from {event['old']}, and was {self.state}")
        legal = event["new"] in TRANSITIONS[RunState(event["old"])]
        self._require(legal, f"became {event['new']} from {event['old']}, which may not be")
        self.state = event["new"]
        without = self.state in FINAL_STATES or self.state == RunState.QUEUED
        self._require(not (without and self.attempt), f"became {self.state} with attempt {self.attempt} still current")

    def placed(self, event: Event) -> None:
        self._require(not self.attempt, f"attempt {event['attempt']} was placed beside attempt {self.attempt}")
        self._require(event["attempt"] == self.last + 1, f"attempt {event['attempt']} was placed after attempt {self.last}")
        self.last = self.attempt = event["attempt"]
        self.claimed = False

    def claimed_by(self, event: Event) -> None:
        current = event["attempt"] == self.attempt and not self.claimed
        self._require(current, f"attempt {event['attempt']} was claimed, and {self.attempt} was current")
        newest = self.line[-1][0] if self.line else 0
        self._require(event["resume_step"] == newest, f"attempt {event['attempt']} goes on from {event['resume_step']}, not from {newest}")
        self.claimed = True

    def committed(self, event: Event) -> None:
        name, own = event["checkpoint_id"], self.by_number.get(self.attempt, {}).get("fence") or -1
        row = self.commits.get(name)
        if row is None and name in self.deleted:  # by retention, since
            row = {"attempt": self.attempt, "fence": own, "step": event["step"]}
        if row is None:
            return self._require(False, f"checkpoint {name} was committed and is not there")
        mine = row["attempt"] == self.attempt and self.claimed
        self._require(mine, f"step {row['step']} was committed by attempt {row['attempt']}, and {self.attempt} was current")
        self._require(not mine or row["fence"] == own, f"step {row['step']} was committed with fence {row['fence']}")
        if self.line:
            step, fence, _ = self.line[-1]
            told = f"step {row['step']} of fence {row['fence']} was committed behind step {step} of fence {fence}: two histories"
            grows = row["step"] > step and row["fence"] >= fence
            self._require(grows or (row["step"] == step and row["fence"] > fence), told)  # of the same step: restored, and saved anew
        self.known[name] = (row["step"], row["fence"], name)
        self.line.append(self.known[name])
        return None

    def ended(self, event: Event) -> None:
        self._require(event["attempt"] == self.attempt, f"attempt {event['attempt']} ended, and {self.attempt} was current")
        self.attempt = 0

    def rolled_back(self, event: Event) -> None:
        self._require(not self.attempt, "was rolled back under a current attempt")
        self._cut(*self.known.get(event["checkpoint_id"], (-1, -1, ""))[:2])
        newest = self.line[-1][0] if self.line else 0
        self._require(newest == event["step"], f"was rolled back to step {event['step']}, which it did not have")

    def asked(self, event: Event) -> None:
        if event["command"] == "resume" and event["arguments"].get("from_scratch"):
            self._cut(-1, -1)

    def _cut(self, step: int, fence: int) -> None:
        self.line = [one for one in self.line if one[:2] <= (step, fence)]

    def _end(self) -> None:
        run, state = self.run, self.run["state"]
        self._require(state == self.state, f"is {state}, and by its events {self.state}")
        current = [row["number"] for row in self.by_number.values() if row["ended_at"] is None]
        self._require(len(current) <= 1, f"attempts {current} are all current")
        self._require(bool(current) == bool(run["current_attempt_id"]), f"has attempts {current} that have not ended")
        if state not in FINAL_STATES:
            moves = bool(run["reason"]) or (state in HELD and bool(current))
            self._require(moves, f"is {state}, without a reason or an attempt: lost")
            self._require(state in HELD or not current, f"is {state} and has attempt {current}")
        usable = {name for name, row in self.commits.items() if row["left_behind_at"] is None}
        line = {name for *_, name in self.line} - self.deleted
        self._require(usable == line, f"has checkpoints {sorted(usable)}; its line is {self.line}")


_MOVES = frozenset({"RunStateChanged", "AttemptPlaced", "AttemptClaimed", "AttemptEnded", "CheckpointCommitted", "RunRolledBack"})
_HANDLERS = {
    "RunStateChanged": Line.changed,
    "AttemptPlaced": Line.placed,
    "AttemptClaimed": Line.claimed_by,
    "AttemptEnded": Line.ended,
    "CheckpointCommitted": Line.committed,
    "RunRolledBack": Line.rolled_back,
    "CommandRequested": Line.asked,
}


def _holes(history: History) -> Iterable[str]:
    last: dict[str, int] = defaultdict(int)
    for topic, seq, _, _ in history.events:
        if seq != last[topic] + 1:
            yield f"{topic}: event {seq} comes after {last[topic]}"
        last[topic] = seq


def _fences(history: History) -> Iterable[str]:
    """They rise with the attempts, and no two are alike."""
    by_run: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for row in history.attempts:
        if row["fence"] is not None:
            by_run[row["run_id"]].append((row["number"], row["fence"]))
    for run_id, pairs in by_run.items():
        fences = [fence for _, fence in sorted(pairs)]
        if fences != sorted(set(fences)):
            yield f"{run_id}: the fences of its attempts are {fences}"


def _double_bookings(history: History) -> Iterable[str]:
    """By the rows of the attempts: when each had which slots; since it was placed by its run's events, where they are there."""
    placed = {(topic, event["attempt"]): at for topic, _, at, event in history.events if event["type"] == "AttemptPlaced"}
    by_slot: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for row in history.attempts:
        since = placed.get((row["run_id"], row["number"])) or row["placed_at"]
        for slot in row["slots"]:
            by_slot[slot["id"]].append((since, row["ended_at"] or float("inf"), row["id"]))
    for slot_id, uses in by_slot.items():
        for (_, end, one), (begin, _, other) in pairwise(sorted(uses)):
            if begin < end:
                yield f"slot {slot_id} was booked for {one} and for {other}"


def _placed_in_emergency(history: History) -> Iterable[str]:
    begin: float | None = None
    stops: list[tuple[float, float]] = []
    for at, event in history.of(CLUSTER_TOPIC):
        if event["type"] == "EmergencyStopped" and not event["worker"]:
            begin = at
        elif event["type"] == "EmergencyEnded" and not event["worker"] and begin is not None:
            stops.append((begin, at))
            begin = None
    stops += [(begin, float("inf"))] if begin is not None else []
    for topic, _, at, event in history.events:
        if event["type"] in {"AttemptPlaced", "AttemptClaimed"} and any(since < at < until for since, until in stops):
            yield f"{topic}: {event['type']} of attempt {event['attempt']} during an emergency stop"


def _slots(history: History) -> Iterable[str]:
    current = {run["current_attempt_id"] for run in history.runs} - {None}
    for slot in history.slots:
        if slot["attempt_id"] is not None and slot["attempt_id"] not in current:
            yield f"slot {slot['id']} is held by {slot['attempt_id']}, which no run has"


def _commands(run: dict[str, Any], rows: Rows) -> Iterable[str]:
    for row in rows:
        done = row["state"] in {"applied", "rejected"}
        if done != (row["ended_at"] is not None):
            yield f"command {row['id']} is {row['state']} and ended at {row['ended_at']}"
        if row["state"] == "rejected" and not row["reason"]:
            yield f"command {row['id']} ({row['type']}) is rejected without a reason"
        if not done and run["state"] in FINAL_STATES:
            yield f"command {row['id']} ({row['type']}) is {row['state']} after the run's end"
