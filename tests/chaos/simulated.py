"""A worker and its training processes without processes: what agent and child do and say, in simulated time, over a network that loses."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from serving.database import Database

STEPS: Final = 24
EVERY: Final = 6
Call = Callable[[], Any]


class Killed(BaseException):
    """kill -9 of the process that wrote. No handler of the product's stops it."""


class Mortal(Database):
    """`armed`: the process that writes dies with so many transactions from now, before or after its commit."""

    armed: tuple[int, str] | None = None

    @contextmanager
    def writing(self) -> Iterator[Any]:
        countdown, moment = self.armed or (-1, "")
        self.armed = (countdown - 1, moment) if countdown > 0 else None
        with super().writing() as session:
            yield session
            if countdown == 0 and moment == "before":
                raise Killed
        if countdown == 0:
            raise Killed


@dataclass
class Network:
    """Of one worker to the api. `late`: what is still on its way, with the time of its arrival; its answer reaches nobody."""

    rng: random.Random
    perform: Callable[[Call], Any]
    late: list[tuple[float, Call]]
    faulty: bool = True
    cut: bool = False
    counts: dict[str, int] = field(default_factory=lambda: {"lost": 0, "late": 0, "doubled": 0, "unanswered": 0})

    def ask(self, call: Call, now: float) -> Any:
        """The answer; None where none came, whether it arrived or not."""
        dice = self.rng.random() if self.faulty else 1.0
        if self.cut or dice < 0.04:
            return self._note("lost")
        if dice < 0.08:
            self.late.append((now + self.rng.uniform(0.1, 120), call))
            return self._note("late")
        if dice < 0.13:
            self.late.append((now + self.rng.uniform(0.1, 120), call))
            self._note("doubled")
        answer = self.perform(call)
        return self._note("unanswered") if 0.13 <= dice < 0.17 else answer

    def _note(self, what: str) -> None:
        self.counts[what] += 1


@dataclass
class Saved:
    """A checkpoint's state: its journal is by command, with the step behind which that was applied."""

    id: str
    step: int
    journal: dict[str, int]


@dataclass
class Child:
    """The training of one attempt. `replays`: what an earlier attempt applied behind the checkpoint that this one goes on from."""

    run_id: str
    attempt_id: str
    fence: int
    step: int = 0
    journal: dict[str, int] = field(default_factory=dict)
    replays: dict[str, int] = field(default_factory=dict)
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    obeyed: set[str] = field(default_factory=set)
    applied: list[dict[str, Any]] = field(default_factory=list)
    saved: list[Saved] = field(default_factory=list)
    held: bool = False
    running_told: bool = False
    outcome: str = ""
    steps: int = 0
    """Taken by this process."""

    def advance(self, count: int) -> None:
        self._obey()
        for _ in range(count):
            if self.held or self.outcome:
                return
            self.step += 1
            self.steps += 1
            self._obey()
            if self.step >= STEPS:
                self.end("succeeded")
            elif self.step % EVERY == 0 and not self.outcome:
                self.save()

    def _obey(self) -> None:
        """At the boundary behind `step`."""
        self.journal |= {name: step for name, step in self.replays.items() if step <= self.step}
        for name, order in self.orders.items():
            if name not in self.obeyed and not self.outcome:
                self.obeyed.add(name)
                self._apply(name, order)

    def _apply(self, name: str, order: dict[str, Any]) -> None:
        at = self.step
        match order["type"]:
            case "stop":
                self.end("stopped")
            case "pause" if order["arguments"].get("hold"):
                self.held = True
                self.save()
            case "pause":
                self.end("paused")
            case "resume":
                self.held = False
            case "save_checkpoint":
                self.save()
            case "rollback":
                self.outcome = "rolled_back"
            case "set_hyperparameters":
                at = self.journal.setdefault(name, self.replays.get(name, self.step))
        self.applied.append({"command_id": name, "step": at, "ranks": 1, "fence": self.fence})

    def end(self, outcome: str) -> None:
        if not self.outcome:
            self.save()
            self.outcome = outcome

    def save(self) -> None:
        if self.step and (not self.saved or self.saved[-1].step < self.step):
            self.saved.append(Saved(f"ckpt_{self.attempt_id[-12:]}_{self.fence}_{self.step}", self.step, dict(self.journal)))
