"""`POST /api/v1/ws-tickets`: browsers cannot send a token with a WebSocket, so they bring a ticket, good once and for 30 seconds."""

import hashlib
import json
import secrets
from dataclasses import asdict
from typing import Any, Final, cast

import redis
from flask import current_app
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel

from serving.principal import Principal, principal
from shared.errors import EnvironmentFault, NotAuthenticated
from shared.names import Role

api = APIBlueprint("tickets", __name__)

TICKET_SECONDS: Final = 30


class Tickets:
    """Kept in Redis under their hash, so that whoever reads Redis gets no ticket."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client

    def issue(self, who: Principal) -> str:
        ticket = secrets.token_urlsafe(32)
        try:
            self.client.set(_key(ticket), json.dumps(asdict(who)), ex=TICKET_SECONDS)
        except redis.RedisError as error:
            raise _unavailable(error) from error
        return ticket

    def redeem(self, ticket: str) -> Principal:
        """Raises NotAuthenticated where the ticket is unknown, used or too old."""
        try:
            stored = cast(bytes | None, self.client.getdel(_key(ticket)))
        except redis.RedisError as error:
            raise _unavailable(error) from error
        if stored is None:
            raise NotAuthenticated("the ticket is unknown, used or too old", remedy="get a new one: POST /api/v1/ws-tickets")
        who = json.loads(stored)
        return Principal(who["name"], Role(who["role"]))


class TicketAnswer(BaseModel):
    ticket: str
    expires_in: int


@api.post("/api/v1/ws-tickets", responses={200: TicketAnswer})
def issue_ticket() -> dict[str, Any]:
    """A ticket for one WebSocket: connect to `/ws/v1?ticket=...` within 30 seconds."""
    tickets: Tickets = current_app.extensions["tickets"]
    return {"ticket": tickets.issue(principal()), "expires_in": TICKET_SECONDS}


def _key(ticket: str) -> str:
    return f"ws-ticket:{hashlib.sha256(ticket.encode()).hexdigest()}"


def _unavailable(error: redis.RedisError) -> EnvironmentFault:
    return EnvironmentFault(f"Redis does not answer: {error}", remedy="it is restarted by itself; try again in a few seconds")
