"""`python -m services.monitor.main_detectors`: watches all runs. Run as many as you like; one works, the others wait to take over."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Final

from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from services.monitor.acting import Acting
from services.monitor.alerting import OUTBOX
from services.monitor.deliveries import Deliveries, Sending, allowed_hosts
from services.monitor.detecting import Detecting
from services.monitor.lease import LEASE_SECONDS, Holder, LeaseLost
from serving.database import Database, database_url
from serving.ids import new_id
from serving.outbox import Relay
from shared import bus
from shared.alert_actions import ActionClient
from shared.crash import arm
from shared.settings import Settings

log = logging.getLogger("detectors")

PAUSE_SECONDS: Final = 0.2


class Process:
    """Each of `works` in a thread of its own, so that a slow api or webhook never holds up the watching; all while the lease is ours."""

    def __init__(self, database: Database, holder: Holder, detecting: Detecting, works: Mapping[str, Callable[[], Any]]) -> None:
        self.database, self.holder, self.detecting, self.works = database, holder, detecting, works
        self.ours = threading.Event()
        self.renewed_at = float("-inf")

    def run(self, stop: threading.Event) -> None:
        threads = [threading.Thread(target=self._repeat, args=(stop, work), name=name) for name, work in self.works.items()]
        for thread in threads:
            thread.start()
        while not stop.is_set():
            self._watch(stop)
        for thread in threads:
            thread.join()
        if self.ours.is_set():
            self.holder.release(self.database)

    def _watch(self, stop: threading.Event) -> None:
        try:
            if not self._is_ours():
                self._yield()
                stop.wait(1.0)
                return
            if not self.ours.is_set():
                log.info("watching")
                self.ours.set()
            stop.wait(0 if self.detecting.step() >= 1000 else PAUSE_SECONDS)
        except LeaseLost:
            self._yield()
        except (RedisError, SQLAlchemyError) as error:
            log.warning("waiting: %s", error)
            self.detecting.forget()
            stop.wait(0.5)
        except Exception:
            log.exception("the detectors failed and start again")
            self.detecting.forget()
            stop.wait(0.5)

    def _is_ours(self) -> bool:
        """The lease is renewed a few times in its life; each write is conditional on it anyway."""
        if time.monotonic() - self.renewed_at < LEASE_SECONDS / 4 and self.ours.is_set():
            return True
        if not self.holder.take(self.database, time.time()):
            return False
        self.renewed_at = time.monotonic()
        return True

    def _yield(self) -> None:
        if self.ours.is_set():
            log.warning("another process watches now")
        self.ours.clear()
        self.detecting.forget()

    def _repeat(self, stop: threading.Event, work: Callable[[], Any]) -> None:
        failing = False
        while not stop.is_set():
            try:
                if self.ours.is_set():
                    work()
                failing = False
            except Exception:
                if not failing:
                    log.exception("%s fails; it is tried again", threading.current_thread().name)
                failing = True
            stop.wait(0.3)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    arm(os.environ.get("CRASH_AT", ""))
    stop = threading.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    settings = Settings.read(os.environ)
    sending = Sending(settings.public_url.rstrip("/"), allowed_hosts(os.environ))
    holder = Holder(new_id("det"))
    with (
        closing(Database(database_url(os.environ, "monitor", settings.data_dir))) as database,
        closing(bus.connect(settings.redis_url, blocking_seconds=1)) as client,
        closing(bus.connect(settings.redis_url)) as publishing,
    ):
        api = ActionClient(settings.api_url, settings.join_secret, timeout=5.0)
        works = {
            "relay": Relay(OUTBOX, database, publishing).step,
            "actions": Acting(database, api, holder).step,
            "deliveries": Deliveries(database, sending, holder).step,
        }
        Process(database, holder, Detecting(client, database, holder), works).run(stop)
        api.http.close()
    log.info("stopped")


if __name__ == "__main__":
    main()
