"""`POST /api/v1/ws-tickets`: browsers cannot send a token with a WebSocket, so they bring a ticket, good once and for 30 seconds.

An open socket hands out another one to come back with, so that thousands of clients that were cut off ask neither api nor gateway who
they are. It is good once and as long as the first ticket's socket may live; whether its holder still has the right is asked again anyway
(services/monitor/rights.py).
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import redis
from flask import current_app
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel

from services.monitor.gathering import Gathering
from serving.principal import Principal, principal
from shared.errors import EnvironmentFault, NotAuthenticated
from shared.names import Role

api = APIBlueprint("tickets", __name__)

TICKET_SECONDS: Final = 30
MAX_AGE_SECONDS: Final = 3600.0
"""A ticket proves a right once; a socket that old has to bring a new one (and loses nothing, by `(epoch, since)`)."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Who holds a socket, and until when (seconds since the epoch)."""

    who: Principal
    until: float


class Tickets:
    """Signed with what all monitor processes share, so that any of them takes it; Redis remembers which ones were used."""

    def __init__(self, client: redis.Redis, secret: str, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self._redis = Gathering(client)
        self._key = hashlib.sha256(b"ws-ticket:" + secret.encode()).digest()

    def issue(self, who: Principal) -> str:
        now = self.clock()
        return self._sign(Admission(who, now + MAX_AGE_SECONDS), now + TICKET_SECONDS)

    def issue_return(self, admission: Admission) -> str:
        """For the holder of an open socket."""
        return self._sign(admission, admission.until)

    def redeem(self, ticket: str) -> Admission:
        """Raises NotAuthenticated where the ticket is unknown, used or too old."""
        body, _, signature = ticket.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(body)):
            raise _refused()
        name, role, credential, until, expires, nonce = json.loads(base64.urlsafe_b64decode(body))
        left = expires - self.clock()
        if left <= 0:
            raise _refused()
        try:
            first = self._redis.ask("SET", f"ws-ticket:{nonce}", 1, "NX", "EX", int(left) + 1)
        except redis.RedisError as error:
            raise EnvironmentFault(
                f"Redis does not answer: {error}", remedy="it is restarted by itself; try again in a few seconds"
            ) from error
        if not first:
            raise _refused()
        return Admission(Principal(name, Role(role), credential), until)

    def _sign(self, admission: Admission, expires: float) -> str:
        who = admission.who
        told = [who.name, who.role, who.credential, admission.until, expires, secrets.token_urlsafe(16)]
        body = base64.urlsafe_b64encode(json.dumps(told).encode()).decode()
        return f"{body}.{self._signature(body).decode()}"

    def _signature(self, body: str) -> bytes:
        return base64.urlsafe_b64encode(hmac.digest(self._key, body.encode(), "sha256"))


class TicketAnswer(BaseModel):
    ticket: str
    expires_in: int


@api.post("/api/v1/ws-tickets", responses={200: TicketAnswer})
def issue_ticket() -> dict[str, Any]:
    """A ticket for one WebSocket: connect to `/ws/v1?ticket=...` within 30 seconds."""
    tickets: Tickets = current_app.extensions["tickets"]
    return {"ticket": tickets.issue(principal()), "expires_in": TICKET_SECONDS}


def _refused() -> NotAuthenticated:
    return NotAuthenticated("the ticket is unknown, used or too old", remedy="get a new one: POST /api/v1/ws-tickets")
