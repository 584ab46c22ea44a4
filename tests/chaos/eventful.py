"""The part of `./run chaos` that goes for the path of events: what lies between a trainer's spool and a client's socket breaks, in turn."""

import contextlib
import random
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Final

import psutil
import redis

from shared.names import FINAL_STATES
from tests.bench.figures import Figures
from tests.chaos.disk import NotHere, fill, small_disk
from tests.chaos.hosts import hosts
from tests.chaos.lanes import say
from tests.chaos.lived import Lived
from tests.chaos.runs import Runs
from tests.servers import wait_until

EVENTFUL: Final = (
    "monitor killed",
    "monitor frozen",
    "ingester killed",
    "ingester frozen",
    "redis killed",
    "redis frozen",
    "redis flushed",
    "redis connections cut",
    "subscriptions cut",
    "agent killed",
    "redis flushed behind an end",
    "disk full",
)
STEPS: Final = 300
FROZEN_SECONDS, FULL_SECONDS = 2.0, 2.0
ABOUT: Final = """Events: one fault after the other between a trainer and those who follow it, each during a run of its own: kill -9 and
SIGSTOP of the monitor, the ingester and Redis; CLIENT KILL of all connections or of the subscriptions; FLUSHALL; no byte left for the
history's database (a tmpfs); an agent killed, whose successor sends everything again; FLUSHALL after a run has ended of whose end the
history does not know. In all parts with real processes three clients follow
every run and `cluster` over WebSockets, as a browser does, and come back with `(epoch, since)`. tests/chaos/heard.py holds what each was
told against what may never happen (a hole, a double, a step back or another epoch without a reset) and against the history, and the history
against the spools of the trainers and their agents and the logs of the ranks, of which second names are kept: every point with all 64 bits
of its value, every line, every other event."""


class EventfulRuns(Runs):
    """`disk`: of the history's database; none where this machine does not let us have one."""

    unnoticed = frozenset(EVENTFUL)
    disk: Path | None = None

    def _monitor_frozen(self, run_id: str) -> None:
        self._freeze_service("monitor")

    def _ingester_frozen(self, run_id: str) -> None:
        self._freeze_service("ingester")

    def _freeze_service(self, name: str) -> None:
        with self._frozen_service(name):
            time.sleep(FROZEN_SECONDS)

    def _frozen_service(self, name: str) -> contextlib.AbstractContextManager[None]:
        master = psutil.Process(self.platform.running[name].pid)
        return frozen([master, *master.children(recursive=True)])

    def _redis_frozen(self, run_id: str) -> None:
        with frozen([self.platform.redis_process()]):
            time.sleep(FROZEN_SECONDS)

    def _redis_flushed(self, run_id: str) -> None:
        with contextlib.closing(redis.Redis.from_url(self.platform.redis_url)) as client:
            client.flushall()

    def _redis_flushed_behind_an_end(self, run_id: str) -> None:
        """The history has not heard of the run's end when Redis forgets it, and nobody is there any more who would tell it by itself."""
        platform, attempt = self.platform, self.platform.newest(run_id)
        directory = platform.folder / "worker" / attempt.worker / "attempts" / attempt.id
        with self._frozen_service("ingester"):
            wait_until(lambda: platform.run_state(run_id) in FINAL_STATES, "it does not end", self.patience)
            wait_until(lambda: not directory.exists(), "its agent does not send all of its events", self.patience)
            self._require(not platform.committed(run_id), "the history took events while it was frozen")
            self._redis_flushed(run_id)

    def _subscriptions_cut(self, run_id: str) -> None:
        for _ in range(3):
            self._require(self.platform.cut_redis_of("pubsub") > 0, "there was no subscription to cut")
            time.sleep(0.1)

    def _disk_full(self, run_id: str) -> None:
        assert self.disk is not None, "planned only where there is one"
        ballast = self.disk / "ballast"
        try:
            fill(ballast, leave=0)
            before = self.platform.place(run_id)
            wait_until(lambda: self.platform.place(run_id) != before, "no event while the disk is full", self.patience)
            time.sleep(FULL_SECONDS)
            told = f"the history took events without a byte of room: all to {self.platform.place(run_id)}, behind {before}"
            self._require(not self.platform.committed(run_id), told)
        finally:
            ballast.unlink()


@contextlib.contextmanager
def frozen(processes: Sequence[psutil.Process]) -> Iterator[None]:
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def planned(seed: int, count: int, *, disk: bool = True) -> list[tuple[int, str]]:
    """Every fault equally often, in an order by the seed; where there is no small disk, the next one in its place."""
    deck = cycle(random.Random(f"{seed} events").sample(EVENTFUL, len(EVENTFUL)))
    return [(number, next(fault for fault in deck if disk or fault != "disk full")) for number in range(1, count + 1)]


def run(here: Path, numbers: Sequence[int], seed: int) -> tuple[Lived, list[str]]:
    """On a platform of its own, and what could not be done here."""
    with contextlib.ExitStack() as stack:
        disk, missing = stack.enter_context(_disk(here / "data" / "history-disk"))
        plan = [one for one in planned(seed, max(numbers), disk=disk is not None) if one[0] in numbers]
        more = {"GROUNDUP_MONITOR_DATABASE_URL": f"sqlite:///{disk / 'monitor.db'}"} if disk else {}
        platform = stack.enter_context(hosts(here / "data" / "events", more=more))
        runs = EventfulRuns(platform, here / "events.jsonl", seed)
        runs.count, runs.disk = STEPS, disk
        return runs.run(plan, say), missing


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[tuple[Path | None, list[str]]]:
    with contextlib.ExitStack() as stack:
        try:
            disk, missing = stack.enter_context(small_disk(folder)), list[str]()
        except NotHere as why:
            disk, missing = None, [f"{why}, of the history"]
        yield disk, missing


def told(lived: Lived) -> Figures:
    figures = Figures("chaos", ABOUT)
    figures.about += f"\n\nFaults on the path of events: {', '.join(f'{name} {count}' for name, count in sorted(lived.done.items()))}."
    figures.tell("events: runs, each with a fault on their path", lived.done.total(), "")
    figures.tell("events: steps in their histories, lost or doubled", lived.flaws, f"of {lived.steps}", most=0)
    tell_listeners(figures, "events", lived)
    figures.tell("events: what did not hold, the checker of clients and spools included", len(lived.wrong), "", most=0)
    return figures


def tell_listeners(figures: Figures, kind: str, lived: Lived) -> None:
    counts = lived.listeners
    figures.about += f" Clients were told {counts['events']} events and {counts['resets']} resets"
    figures.about += f", over {counts['connections lost']} lost connections."
    figures.tell(f"{kind}: events that clients were told", counts["events"], "", least=1)
    compared = f"of {counts['attempts']} attempts, {counts['segments']} segments"
    figures.tell(f"{kind}: points of the history compared with the spools", counts["points"], compared, least=1)
    figures.tell(f"{kind}: lines of logs compared with the spools", counts["lines"], "", least=1)
