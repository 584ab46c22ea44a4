"""What `/metrics` tells of the detectors, which have no port: out of their tables and the streams they read."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import redis
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.monitor.alert_models import Alert, Delivery, Lease, WatchedTopic
from services.monitor.reading import StreamReader
from serving.figures import gauge, gauges
from shared import bus
from shared.alerts import AlertsSpec

log = logging.getLogger(__name__)
_DETECTORS: Final = tuple(name for name in AlertsSpec.model_fields if name != "max_rollbacks")
_STATES: Final = ("pending", "dead", "dropped")


class AlertFigures:
    """`clock`: seconds since the epoch. Without Redis the lag is left out."""

    def __init__(self, client: redis.Redis, clock: Callable[[], float] = time.time) -> None:
        self.client, self.clock = client, clock

    def read(self, session: Session) -> Iterator[Any]:
        up = session.scalar(select(func.count()).select_from(Lease).where(Lease.expires_at > self.clock()))
        yield gauge("groundup_detectors_up", "1 while a process watches the runs", up or 0)
        try:
            yield gauge("groundup_detectors_lag", "Published events that the detectors have not taken", lag(self.client, session))
        except redis.RedisError as error:
            log.warning("the detectors' lag is missing: %s", error)
        missed = session.scalar(select(func.coalesce(func.sum(WatchedTopic.missed), 0)))
        yield gauge("groundup_detectors_missed", "Events that Redis had forgotten before they were watched", int(missed or 0))
        yield gauges("groundup_alerts_open", "Alerts that have not passed", "detector", _open_alerts(session))
        counted = select(Delivery.state, func.count()).where(Delivery.state.in_(_STATES)).group_by(Delivery.state)
        told = dict.fromkeys(_STATES, 0) | {row[0]: row[1] for row in session.execute(counted)}
        yield gauges("groundup_deliveries", "Notifications that have not arrived", "state", told)
        oldest = session.scalar(select(func.min(Delivery.created_at)).where(Delivery.state == "pending"))
        yield gauge("groundup_deliveries_oldest_seconds", "Age of the oldest that waits", 0.0 if oldest is None else self.clock() - oldest)


def lag(client: redis.Redis, session: Session) -> int:
    """Of another epoch nothing was taken of this one."""
    topics = sorted(StreamReader(client).topics())
    rows = session.execute(select(WatchedTopic.topic, WatchedTopic.epoch, WatchedTopic.seq).where(WatchedTopic.topic.in_(topics)))
    taken = {(topic, epoch): seq for topic, epoch, seq in rows}
    return sum(max(seq - taken.get((topic, epoch), 0), 0) for topic, (epoch, seq) in bus.newest(client, topics).items())


def _open_alerts(session: Session) -> dict[str, int]:
    """A detector may have several keys: `disk.full`."""
    found = dict.fromkeys(_DETECTORS, 0)
    for key, count in session.execute(select(Alert.key, func.count()).where(Alert.cleared_at.is_(None)).group_by(Alert.key)):
        detector = key.partition(".")[0]
        if detector in found:
            found[detector] += count
    return found
