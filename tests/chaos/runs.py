"""Runs on real processes, each with one fault at a moment that the seed chooses; what they must have come to, and how long it took."""

import json
import random
import signal
import time
from collections.abc import Callable, Sequence
from itertools import cycle, pairwise
from pathlib import Path
from typing import Final

import httpx
import psutil

from shared.names import FINAL_STATES
from tests.chaos import history
from tests.chaos.hosts import AGENTS, Hosts
from tests.chaos.lived import Lived
from tests.chaos.witness import Witness, witnesses
from tests.servers import wait_until

STEPS, TORCH_STEPS = 150, 900
PATIENCE, TORCH_PATIENCE = 60.0, 180.0
"""Seconds until what must happen counts as not happening. Two ranks with torch are slow to start where others use the machine too."""
CHANGED_TIMES: Final = 4
"""A run that is to be changed has so many times the steps: it must not end before its last command."""
UNTOUCHED: Final = (
    "api killed",
    "scheduler killed",
    "storage killed",
    "celery killed",
    "monitor killed",
    "ingester killed",
    "redis killed",
    "redis connections cut",
    "agent killed",
)
"""The training must not notice: one attempt, the same processes."""

STRICKEN: Final = ("rank killed", "launcher killed", "host killed", "host frozen", "agent frozen")
OBEDIENT: Final = ("emergency stop", "emergency stop without redis", "held and resumed", "paused and resumed", "rolled back", "changed")


def planned(seed: int, count: int) -> list[tuple[int, str]]:
    """One of each kind in turn, each kind's equally often, in an order by the seed."""
    rng = random.Random(f"{seed} runs")
    decks = [cycle(rng.sample(kind, len(kind))) for kind in (UNTOUCHED, STRICKEN, OBEDIENT)]
    return [(number, next(decks[number % len(decks)])) for number in range(1, count + 1)]


