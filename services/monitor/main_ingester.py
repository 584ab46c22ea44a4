"""`python -m services.monitor.main_ingester`: from Redis into the metric history. Run one; a second one only waits in its way."""

import logging
import os
import signal
import threading
import time
from contextlib import closing
from typing import Final

from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from services.monitor.ingester import Ingester
from services.monitor.keeping import EVERYTHING, Keeping, let_go
from serving.database import Database, database_url
from shared import bus
from shared.settings import Settings

log = logging.getLogger("ingester")

PAUSE_SECONDS: Final = 0.2
"""Between small batches, so that open chunks are rewritten a few times a second and not once per event."""


KEEPING_SECONDS: Final = 60.0
"""Between two looks for what the history keeps no longer, while there is nothing; else a part of it each time that nothing new comes."""


def run(ingester: Ingester, stop: threading.Event, keeping: Keeping = EVERYTHING) -> None:
    """Until `stop`; Redis or the database being away is waited out."""
    looked = float("-inf")
    while not stop.is_set():
        try:
            entries = ingester.step()
            if not entries and time.monotonic() - looked > KEEPING_SECONDS and not _let_go(ingester.database, keeping):
                looked = time.monotonic()
            stop.wait(0 if entries >= 1000 else PAUSE_SECONDS)
        except (RedisError, SQLAlchemyError) as error:
            log.warning("waiting: %s", error)
            ingester.forget()
            stop.wait(0.5)
        except Exception:
            log.exception("the ingester failed and starts again")
            ingester.forget()
            stop.wait(0.5)


def _let_go(database: Database, keeping: Keeping) -> int:
    if keeping == EVERYTHING:
        return 0
    with database.writing() as session:
        return let_go(session, keeping, time.time())


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    settings = Settings.read(os.environ)
    database = Database(database_url(os.environ, "monitor", settings.data_dir))
    with closing(database), closing(bus.connect(settings.redis_url, blocking_seconds=1)) as client:
        log.info("reading the streams of events")
        run(Ingester(client, database), stop, Keeping.read(os.environ))
    log.info("stopped")


if __name__ == "__main__":
    main()
