"""Who is asking. The gateway asks api and passes the answer on in headers, which count only together with the gateway's secret."""

import hmac
import re
from dataclasses import dataclass
from typing import Final

from flask import g, request

from shared.errors import NotAllowed, NotAuthenticated
from shared.names import Role
from shared.settings import Settings

GATEWAY_HEADER: Final = "X-Groundup-Gateway"
PRINCIPAL_HEADER: Final = "X-Groundup-Principal"
ROLE_HEADER: Final = "X-Groundup-Role"
CREDENTIAL_HEADER: Final = "X-Groundup-Credential"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_RANK: Final = {Role.VIEWER: 0, Role.EDITOR: 1, Role.ADMIN: 2}
_OPEN: Final = frozenset({"/healthz", "/readyz", "/metrics", "/api/openapi.json", "/api/v1/login"})
"""Paths that need nobody's name; /healthz, /readyz and /metrics are not routed by the gateway."""
_GATEWAY_ASKS: Final = re.compile(r"/internal/(auth|problem/\d+)")
"""Internal paths that the gateway itself calls; the `Authorization` it sends there is its client's."""
_FOR_VIEWERS: Final = frozenset({"/api/v1/ws-tickets", "/api/v1/login-links", "/api/v1/logout"})
"""Paths whose POST changes nothing that is anybody else's."""


@dataclass(frozen=True)
class Principal:
    """`credential`: the id of the token or session that was shown; it tells nothing that one could log in with."""

    name: str
    role: Role
    credential: str = ""


def guard(settings: Settings) -> None:
    """Before every request: internal paths need the join secret, all others a principal whose role fits the method (reading or writing)."""
    if request.path in _OPEN:
        return
    if _GATEWAY_ASKS.fullmatch(request.path):
        _must_match(request.headers.get(GATEWAY_HEADER, ""), settings.gateway_secret, "this path answers the gateway only")
        return
    if request.path.startswith("/internal/"):
        _must_match(
            request.headers.get("Authorization", "").removeprefix("Bearer "), settings.join_secret, "the join secret is missing or wrong"
        )
        return
    _must_match(request.headers.get(GATEWAY_HEADER, ""), settings.gateway_secret, "this port answers the gateway only")
    if request.path.startswith("/ws/"):  # a ticket says who it is (services/monitor/tickets.py)
        return
    name, role = request.headers.get(PRINCIPAL_HEADER), request.headers.get(ROLE_HEADER)
    if not name or role not in set(Role):
        raise NotAuthenticated("no valid token", remedy="send 'Authorization: Bearer <token>'; data/admin-token holds the first one")
    g.principal = Principal(name, Role(role), request.headers.get(CREDENTIAL_HEADER, ""))
    reading = request.method in SAFE_METHODS or request.path in _FOR_VIEWERS
    require(Role.VIEWER if reading else Role.EDITOR)


def principal() -> Principal:
    who: Principal = g.principal
    return who


def require(role: Role) -> None:
    """For endpoints that need more than their method does."""
    who = principal()
    if _RANK[who.role] < _RANK[role]:
        raise NotAllowed(
            f"'{who.name}' is {who.role}; {request.method} {request.path} needs {role}",
            remedy=f"ask an admin for a token with role {role}",
        )


def _must_match(given: str, secret: str, message: str) -> None:
    if not hmac.compare_digest(given.encode(), secret.encode()):
        raise NotAuthenticated(message, remedy="call through the gateway's address with a token")
