"""`python -m services.api.main_scheduler`: the scheduler as a process; SIGTERM ends it after the tick it is in."""

import logging
import os
import signal
import threading

from services.api.hints import Hints
from services.api.scheduler import Scheduler
from services.api.settings import KeepingSettings
from serving.database import Database, database_url
from shared.bus import connect
from shared.crash import arm
from shared.settings import Settings
from shared.storage_client import StorageClient


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    arm(os.environ.get("CRASH_AT", ""))
    settings = Settings.read(os.environ)
    database = Database(database_url(os.environ, "api", settings.data_dir))
    storage = StorageClient(settings.storage_url, settings.join_secret, timeout=3.0)
    client, hints = connect(settings.redis_url), Hints(settings.redis_url)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        Scheduler(settings, database, storage, client=client, send_hint=hints.send, keeping=KeepingSettings.read(os.environ)).run(stop)
    finally:
        hints.close()
        client.close()
        storage.http.close()
        database.close()


if __name__ == "__main__":
    main()