class Runs:
    """`count`: steps of a run. `patience`: seconds. `unnoticed`: faults that cost no attempt."""

    unnoticed = frozenset({*UNTOUCHED, "held and resumed", "changed"})

    def __init__(self, platform: Hosts, file: Path, seed: int) -> None:
        self.platform, self.file, self.seed = platform, file, seed
        self.witness: Witness | None = None
        self.count, self.ranks, self.patience, self.lived = STEPS, 1, PATIENCE, Lived()
        self.times, self.wrong = self.lived.times, self.lived.wrong

    def run(self, plan: Sequence[tuple[int, str]], tell: Callable[[str], None]) -> Lived:
        with witnesses(self.platform) as self.witness:
            self._live(plan, tell)
        found = history.mistakes(history.History.read(self.platform.api_tables))
        for what in found:
            tell(f"DOES NOT HOLD: {what}")
        self.wrong += found
        return self.lived

    def _live(self, plan: Sequence[tuple[int, str]], tell: Callable[[str], None]) -> None:
        for number, fault in plan:
            begun, before = time.monotonic(), len(self.wrong)
            run_id = self._one(number, fault)
            self.wrong[before:] = [f"{number} ({fault}, {run_id}): {what}" for what in self.wrong[before:]]
            self.lived.done[fault] += 1
            self._note(number, fault, run_id, time.monotonic() - begun, self.wrong[before:])
            for what in self.wrong[before:]:
                tell(f"DOES NOT HOLD: {what}")
        assert self.witness is not None
        found = [*self.witness.judge_cluster(), *self.witness.judge_again()]
        for what in found:
            tell(f"DOES NOT HOLD: {what}")
        self.wrong += found
        self.lived.listeners.update(self.witness.counts)

    def _one(self, number: int, fault: str) -> str:
        """The run's id."""
        run_id, moment = "", random.Random(f"{self.seed} {number}").randint(1, self.count // 3)
        try:
            steps = self.count * (CHANGED_TIMES if fault == "changed" else 1)
            run_id = self._begin(steps)
            wait_until(lambda: self.platform.step(run_id) >= moment, "the first steps", self.patience)
            self._require(self.platform.run_state(run_id) == "running", "it had ended before the fault")
            getattr(self, f"_{fault.replace(' ', '_')}")(run_id)
            self._end(run_id, fault, steps)
        except (TimeoutError, AssertionError, IndexError, psutil.Error, OSError, httpx.HTTPError) as error:
            state = self.platform.run_state(run_id) if run_id else "not there"
            self.wrong.append(f"{error or type(error).__name__}; the run is {state}")
            self._recover()
        return run_id

    def _note(self, number: int, fault: str, run_id: str, seconds: float, wrong: list[str]) -> None:
        line = {"number": number, "fault": fault, "run": run_id, "seconds": round(seconds, 2), "wrong": wrong}
        with self.file.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def _recover(self) -> None:
        """All as it was, for the next one."""
        platform = self.platform
        for name in AGENTS:
            platform.kill(name)
        for process in platform.processes_of():
            process.kill()
        for name in AGENTS:
            platform.start(name)

    # --- a run

    def _begin(self, steps: int) -> str:
        platform, begun = self.platform, time.time()
        run_id = platform.begin(steps, self.count // 8, ranks=self.ranks)
        if self.witness:
            self.witness.follow(run_id)
        wait_until(lambda: platform.run_state(run_id) == "running", "it does not run", self.patience)
        self.times.to_claimed.append(platform.event_times(run_id, "AttemptClaimed")[0][0] - begun)
        changes = platform.event_times(run_id, "RunStateChanged")
        self.times.to_running.append(next(at for at, event in changes if event["new"] == "running") - begun)
        return run_id

    def _end(self, run_id: str, fault: str, steps: int) -> None:
        platform = self.platform
        wait_until(lambda: platform.run_state(run_id) in FINAL_STATES, "it does not end", self.patience)
        attempts = platform.attempts(run_id)
        self._require(platform.run_state(run_id) == "succeeded", f"it is {platform.run_state(run_id)}")
        once = fault in self.unnoticed
        self._require(not once or len(attempts) == 1, f"it took {len(attempts)} attempts: {[one.reason for one in attempts]}")
        self._require(once or len(attempts) > 1, "the fault has hit nothing")
        wait_until(lambda: not platform.processes_of(), "processes are left", self.patience)
        self._read_history(run_id, steps)
        if self.witness:
            self.wrong += self.witness.judge(run_id)

    def _require(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong.append(what)

    def _read_history(self, run_id: str, steps: int) -> None:
        """Every step once, in the monitor's effective history."""
        query: dict[str, str | int] = {"names": "train/loss", "buckets": steps * 2}

        def counts() -> list[tuple[float, int]]:
            series = self.platform.monitor.get(f"/api/v1/runs/{run_id}/metrics", params=query).raise_for_status().json()["series"]
            return [pair for one in series for pair in zip(one["x"], one["count"], strict=True)]

        wanted = [(float(step), 1) for step in range(1, steps + 1)]
        try:
            wait_until(lambda: counts() == wanted, "its history", 20)
        except TimeoutError:
            found = dict(counts())
            flaws = [step for step, _ in wanted if found.get(step) != 1]
            self.lived.flaws += len(flaws)
            self.wrong.append(f"its history has {len(found)} steps of {steps}; missing or doubled: {flaws[:5]}")
        self.lived.steps += steps

    # --- faults that the training does not notice

    def _restart(self, run_id: str, name: str) -> None:
        platform = self.platform
        pids, before, begun = self._pids(run_id), platform.step(run_id), time.time()
        platform.restart(name)
        wait_until(lambda: platform.step(run_id) > before or platform.run_state(run_id) in FINAL_STATES, "no step after the restart")
        after, ended = self._pids(run_id), time.time()
        self._require(after <= pids, f"its processes were {pids}, and are {after}")  # fewer: it ends
        times = platform.step_times(run_id)
        self.times.steps_before += [later - at for at, later in pairwise(times) if later < begun]
        self.times.steps_during += [later - at for at, later in pairwise(times) if begun <= at < ended]

    def _pids(self, run_id: str) -> set[int]:
        return {process.pid for process in self.platform.processes_of(self.platform.newest(run_id).id)}

    def _api_killed(self, run_id: str) -> None:
        self._restart(run_id, "api")

    def _scheduler_killed(self, run_id: str) -> None:
        self._restart(run_id, "scheduler")

    def _storage_killed(self, run_id: str) -> None:
        self._restart(run_id, "storage")

    def _celery_killed(self, run_id: str) -> None:
        self._restart(run_id, f"celery-{self.platform.newest(run_id).worker}")

    def _monitor_killed(self, run_id: str) -> None:
        self._restart(run_id, "monitor")

    def _ingester_killed(self, run_id: str) -> None:
        self._restart(run_id, "ingester")

    def _redis_killed(self, run_id: str) -> None:
        self._restart(run_id, "redis")

    def _redis_connections_cut(self, run_id: str) -> None:
        for _ in range(3):
            self._require(self.platform.cut_redis() > 0, "there was no connection to cut")
            time.sleep(0.1)

    def _agent_killed(self, run_id: str) -> None:
        self._restart(run_id, self.platform.newest(run_id).worker)

    # --- faults that cost an attempt

    def _rank_killed(self, run_id: str) -> None:
        self._kill_process(run_id, lambda command: command[-2:-1] == [str(self.ranks)] or "main_child" in " ".join(command[-3:]))

    def _launcher_killed(self, run_id: str) -> None:
        self._kill_process(run_id, lambda command: command[-1:] == [str(self.ranks)] or "torch.distributed.run" in command)

    def _kill_process(self, run_id: str, is_meant: Callable[[list[str]], bool]) -> None:
        attempt = self.platform.newest(run_id)
        found = [process for process in self.platform.processes_of(attempt.id) if is_meant(process.cmdline())]
        begun = time.time()
        found[0].kill()
        self.times.dead_process.append(self._ended(run_id, attempt.number, "failed") - begun)

    def _ended(self, run_id: str, number: int, outcome: str) -> float:
        """When."""

        def found() -> list[float]:
            events = self.platform.event_times(run_id, "AttemptEnded")
            return [at for at, event in events if event["attempt"] == number and event["outcome"] == outcome]

        wait_until(lambda: bool(found()), f"attempt {number} is not {outcome}", self.patience)
        return found()[0]

    def _host_killed(self, run_id: str) -> None:
        platform, attempt, begun = self.platform, self.platform.newest(run_id), time.time()
        platform.kill(attempt.worker)
        for process in platform.processes_of(attempt.id):
            process.kill()
        self.times.dead_worker.append(self._ended(run_id, attempt.number, "lost") - begun)
        platform.start(attempt.worker)

    def _host_frozen(self, run_id: str) -> None:
        """Past its lease; then it goes on as if nothing had been, is refused, and stops itself."""
        self._freeze(run_id, lambda worker, attempt, number: self.platform.signal_all(worker, attempt, number))

    def _agent_frozen(self, run_id: str) -> None:
        self._freeze(run_id, lambda worker, _attempt, number: self.platform.signal(worker, number))

    def _freeze(self, run_id: str, send: Callable[[str, str, int], None]) -> None:
        platform, attempt = self.platform, self.platform.newest(run_id)
        send(attempt.worker, attempt.id, signal.SIGSTOP)
        try:
            self._ended(run_id, attempt.number, "lost")
            wait_until(lambda: len(platform.attempts(run_id)) > 1, "no second attempt", self.patience)
        finally:
            send(attempt.worker, attempt.id, signal.SIGCONT)
        wait_until(lambda: not platform.processes_of(attempt.id), "the stale attempt goes on", self.patience / 6)
