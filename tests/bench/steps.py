"""Steps as a trainer tells them, many or at an even pace, through the front door: Redis, ingester, history."""

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import redis
from groundup import Client

from infra.layout import Layout
from shared import bus
from shared.events import Record, StepCompleted
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
            assert taken == bus.Taken(self.told), taken

    def _next(self) -> Record:
        self.told, self.step = self.told + 1, self.step + 1
        loss = 3 + 5 / (1 + self.step / 1000) + 0.1 * math.sin(self.step * 12.9898) * math.cos(self.step * 78.233)
        event = StepCompleted.model_construct(step=self.step, tokens=self.step * 1024, metrics=dict.fromkeys(self.metrics, loss))
        return Record.model_construct(
            run_id=self.run_id, attempt=1, fence=None, producer="bench", producer_seq=self.told, at=time.time(), event=event
        )

    @contextlib.contextmanager
    def live(self, per_second: int) -> Iterator[None]:
        """Steps at an even pace for as long as the block lasts."""
        stopping = threading.Event()

        def pace() -> None:
            begin, told = time.monotonic(), 0
            while not stopping.wait(AGENT_TICK):
                due = int((time.monotonic() - begin) * per_second)
                self.tell(due - told)
                told = due

        thread = threading.Thread(target=pace)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()


def wait_for_points(client: Client, run_id: str, name: str, points: int) -> None:
    def there() -> int:
        return sum(sum(part.count) for part in client.history.metrics(run_id, [name], buckets=10))

    wait_until(lambda: there() == points, f"{points} points in the history", 300)
