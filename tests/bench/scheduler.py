"""`./run bench-scheduler [--short]`: the real scheduler and heartbeats on a cluster that only the database knows, on SQLite and on
PostgreSQL. Exits with 1 where a figure misses its limit.
"""

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from services.api.preemption import AT_ONCE
from tests.bench.cluster import Cluster, Size, beating, stage_of
from tests.bench.figures import Figures
from tests.servers import postgres_server

ABOUT = """A cluster whose workers are only their heartbeats, with slots on each, and a queue of runs of 12 projects, one or two processes
each. The scheduler's own ticks place until every slot is taken, while another process sends each worker's heartbeat every 15 s; then
nothing fits any more and every run is told why it waits. Ticks are the median of a full cluster's, with few and with many runs waiting,
with a tenth of the workers, and where all who wait go before all who run, so that each asks some to give their slots back.
Heartbeats are HTTP requests to the application without a socket, one after the other, each with what its worker runs."""
Result = TypeVar("Result")
GROWTH = 1.5
"""How much more than linear the time of a tick may grow with the runs that wait, and with the workers."""
FEWER = 10
"""The cluster to compare with has so many times fewer workers."""
PREEMPTING = 8
"""How much longer a tick may take that has attempts preempted than one that places as many."""
HEARTBEAT_SECONDS = 15


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--short", action="store_true", help="a cluster and a queue of a fifth, for CI; under 60 s")
    options = arguments.parse_args()
    size = Size(workers=200, slots=2, few=200, many=2000, ticks=5) if options.short else Size()
    figures = Figures("bench-scheduler", f"{ABOUT}\n\n{size.workers:,} workers with {size.slots} slots, {size.many:,} runs.")
    with tempfile.TemporaryDirectory(prefix="groundup-bench-", ignore_cleanup_errors=True) as scratch:
        for name, database in (("SQLite", sqlite), ("PostgreSQL", postgres_server)):
            folder = Path(scratch) / name
            folder.mkdir()
            with database(folder) as url, stage_of(url, folder) as cluster:
                measure(figures, name, cluster, size)
    return figures.finish("Redis, sockets, several schedulers, a network to the database, PostgreSQL's fsync", short=options.short)


@contextlib.contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'api.db'}"


def measure(figures: Figures, name: str, cluster: Cluster, size: Size) -> None:
    cluster.join(size)
    cluster.queue(size.many)
    with beating(cluster.url, size):
        seconds, placed = timed(lambda: cluster.place_all())
    figures.tell(f"{name}: placements, {size.many:,} runs waiting", placed / seconds, "/s", least=100)
    each = seconds / placed
    cluster.queue(size.many - cluster.waiting())
    figures.tell(f"{name}: a tick that tells new reasons to {size.many:,} runs", 1e3 * timed(cluster.tick)[0], "ms")
    many = statistics.median(timed(cluster.tick)[0] for _ in range(size.ticks))
    figures.tell(f"{name}: the queue as a page, {size.many:,} runs waiting", 1e3 * timed(cluster.show_queue)[0], "ms")
    seconds, beats = timed(lambda: cluster.beat_all(size))
    figures.tell(f"{name}: heartbeats, {size.many:,} runs waiting", beats / seconds, "/s", least=round(size.workers / HEARTBEAT_SECONDS))
    cluster.unprepare()
    preparing = statistics.median(timed(cluster.tick)[0] for _ in range(size.ticks))
    figures.tell(f"{name}: a tick, {size.many:,} runs waiting for one dataset", 1e3 * preparing, "ms")
    cluster.shorten(size.few)
    cluster.tick()
    few = statistics.median(timed(cluster.tick)[0] for _ in range(size.ticks))
    figures.tell(f"{name}: a tick, {size.few:,} runs waiting", 1e3 * few, "ms")
    figures.tell(f"{name}: a tick, {size.many:,} runs waiting", 1e3 * many, "ms")
    cluster.queue(size.many - cluster.waiting())
    with cluster.few_workers(size.workers // FEWER):
        cluster.tick()
        small = statistics.median(timed(cluster.tick)[0] for _ in range(size.ticks))
    figures.tell(f"{name}: a tick, {size.many:,} runs waiting, {size.workers // FEWER:,} workers", 1e3 * small, "ms")
    figures.tell(f"{name}: growth of a tick with {FEWER} times the workers", many / small, "times", most=GROWTH * FEWER)
    times = size.many / size.few
    figures.tell(f"{name}: growth of a tick with {times:g} times the runs", many / few, "times", most=GROWTH * times)
    preempt(figures, name, cluster, size, many + AT_ONCE * each)


def preempt(figures: Figures, name: str, cluster: Cluster, size: Size, peer: float) -> None:
    """`peer`: seconds of a tick that would place as many as these preempt."""
    cluster.raise_priority()
    seconds = statistics.median(timed(cluster.tick)[0] for _ in range(size.ticks))
    figures.tell(f"{name}: a tick that preempts, {size.many:,} runs of higher priority waiting", 1e3 * seconds, "ms")
    figures.tell(f"{name}: attempts preempted in each of those", cluster.asked_to_give_way() / size.ticks, "attempts", least=1)
    figures.tell(f"{name}: such a tick, of one that would place as many", seconds / peer, "times", most=PREEMPTING)


def timed(work: Callable[[], Result]) -> tuple[float, Result]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


if __name__ == "__main__":
    sys.exit(main())
