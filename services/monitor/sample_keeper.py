"""Seals and forgets the readings of hosts, beside the ingester's own work and in its process, so that there is one writer."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy.orm import Session

from services.monitor.keeping import DAY
from services.monitor.samples import expire_one, seal_one
from shared.errors import EnvironmentFault

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


def keep_samples(days: float, session: Session, now: float) -> bool:
    """Seal one hour, or forget one; whether there was any."""
    return seal_one(session, now) or expire_one(session, now - days * DAY)
