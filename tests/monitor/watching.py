"""The detectors' process in one piece and step by step, with a clock to turn."""

from dataclasses import dataclass, field
from typing import Any

import redis
from sqlalchemy import select

from services.monitor.alert_models import Alert
from services.monitor.alerting import OUTBOX
from services.monitor.detecting import Detecting
from services.monitor.lease import Holder
from serving.database import Database
from shared.alerts import AlertsSpec
from shared.events import AnyEvent
from shared.run_events import RunCreated, RunStateChanged
from tests.monitor.producing import RUN, Producer, step


@dataclass
class Clock:
    now: float = 1400.0  # a few minutes behind what producers say

    def __call__(self) -> float:
        return self.now


@dataclass
class Watching:
    client: redis.Redis
    database: Database
    clock: Clock = field(default_factory=Clock)
    detecting: Detecting = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self, name: str = "one") -> None:
        """As after a kill: nothing but the database and Redis is left."""
        self.holder = Holder(name)
        self.detecting = Detecting(self.client, self.database, self.holder, clock=self.clock)
        self.holder.take(self.database, self.clock.now)

    def see(self, *producers: Producer) -> None:
        """All that they have said is published and watched."""
        for producer in producers:
            producer.publish(self.client)
        while self.detecting.step(0.01):
            pass
        OUTBOX.relay(self.database, self.client)

    def alerts(self) -> list[Alert]:
        with self.database.reading() as session:
            return list(session.scalars(select(Alert).order_by(Alert.id)))


def run_of(alerts: dict[str, Any] | None = None, run_id: str = RUN, name: str = "tiny") -> tuple[Producer, Producer]:
    """(the api, the training) of a run that is at work."""
    api = Producer("api", run_id=run_id, attempt=None)
    api.say(RunCreated(name=name, by="me", alerts=None if alerts is None else AlertsSpec.model_validate(alerts)))
    api.say(RunStateChanged(run_id=run_id, old="starting", new="running", by="w1"))
    return api, Producer("attempt-1", run_id=run_id)


def losses(child: Producer, first: int, values: list[float]) -> None:
    events: list[AnyEvent] = [step(number, train_loss=value) for number, value in enumerate(values, first)]
    child.say(*events)


def calm(count: int) -> list[float]:
    """A loss that goes up and down a little."""
    return [2.0 + 0.02 * (number % 5) for number in range(count)]
