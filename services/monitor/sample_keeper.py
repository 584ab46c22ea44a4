"""Seals and forgets the readings of hosts, beside the ingester's own work and in its process, so that there is one writer."""

import time
from collections.abc import Callable, Mapping
from typing import Final

from services.monitor.samples import expire_one, seal_one
from serving.database import Database
from shared.errors import EnvironmentFault

EVERY_SECONDS: Final = 60.0
DAY: Final = 86_400.0
SETTING: Final = "GROUNDUP_SYSTEM_DAYS"


def system_days(environ: Mapping[str, str]) -> float:
    """How many days the readings of hosts are kept. Raises EnvironmentFault."""
    text = environ.get(SETTING) or "14"
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0.04 < days < 36_500:
        raise EnvironmentFault(
            f"{SETTING}: '{text}' is not a number of days", remedy=f"unset {SETTING} for the default, 14; an hour is 0.042"
        )
    return days


class SampleKeeper:
    """`turn` does one small transaction, or nothing until it is time again; whether it did something. `clock` tells seconds since 1970."""

    def __init__(self, database: Database, days: float, clock: Callable[[], float] = time.time) -> None:
        self.database, self.days, self.clock = database, days, clock
        self.idle_until = 0.0

    def turn(self) -> bool:
        now = self.clock()
        if now < self.idle_until <= now + EVERY_SECONDS:
            return False
        with self.database.writing() as session:
            busy = seal_one(session, now) or expire_one(session, now - self.days * DAY)
        self.idle_until = 0.0 if busy else now + EVERY_SECONDS
        return busy
