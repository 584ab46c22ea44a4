"""There should be one ingester; a second one must not double anything."""

import threading
from contextlib import closing

import redis
from sqlalchemy import func, select

from services.monitor.ingester import Ingester
from services.monitor.main_ingester import run
from services.monitor.models import Position
from serving.database import Database
from shared import bus
from tests.monitor.producing import RUN, Producer
from tests.servers import wait_until


def test_two_ingesters_take_every_event_once(database: Database, redis_url: str, client: redis.Redis) -> None:
    stop = threading.Event()
    clients = [bus.connect(redis_url, blocking_seconds=1) for _ in range(2)]
    threads = [threading.Thread(target=run, args=(Ingester(one, database, kept=10), stop)) for one in clients]
    children = [Producer(run_id=RUN), Producer(run_id="run_b")]

    def events() -> int:
        with database.reading() as session:
            return int(session.scalar(select(func.coalesce(func.sum(Position.events), 0))) or 0)

    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            for child in children:
                child.steps(len(child.records) + 1, len(child.records) + 25)
                child.publish(client)
        wait_until(lambda: events() >= 1000, "everything is taken")
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
    for one in clients:
        with closing(one):
            pass
    assert events() == 1000
