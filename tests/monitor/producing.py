"""A producer as the publish protocol wants it: it keeps what it has said and goes back to where it is asked to."""

from pathlib import Path

import redis

from serving.database import Database
from shared import bus
from shared.events import AnyEvent, Record
from shared.training_events import StepCompleted
from tests import tables

MIGRATIONS = Path(__file__).parents[2] / "services" / "monitor" / "migrations"
RUN = "run_a"


def migrated(url: str) -> Database:
    return tables.migrated(url, MIGRATIONS)


def step(number: int, **metrics: float) -> StepCompleted:
    named = {name.replace("_", "/", 1): value for name, value in metrics.items()} or {"train/loss": float(number)}
    return StepCompleted(step=number, tokens=number * 100, metrics=named)


class Producer:
    def __init__(self, name: str = "child", *, run_id: str = RUN, attempt: int | None = 1, began: float = 1000.0) -> None:
        self.name, self.run_id, self.attempt, self.began = name, run_id, attempt, began
        self.records: list[Record] = []
        self.confirmed = 0

    def say(self, *events: AnyEvent) -> list[Record]:
        first = len(self.records) + 1
        for number, event in enumerate(events, first):
            at = self.began + number
            new = Record(run_id=self.run_id, attempt=self.attempt, producer=self.name, producer_seq=number, at=at, event=event)
            self.records.append(new)
        return self.records[first - 1 :]

    def steps(self, first: int, last: int) -> list[Record]:
        return self.say(*(step(number) for number in range(first, last + 1)))

    def publish(self, client: redis.Redis, *, batch: int = 1000) -> None:
        """Until Redis has all that was said. Raises RedisError where it is away; then call it again."""
        while self.confirmed < len(self.records):
            self.confirmed = self._send(client, self.confirmed, batch)
        while (kept := self._send(client, len(self.records) - 1, 1)) < len(self.records):
            self.confirmed = self._send(client, kept, batch)

    def _send(self, client: redis.Redis, after: int, batch: int) -> int:
        match bus.publish(client, self.records[after : after + batch]):
            case bus.Taken(producer_seq):
                return producer_seq
            case bus.Rewind(producer_seq):
                return producer_seq - 1
            case bus.Refused():
                raise AssertionError("it has no fence")


def entries(records: list[Record], first_seq: int = 1) -> list[tuple[int, bytes]]:
    """As the stream has them."""
    return [(seq, record.pack()) for seq, record in enumerate(records, first_seq)]
