"""One iteration of the model: two schedulers, three workers, a person and the faults, all from one seed, in simulated time."""

import heapq
import random
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import select

from services.api.checkpoint_models import Checkpoint
from services.api.models import Run
from services.api.scheduler import Scheduler
from shared.commands import JOURNALED
from shared.names import FINAL_STATES
from shared.settings import Settings
from tests.api.stage import SPEC, Stage
from tests.chaos import history
from tests.chaos.hands import Hand
from tests.chaos.simulated import EVERY, STEPS, Call, Killed, Mortal, Network, Saved
from tests.chaos.troubles import go_wrong
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET, headers

SETTINGS: Final = Settings.read(
    {"GROUNDUP_GATEWAY_SECRET": GATEWAY_SECRET, "GROUNDUP_JOIN_SECRET": JOIN_SECRET, "GROUNDUP_LEASE_SECONDS": "60"}
)
HEARTBEAT, TICK = 15.0, 11.0
TROUBLE: Final = 180.0
"""Simulated seconds in which things go wrong; then they are put right, and everything must come to its end."""

PATIENCE: Final = 3000.0
PACE, CALM_PACE = 5, 15
"""Steps a worker's training takes at most between two heartbeats; once all is put right it need only come to its end."""
ORDERS: Final = ("pause", "hold", "resume", "stop", "kill", "save_checkpoint", "evaluate", "set_hyperparameters", "rollback")
WEIGHTS: Final = (3, 3, 6, 1, 1, 2, 1, 6, 3)


