"""Whether those who hold a socket still may: asked of api once a minute, for all of them at once.

Every valid token or session may read every run, over HTTP as here, so what can be lost is the token itself: it was deleted, has expired,
or its browser logged out. While api does not answer, sockets stay and the question is repeated; no socket outlives its hour (tickets.py).
"""

import logging
import threading
from collections.abc import Callable, Collection
from typing import Final

from services.monitor.connection import Connection
from shared.errors import GroundupError

log = logging.getLogger(__name__)

RIGHTS_SECONDS: Final = 60.0
RETRY_SECONDS: Final = 5.0
NOT_ALLOWED: Final = 4403

Ask = Callable[[list[str]], Collection[str]]
"""Which of these credentials are valid. Raises GroundupError where nobody answers."""


class Rights:
    def __init__(self, ask: Ask, *, seconds: float = RIGHTS_SECONDS) -> None:
        self.ask, self.seconds = ask, seconds

    def watch(self, connections: Collection[Connection], stopping: threading.Event) -> None:
        """Until `stopping`."""
        wait = self.seconds
        while not stopping.wait(wait):
            try:
                self.check(connections)
                wait = self.seconds
            except GroundupError as error:
                log.warning("rights are not known and asked again: %s", error)
                wait = min(RETRY_SECONDS, self.seconds)
            except Exception:
                log.exception("asking for rights failed and is tried again")
                wait = min(RETRY_SECONDS, self.seconds)

    def check(self, connections: Collection[Connection]) -> None:
        """Close whoever lost the right."""
        asked = {connection.admission.who.credential for connection in connections}
        valid = self.ask(sorted(asked)) if asked else ()
        for connection in list(connections):
            credential = connection.admission.who.credential
            if credential in asked and credential not in valid:
                connection.outbox.close(NOT_ALLOWED, "the token or session is no longer valid")
