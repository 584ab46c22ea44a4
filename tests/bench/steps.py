"""Steps as a trainer tells them, many or at an even pace, through the front door: Redis, ingester, history."""

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import redis
from groundup import Client

from infra.layout import Layout
from shared import bus
from shared.events import Record
from shared.training_events import StepCompleted
from tests.e2e.stack import Stack
from tests.servers import wait_until

BATCH = 1000
AGENT_TICK = 0.1
"""Seconds between two batches of an agent."""


def connect(stack: Stack) -> redis.Redis:
    """To the stack's own Redis, with its own password."""
    layout = Layout.read(stack.environment)
    return bus.connect(f"redis://:{(layout.secrets / 'redis').read_text()}@127.0.0.1:{layout.ports['redis']}/0")


@dataclass
class Teller:
    """Speaks for a run, from the step behind `step` on."""

    client: redis.Redis
    run_id: str
    metrics: tuple[str, ...]
    step: int

    def __post_init__(self) -> None:
        self.told = 0

    def tell(self, count: int) -> None:
        """The next `count` steps."""
        for first in range(0, count, BATCH):
            taken = bus.publish(self.client, [self._next() for _ in range(min(BATCH, count - first))])
            if taken != bus.Taken(self.told):
                raise RuntimeError(f"Redis did not take step {self.step}: {taken}")

    def _next(self) -> Record:
        self.told, self.step = self.told + 1, self.step + 1
        loss = 3 + 5 / (1 + self.step / 1000) + 0.1 * math.sin(self.step * 12.9898) * math.cos(self.step * 78.233)
        event = StepCompleted.model_construct(step=self.step, tokens=self.step * 1024, metrics=dict.fromkeys(self.metrics, loss))
        return Record.model_construct(
            run_id=self.run_id, attempt=1, fence=None, producer="bench", producer_seq=self.told, at=time.time(), event=event
        )

    @contextlib.contextmanager
    def live(self, per_second: int) -> Iterator[None]:
        """Steps at an even pace for as long as the block lasts. Raises what went wrong with telling them."""
        stopping = threading.Event()

        def pace() -> None:
            begin, told = time.monotonic(), 0
            while not stopping.wait(AGENT_TICK):
                due = int((time.monotonic() - begin) * per_second)
                self.tell(due - told)
                told = due

        with ThreadPoolExecutor(1) as pool:
            pacing = pool.submit(pace)
            try:
                yield
            finally:
                stopping.set()
                pacing.result()


@contextlib.contextmanager
def held_run(stack: Stack, client: Client, plan: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """A run that counts as running, but whose processes are stopped in their tracks, so that a Teller speaks for it: its id, last step."""
    run_id = client.runs.submit(plan).id
    wait_until(lambda: client.runs.get(run_id).progress.step > 0, "the first steps", 90)
    children = [process for process in stack.processes() if "services.trainer.main_child" in " ".join(process.cmdline())]
    for process in children:
        process.suspend()
    try:
        yield run_id, _last_step(client, run_id)
    finally:
        client.runs.kill(run_id)
        client.runs.wait(run_id, timeout=60)


def _last_step(client: Client, run_id: str) -> int:
    """Once all that was written before the run was held has arrived in the history."""
    seen = [0, 0]

    def settled() -> bool:
        seen[:] = seen[1], max((int(x) for part in client.history.metrics(run_id, ["train/loss"], buckets=5000) for x in part.x), default=0)
        time.sleep(1)
        return seen[0] == seen[1] > 0

    wait_until(settled, "the last step", 60)
    return seen[1]


def wait_for_points(client: Client, run_id: str, name: str, points: int) -> None:
    def there() -> int:
        return sum(sum(part.count) for part in client.history.metrics(run_id, [name], buckets=10))

    wait_until(lambda: there() == points, f"{points} points in the history", 300)
