"""A simulated worker: the agent's side of the conversation with the api, in turns of simulated time."""

import random
from dataclasses import dataclass, field
from typing import Any

from tests.api.stage import Stage
from tests.chaos.simulated import Child, Network, Saved


@dataclass
class Hand:
    """`store`: what is saved outlives everybody. `mistakes`: what no worker should ever be told."""

    name: str
    slots: int
    stage: Stage
    network: Network
    rng: random.Random
    store: dict[str, Saved]
    mistakes: list[str]
    instance: str = "1"
    up: bool = True
    children: dict[str, Child] = field(default_factory=dict)
    ended: dict[str, tuple[str, int]] = field(default_factory=dict)
    leftover: list[dict[str, Any]] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    emergency: bool = False
    refused: int = 0
    steps: int = 0

    # --- what happens to it

    def die(self) -> None:
        """kill -9 of the host: nothing of its processes is left."""
        self.up = False
        self.children.clear()
        self._forget()

    def come_back(self) -> None:
        """An agent of a new instance; children that have survived are adopted by it."""
        self.up, self.instance = True, str(int(self.instance) + 1)
        self._forget()

    def _forget(self) -> None:
        self.ended.clear()
        self.leftover.clear()
        self.acknowledged.clear()
        self.emergency = False

    def hear_emergency(self) -> None:
        """On Redis or with a heartbeat."""
        self.emergency = True
        for child in self.children.values():
            child.outcome = "halted"

    def save_all(self, outcome: str) -> None:
        """SIGTERM of the agent: every training saves itself, and is tried elsewhere."""
        for child in self.children.values():
            child.end(outcome)

    def crash_a_child(self) -> None:
        if self.children:
            child = self.rng.choice(list(self.children.values()))
            child.outcome = child.outcome or "crashed"

    # --- its turn

    def turn(self, now: float, pace: int) -> None:
        for child in self.children.values():
            before = child.steps
            child.advance(self.rng.randint(0, pace))
            self.steps += child.steps - before
        beats_first = self.rng.random() < 0.5  # they are two threads of an agent
        if beats_first:
            self._beat(now)
        for child in list(self.children.values()):
            self._deliver(child, now)
        if not beats_first:
            self._beat(now)

    def _beat(self, now: float) -> None:
        attempts = [
            {
                "attempt_id": child.attempt_id,
                "fence": child.fence,
                "progress": {"step": child.step, "tokens": child.step},
                "held": child.held,
            }
            for child in self.children.values()
        ]
        said = [*self.leftover, *(one for child in self.children.values() for one in child.applied)]
        applied = [one for one in said if one["command_id"] not in self.acknowledged]
        body = {"instance": self.instance, "attempts": attempts, "applied": applied}
        reply = self._ask(lambda: self.stage.beat(self.name, self.slots, **body), now)
        if reply is None or reply.status_code != 200:
            return
        self.acknowledged |= {one["command_id"] for one in applied}
        self._follow(reply.json, now)

    def _follow(self, reply: dict[str, Any], now: float) -> None:
        self.emergency = bool(reply["emergency"])
        if self.emergency:
            self.hear_emergency()
        for preemption in reply["preempted"]:
            if child := self.children.get(preemption["attempt_id"]):
                child.end("preempted")
        for attempt_id in reply["cancelled"]:
            self._abandon(attempt_id)
        for attempt_id in reply["assignments"]:
            self._begin(attempt_id, now)
        for order in reply["commands"]:
            if child := self.children.get(order["attempt_id"]):
                self._order(child, order)

    def _order(self, child: Child, order: dict[str, Any]) -> None:
        if order["type"] != "kill":
            child.orders.setdefault(order["command_id"], order)
        elif child.outcome != "killed":
            child.outcome = "killed"
            child.applied.append({"command_id": order["command_id"], "step": child.step, "ranks": 0, "fence": child.fence})

    def _begin(self, attempt_id: str, now: float) -> None:
        if last := self.ended.get(attempt_id):
            self._report(attempt_id, last[1], now, state="failed", reason="its worker left it without a report")
        if self.emergency or attempt_id in self.children or attempt_id in self.ended:
            return
        instance = self.instance  # a claim that is late is still this agent's
        answer = self._ask(lambda: self.stage.claim(attempt_id, self.name, instance), now)
        if answer is None or answer.status_code != 200:
            return
        claim = answer.json
        child = self.children[attempt_id] = Child(claim["run_id"], attempt_id, claim["fence"])
        if claim["checkpoints"]:
            saved = self.store[claim["checkpoints"][0]["id"]]
            child.step, child.journal = saved.step, dict(saved.journal)
        later = [entry for entry in claim["journal"] if entry["command_id"] not in child.journal]
        child.replays = {entry["command_id"]: entry["step"] for entry in later}
        if any(entry["step"] < child.step for entry in later):
            self.mistakes.append(f"{child.run_id}: the journal has a change before step {child.step} that the checkpoint does not have")

    # --- what it tells

    def _deliver(self, child: Child, now: float) -> None:
        if not child.running_told:
            if (status := self._report(child.attempt_id, child.fence, now, state="running")) != 204:
                return self._refused(child, status)
            child.running_told = True
        while child.saved and child.outcome not in {"killed", "halted"}:
            saved = child.saved[0]
            self.store[saved.id] = saved
            bound = (child.attempt_id, child.fence, saved.id, saved.step)
            answer = self._ask(lambda bound=bound: self.stage.commit(*bound), now)
            if answer is None or answer.status_code != 204:
                return self._refused(child, answer.status_code if answer is not None else None)
            child.saved.pop(0)
        if child.outcome:
            self._end(child, now)
        return None

    def _end(self, child: Child, now: float) -> None:
        progress = {"step": child.step, "tokens": child.step}
        fields: dict[str, Any] = {"state": child.outcome, "progress": progress, "applied": child.applied}
        if child.outcome in {"crashed", "left"}:
            fields |= {"state": "failed", "reason": child.outcome, "counts": child.outcome == "crashed"}
        status = self._report(child.attempt_id, child.fence, now, **fields)
        if status == 204:
            self._abandon(child.attempt_id)
        else:
            self._refused(child, status)

    def _report(self, attempt_id: str, fence: int, now: float, *, state: str, **fields: Any) -> int | None:
        answer = self._ask(lambda: self.stage.report(attempt_id, fence, state, worker=self.name, **fields), now)
        return None if answer is None else int(answer.status_code)

    def _refused(self, child: Child, status: int | None) -> None:
        """A refusal ends it at once; what was not answered is tried again."""
        if status == 409:
            self.refused += 1
            self._abandon(child.attempt_id)

    def _abandon(self, attempt_id: str) -> None:
        if child := self.children.pop(attempt_id, None):
            self.ended[attempt_id] = (child.run_id, child.fence)
            self.leftover += child.applied

    def _ask(self, call: Any, now: float) -> Any:
        answer = self.network.ask(call, now)
        if answer is not None and answer.status_code not in {200, 204, 409}:
            self.mistakes.append(f"{self.name} was answered {answer.status_code}: {answer.text[:300]}")
        return answer
