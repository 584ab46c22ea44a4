"""What a training notices of a Redis that is away: its step time before, meanwhile and afterwards, and its history in the end."""

import signal
import statistics
import time
from itertools import pairwise
from pathlib import Path
from typing import Final

from services.trainer.spool import read_spool
from shared.training_events import StepCompleted
from tests.bench.figures import Figures
from tests.chaos.hosts import Hosts, hosts
from tests.servers import wait_until

RATIO: Final = 1.05
PAGE: Final = 5000
ABOUT: Final = """Outage: the whole platform without its gateway, real agents, and a run with torch on one process of a small model. Redis
is stopped in its tracks (SIGSTOP) for half of the time, killed for the other half and started again. Step times are the training's own,
from its spool: the median while Redis is away, beside the median of as long before and as long afterwards, so that a machine which grows
slow or quick meanwhile counts for both. Then the run is held, and the history must have every step of its spool once."""
Step = tuple[int, float]
"""Its number, and when it ended."""


def measure(figures: Figures, scratch: Path, seconds: float) -> None:
    (scratch / "outage").mkdir()
    with hosts(scratch / "outage" / "data", torch=True) as platform:
        run_id = platform.begin(10_000_000, 1_000_000)
        wait_until(lambda: platform.step(run_id) > 200, "the first steps", 180)
        begun = time.time()
        time.sleep(seconds)
        away = time.time()
        without_redis(platform, seconds)
        back = time.time()
        time.sleep(seconds)
        ended = time.time()
        platform.command(run_id, "pause", hold=True)
        wait_until(lambda: platform.run_state(run_id) == "paused", "the run is held", 60)
        steps = steps_of(platform, run_id)
        before, meanwhile, after = (between(steps, *window) for window in ((begun, away), (away, back), (back, ended)))
        peer = statistics.median([*before, *after])
        figures.tell(f"outage of {back - away:.0f} s: steps meanwhile", len(meanwhile), "", least=1)
        name = f"step time while Redis is away for {back - away:.0f} s, median"
        figures.tell(name, 1000 * statistics.median(meanwhile), "ms", peer=1000 * peer, ratio=RATIO)
        flaws = wrong_in_history(platform, run_id, [number for number, _ in steps])
        figures.tell("outage: steps lost or doubled in the history", flaws, f"of {len(steps)}", most=0)
        platform.command(run_id, "kill")


def without_redis(platform: Hosts, seconds: float) -> None:
    platform.redis_process().send_signal(signal.SIGSTOP)
    time.sleep(seconds / 2)
    platform.kill("redis")
    time.sleep(seconds / 2)
    platform.start("redis")


def steps_of(platform: Hosts, run_id: str) -> list[Step]:
    attempt = platform.newest(run_id)
    spool = platform.folder / "worker" / attempt.worker / "attempts" / attempt.id / "spool"
    return [(record.event.step, record.at) for record in read_spool(spool, 0)[0] if isinstance(record.event, StepCompleted)]


def between(steps: list[Step], begin: float, end: float) -> list[float]:
    """Seconds of each step that both began and ended in there."""
    return [later - at for (_, at), (_, later) in pairwise(steps) if begin <= at and later < end]


def wrong_in_history(platform: Hosts, run_id: str, numbers: list[int]) -> int:
    assert numbers == list(range(1, len(numbers) + 1)), "the spool itself has a hole"

    def there() -> int:
        answer = platform.monitor.get(f"/api/v1/runs/{run_id}/metrics", params={"names": "train/loss", "buckets": 1}).raise_for_status()
        return sum(count for series in answer.json()["series"] for count in series["count"])

    wait_until(lambda: there() >= len(numbers), "the history reaches the last step", 120)
    once = 0
    for first in range(1, len(numbers) + 1, PAGE):
        query: dict[str, str | int] = {"names": "train/loss", "buckets": PAGE, "from": first, "to": first + PAGE - 1}
        answer = platform.monitor.get(f"/api/v1/runs/{run_id}/metrics", params=query).raise_for_status()
        once += sum(count == 1 for series in answer.json()["series"] for count in series["count"])
    return len(numbers) - once + max(0, there() - len(numbers))
