"""Calls to a service that may be down for a while."""

import logging
import time
from collections.abc import Callable
from threading import Event
from typing import Final, TypeVar

from shared.errors import EnvironmentFault

log = logging.getLogger(__name__)
T = TypeVar("T")
UNREADABLE_SECONDS: Final = 30.0
"""How long a checkpoint that the store does not give is waited for before an older one is taken."""


class GaveUp(Exception):
    """Nobody needs the answer any more."""


def patiently(call: Callable[[], T], what: str, give_up: Event, *, seconds: float = float("inf"), longest_pause: float = 5.0) -> T:
    """Repeat `call` while the other side does not answer (EnvironmentFault), for so many seconds at most.

    Logs the first failure and the end of it. Raises GaveUp once `give_up` is set, and whatever else `call` raises.
    """
    deadline, pause, failed = time.monotonic() + seconds, 0.1, False
    while not give_up.is_set():
        try:
            answer = call()
        except EnvironmentFault as error:
            if time.monotonic() > deadline:
                raise
            if not failed:
                log.warning("%s: %s; trying again until it works", what, error.detail)
            failed = True
            give_up.wait(pause)
            pause = min(2 * pause, longest_pause)
        else:
            if failed:
                log.info("%s: works again", what)
            return answer
    raise GaveUp(what)
