"""`python -m services.monitor.main_ingester`: from Redis into the metric history. Run one; a second one only waits in its way."""

import logging
import os
import signal
import threading
from contextlib import closing
from functools import partial
from typing import Final

from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from services.monitor.ingester import Ingester
from services.monitor.keeping import Keeper, Keeping, let_go
from services.monitor.sample_keeper import keep_samples, system_days
from serving.database import Database, database_url
from shared import bus
from shared.settings import Settings

log = logging.getLogger("ingester")

PAUSE_SECONDS: Final = 0.2
"""Between small batches, so that open chunks are rewritten a few times a second and not once per event."""


def run(ingester: Ingester, stop: threading.Event, *keepers: Keeper) -> None:
    """Until `stop`; Redis or the database being away is waited out."""
    while not stop.is_set():
        try:
            entries = ingester.step()
            for keeper in keepers:
                keeper.turn()
            stop.wait(0 if entries >= 1000 else PAUSE_SECONDS)
        except (RedisError, SQLAlchemyError) as error:
            log.warning("waiting: %s", error)
            ingester.forget()
            stop.wait(0.5)
        except Exception:
            log.exception("the ingester failed and starts again")
            ingester.forget()
            stop.wait(0.5)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    settings, keeping, days = Settings.read(os.environ), Keeping.read(os.environ), system_days(os.environ)
    database = Database(database_url(os.environ, "monitor", settings.data_dir))
    with closing(database), closing(bus.connect(settings.redis_url, blocking_seconds=1)) as client:
        log.info("reading the streams of events")
        keepers = (Keeper(database, partial(let_go, keeping)), Keeper(database, partial(keep_samples, days)))
        run(Ingester(client, database), stop, *keepers)
    log.info("stopped")


if __name__ == "__main__":
    main()
