"""What `/metrics` tells about the monitor, in Prometheus' terms."""

import logging
from collections.abc import Iterator
from typing import Any

import redis
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from services.monitor.models import Position
from services.monitor.reading import StreamReader
from serving.database import Database
from shared import bus

log = logging.getLogger(__name__)


class SocketFigures:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.open = Gauge("groundup_sockets_open", "WebSockets that are open", registry=registry)
        self.frames = Counter("groundup_socket_frames_sent", "Frames sent to WebSockets", registry=registry)
        self.too_slow = Counter("groundup_sockets_too_slow", "WebSockets closed because their client did not keep up", registry=registry)


class HistoryFigures(Collector):
    """Read when asked for, since the ingester is another process. What cannot be read is left out."""

    def __init__(self, client: redis.Redis, database: Database) -> None:
        self.client, self.database = client, database

    def collect(self) -> Iterator[Any]:
        try:
            with self.database.reading() as session:
                taken = session.scalar(select(func.coalesce(func.sum(Position.events), 0)))
            yield CounterMetricFamily("groundup_events_ingested", "Events in the history", value=int(taken or 0))
            yield GaugeMetricFamily("groundup_ingest_lag", "Published events that are not yet in the history", value=lag(self.client))
        except (redis.RedisError, SQLAlchemyError) as error:
            log.warning("figures are missing: %s", error)

    def describe(self) -> list[Any]:
        return []


def lag(client: redis.Redis) -> int:
    topics = sorted(StreamReader(client).topics())
    committed = bus.committed(client, topics)
    return sum(seq - committed[topic] for topic, (_epoch, seq) in bus.newest(client, topics).items())