class World:
    """`counts`: of what happened. `mistakes`: what may not be."""

    def __init__(self, seed: str, stage: Stage, database: Mortal) -> None:
        self.rng, self.stage, self.database = random.Random(seed), stage, database
        self.counts: Counter[str] = Counter()
        self.mistakes: list[str] = []
        self.queue: list[tuple[float, int, Callable[[], None]]] = []
        self.number, self.begin, self.calm, self.api_up = 0, stage.now, False, True
        self.late: list[tuple[float, Call]] = []
        self.store: dict[str, Saved] = {}
        self.hands = [self._hand(name, slots) for name, slots in (("w1", 2), ("w2", 1), ("w3", 1))]
        self.runs: list[str] = []
        self.schedulers = [self.new_scheduler(), self.new_scheduler()]

    def _hand(self, name: str, slots: int) -> Hand:
        rng = random.Random(self.rng.random())
        return Hand(name, slots, self.stage, Network(rng, self.perform, self.late), rng, self.store, self.mistakes)

    def new_scheduler(self) -> Scheduler:
        nobody: Any = None
        return Scheduler(SETTINGS, self.database, self.stage.storage, client=nobody, send_hint=lambda _: None)

    # --- time

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self.number += 1
        heapq.heappush(self.queue, (self.stage.now + seconds, self.number, act))

    def perform(self, call: Call) -> Any:
        """A request to the api, which may be down, or die of it."""
        self.stage.now += 0.001
        if not self.api_up:
            return None
        try:
            return call()
        except Killed:
            self.counts["api killed between two writes"] += 1
            return None

    def run(self) -> None:
        for number, hand in enumerate(self.hands):
            self.after(number, lambda hand=hand: self._turn(hand))  # type: ignore[misc]
        for index in (0, 1):
            self.after(1 + index * TICK / 2, lambda index=index: self._tick(index))  # type: ignore[misc]
        self.after(2, self._submit)
        self.after(20, self._person)
        self.after(25, self._fault)
        self.after(TROUBLE, self._put_right)
        while self.queue and self.stage.now < self.begin + PATIENCE and not self._over():
            at, _, act = heapq.heappop(self.queue)
            self._arrive(at)
            self.stage.now = max(self.stage.now + 0.001, at)
            act()
        self._judge()

    def _arrive(self, until: float) -> None:
        """What was late."""
        for at, call in sorted((one for one in self.late if one[0] <= until), key=lambda one: one[0]):
            self.late.remove((at, call))
            self.stage.now = max(self.stage.now, at)
            self.perform(call)

    def _over(self) -> bool:
        if not self.calm or self.late:
            return False
        with self.database.reading() as session:
            return all(state in FINAL_STATES for state in session.scalars(select(Run.state)))

    # --- who acts

    def _turn(self, hand: Hand) -> None:
        if hand.up:
            hand.turn(self.stage.now, CALM_PACE if self.calm else PACE)
        self.after(HEARTBEAT * hand.rng.uniform(0.6, 1.4), lambda: self._turn(hand))

    def _tick(self, index: int) -> None:
        scheduler = self.schedulers[index]
        try:
            scheduler.tick(self.stage.now)
        except Killed:
            self.counts["scheduler killed between two writes"] += 1
            self.schedulers[index] = self.new_scheduler()
        self.mistakes += [f"the scheduler's {name} failed" for name in scheduler.failing]
        self.after(TICK * self.rng.uniform(0.8, 1.2), lambda: self._tick(index))

    def _submit(self) -> None:
        compute = {"processes_per_node": self.rng.choice((1, 1, 2)), "priority": self.rng.choice((10, 50, 90))}
        body = {**SPEC, "name": f"run-{len(self.runs)}", "train": {**SPEC["train"], "steps": STEPS, "checkpoint": {"every": EVERY}}}
        answer = self._ask("POST", "/api/v1/runs", {**body, "compute": compute})
        if answer is not None and answer.status_code == 201:
            self.runs.append(answer.json["id"])
        if len(self.runs) < 4:
            self.after(self.rng.uniform(1, 60), self._submit)

    def _ask(self, method: str, path: str, body: Any = None, role: str = "editor") -> Any:
        answer = self.perform(lambda: self.stage.http.open(path, method=method, json=body, headers=headers(role)))
        if answer is not None and answer.status_code >= 500:
            self.mistakes.append(f"{method} {path} was answered {answer.status_code}: {answer.text[:200]}")
        return answer

    def _person(self) -> None:
        dice = self.rng.random()
        if dice < 0.07:
            self._emergency()
        elif dice < 0.14:
            self._ask("POST", "/api/v1/queue/pause", {"reason": "to look at it"}, "admin")
            self.after(self.rng.uniform(5, 60), lambda: self._ask("DELETE", "/api/v1/queue/pause", None, "admin"))
        elif dice < 0.2:
            self._drain(self.rng.choice(self.hands).name)
        elif self.runs:
            self._command(self.rng.choice(self.runs), self.rng.choices(ORDERS, WEIGHTS)[0])
        if not self.calm:
            self.after(self.rng.uniform(2, 15), self._person)

    def _drain(self, worker: str) -> None:
        self._ask("POST", f"/api/v1/workers/{worker}/drain", {"drain": True}, "admin")
        self.after(self.rng.uniform(5, 60), lambda: self._ask("POST", f"/api/v1/workers/{worker}/drain", {"drain": False}, "admin"))

    def _command(self, run_id: str, kind: str) -> None:
        body: dict[str, Any] = {"type": "pause", "hold": True} if kind == "hold" else {"type": kind}
        if kind == "set_hyperparameters":
            body["changes"] = {"optimizer": {"lr": self.rng.choice((1e-4, 3e-4, 1e-3))}}
        if kind == "rollback":
            with self.database.reading() as session:
                mine = list(session.scalars(select(Checkpoint.id).where(Checkpoint.run_id == run_id).order_by(Checkpoint.id)))
            body["checkpoint_id"] = self.rng.choice(mine) if mine else "ckpt_none"
        answer = self._ask("POST", f"/api/v1/runs/{run_id}/commands", body)
        if answer is not None:
            self.counts[f"{kind} {'asked' if answer.status_code == 202 else 'refused'}"] += 1
            if kind == "resume" and answer.json.get("code") == "no-checkpoint":
                self._ask("POST", f"/api/v1/runs/{run_id}/commands", {**body, "from_scratch": True})

    def _emergency(self) -> None:
        self.counts["emergency stops"] += 1
        self._ask("POST", "/api/v1/emergency-stop", {"reason": "smoke"}, "admin")
        for hand in self.hands:
            if hand.up and self.api_up and self.rng.random() < 0.5:
                hand.hear_emergency()
        self.after(self.rng.uniform(5, 60), lambda: self._ask("DELETE", "/api/v1/emergency-stop", None, "admin"))

    def _fault(self) -> None:
        if not self.calm:
            self.counts[go_wrong(self)] += 1
            self.after(self.rng.uniform(5, 40), self._fault)

    # --- the end

    def _put_right(self) -> None:
        self.calm, self.database.armed, self.api_up = True, None, True
        for hand in self.hands:
            hand.network.faulty = False
        for path in ("/api/v1/emergency-stop", "/api/v1/queue/pause"):
            self._ask("DELETE", path, None, "admin")
        for hand in self.hands:
            self._ask("POST", f"/api/v1/workers/{hand.name}/drain", {"drain": False}, "admin")
        self._tidy()

    def _tidy(self) -> None:
        """What a person does about what stands still."""
        with self.database.reading() as session:
            paused = list(session.scalars(select(Run.id).where(Run.state == "paused")))
        for run_id in paused:
            self._command(run_id, "resume")
        self.after(30, self._tidy)

    def _judge(self) -> None:
        read = history.History.read(self.database)
        self.mistakes += history.mistakes(read)
        for run in read.runs:
            self.counts[run["state"]] += 1
            if run["state"] not in FINAL_STATES:
                self.mistakes.append(f"{run['id']} is {run['state']} after {PATIENCE:g} s: {run['reason']}")
        self.counts.update(f"attempts {row['state']}" for row in read.attempts)
        self.counts["commits"] += len(read.checkpoints)
        self.counts["events"] += len(read.events)
        for hand in self.hands:
            self.counts.update({f"messages {what}": count for what, count in hand.network.counts.items()})
            self.counts["refused as stale"] += hand.refused
        self.mistakes += self._journals(read)

    def _journals(self, read: history.History) -> list[str]:
        """What the last checkpoint says was applied is what the tables say."""
        found = []
        for run in read.runs:
            mine = [row for row in read.checkpoints if row["run_id"] == run["id"] and row["left_behind_at"] is None]
            if run["state"] == "succeeded" and mine:
                trained = self.store[max(mine, key=lambda row: row["step"])["id"]].journal
                told = {row["id"]: row["step"] for row in read.commands if _is_journal(row, run["id"])}
                if trained != told:
                    found.append(f"{run['id']}: its journal is {told}, and it was trained with {trained}")
        return found


def _is_journal(row: dict[str, Any], run_id: str) -> bool:
    return row["run_id"] == run_id and row["type"] in JOURNALED and row["state"] == "applied" and row["undone_at"] is None
