"""Kills at every named crash point: whatever dies there, the next attempt goes on from the newest committed checkpoint, to the last bit."""

import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from shared.crash import POINTS
from shared.names import FINAL_STATES
from tests.chaos.ledger import Ledger, uncommitted_or_wrong
from tests.chaos.platform import Platform
from tests.chaos.processes import CHILD_ARMED, CHILD_ENDED
from tests.servers import wait_until

OWNERS: Final = {"upload": "agent", "commit": "agent", "storage": "storage", "api": "api", "deletion": "scheduler"}
"""By the first word of a point; any other is the child's."""
TIMES: Final = {
    "step.before_backward": 12,
    "step.before_optimizer": 12,
    "checkpoint.between_shards": 12,
    "evaluation": 2,
    "upload.between_files": 18,
    "storage.before_row": 18,
    "storage.between_objects": 6,
}
"""The last time at a point that a kill is planned for; else 3."""
KILLED_AT: Final = tuple(point for point in POINTS if not point.startswith("spool."))
"""A spool has no second segment before it has millions of steps; tests/trainer kill at its points, with small ones."""
PER_RUN: Final = 25
SECONDS: Final = 60.0


@dataclass(frozen=True)
class Kill:
    """number: from 1. times: which time at the point. lingers: the agent outlives its child, and goes on with the next attempt itself."""

    number: int
    point: str
    times: int
    lingers: bool

    @property
    def owner(self) -> str:
        return OWNERS.get(self.point.partition(".")[0], "child")

    @property
    def setting(self) -> str:
        return f"{self.point}:{self.times}"


def planned(seed: int, kills: int, points: list[str]) -> list[Kill]:
    """Every point equally often, in an order by the seed; each kill depends on seed and number alone."""
    order = [points[index % len(points)] for index in range(kills)]
    random.Random(f"{seed} order").shuffle(order)
    plan = []
    for number, point in enumerate(order, 1):
        rng = random.Random(f"{seed} {number}")
        plan.append(Kill(number, point, rng.randint(1, TIMES.get(point, 3)), rng.random() < 0.5))
    return plan


@dataclass
class Kills:
    """killed: how many by point. moments: agents killed beside, each with its child. The three lists say in words what does not hold."""

    platform: Platform
    history: Path
    killed: Counter[str] = field(default_factory=Counter)
    bad_restores: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    restores: int = 0
    fresh: int = 0
    moments: int = 0
    runs: list[str] = field(default_factory=list)

    def run(self, plan: list[Kill], tell: Callable[[str], None]) -> None:
        for kill in plan:
            if not self.runs or self.killed.total() % PER_RUN == 0 or self.platform.run_state(self.runs[-1]) in FINAL_STATES:
                self._next_run()
            begun = time.monotonic()
            seen = len(self.platform.verdicts)
            try:
                self._kill(kill)
                self._attempts_until(seen + 1)
            except TimeoutError as error:
                self.stuck.append(f"kill {kill.number} ({kill.setting}): {error}")
                self._revive()
            self.killed[kill.point] += 1
            self._note(kill, seen, time.monotonic() - begun)
            if self.killed.total() % 20 == 0:
                tell(f"{self.killed.total()} of {len(plan)} kills")
        self._next_run(last=True)

    def _kill(self, kill: Kill) -> None:
        """Let the owner of the point start anew, armed, and die of it; then bring it back."""
        platform = self.platform
        if "agent" in platform.running:
            platform.kill("agent")
            self.moments += 1
        if kill.owner == "child":
            (platform.folder / CHILD_ENDED).unlink(missing_ok=True)
            (platform.folder / CHILD_ARMED).write_text(kill.setting)
        elif kill.owner != "agent":
            platform.restart(kill.owner, kill.setting)
        platform.start("agent", kill.setting if kill.owner == "agent" else "")
        died = self._watch(kill)
        wait_until(died, f"nothing died at {kill.setting}", SECONDS)
        if kill.owner in {"api", "storage", "scheduler"}:
            platform.restart(kill.owner)
        elif kill.owner == "agent" or not kill.lingers:
            platform.restart("agent")

    def _watch(self, kill: Kill) -> Callable[[], bool]:
        """Whether the armed process is dead, by SIGKILL."""
        platform = self.platform
        if kill.owner == "child":
            ended = platform.folder / CHILD_ENDED
            return lambda: ended.exists() and ended.read_text() == "-9"
        if kill.owner in {"api", "storage"}:
            worker = platform.worker_of(kill.owner)
            return lambda: not worker.is_running() or worker.status() == "zombie"
        process = platform.running[kill.owner]
        return lambda: process.exitcode == -9

    def _attempts_until(self, verdicts: int) -> None:
        platform, run_id = self.platform, self.runs[-1]

        def over() -> bool:
            return len(platform.read_verdicts()) >= verdicts or platform.run_state(run_id) in FINAL_STATES

        wait_until(over, f"no attempt of {run_id} came to its start", SECONDS)
        self._judge()

    def _judge(self) -> None:
        """Every verdict that was not looked at yet."""
        judged = self.restores + self.fresh
        for verdict in self.platform.verdicts[judged:]:
            if verdict["restored"] is None:
                self.fresh += 1
            else:
                self.restores += 1
            if found := uncommitted_or_wrong(self.platform.api_tables, verdict):
                self.bad_restores.append(found)

    def _next_run(self, *, last: bool = False) -> None:
        """End the run as a person would; another one begins."""
        if self.runs:
            self._end(self.runs[-1])
            self.lost += Ledger(self.platform.api_tables, self.runs[-1]).mistakes()
        if not last:
            self.runs.append(self.platform.submit())

    def _end(self, run_id: str) -> None:
        platform = self.platform
        if "agent" not in platform.running:
            platform.start("agent")
        platform.person.post(f"/api/v1/runs/{run_id}/commands", json={"type": "stop"})
        try:
            wait_until(lambda: platform.run_state(run_id) in FINAL_STATES, f"{run_id} does not stop", SECONDS)
        except TimeoutError as error:
            self.stuck.append(str(error))
            self._revive()
        platform.read_verdicts()
        self._judge()

    def _revive(self) -> None:
        """After an iteration that went wrong: everything unarmed, so that the next one means something."""
        for name in ("api", "storage", "scheduler", "agent"):
            if name in self.platform.running:
                self.platform.restart(name)
        (self.platform.folder / CHILD_ARMED).unlink(missing_ok=True)

    def _note(self, kill: Kill, seen: int, seconds: float) -> None:
        new: list[dict[str, Any]] = self.platform.verdicts[seen:]
        line = {"kill": kill.number, "at": kill.setting, "of": kill.owner, "run": self.runs[-1], "seconds": round(seconds, 2)}
        with self.history.open("a") as file:
            file.write(json.dumps({**line, "went_on": new, "wrong": len(self.wrong)}) + "\n")

    @property
    def wrong(self) -> list[str]:
        return [*self.bad_restores, *self.lost, *self.stuck]
