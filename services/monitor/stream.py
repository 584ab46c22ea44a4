"""`/ws/v1`: who may open a socket, and the handshake that makes one of an HTTP request."""

import base64
import hashlib
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Blueprint, Response, request

from services.monitor.sockets import Sockets
from services.monitor.tickets import Tickets
from shared.errors import NotAllowed, UserError
from shared.settings import Settings, host_name

_ACCEPT: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, 1.3."""


def create_blueprint(settings: Settings, tickets: Tickets, sockets: Sockets) -> Blueprint:
    blueprint = Blueprint("stream", __name__)

    @blueprint.route("/ws/v1", websocket=True)
    def stream() -> Response:
        """All refusals are plain HTTP answers, before the connection becomes a WebSocket."""
        check_origin(request.headers.get("Origin"), settings)
        key = check_handshake()
        sockets.check_room()
        who = tickets.redeem(request.args.get("ticket", ""))
        sock = request.environ["gunicorn.socket"]
        sock.sendall(switching(key))
        sockets.adopt(sock, who.name)
        return TakenOver()

    return blueprint


class TakenOver(Response):
    """Tells gunicorn that this connection is none of its own any more."""

    def __call__(self, *_: Any) -> Any:
        raise StopIteration


def check_origin(origin: str | None, settings: Settings) -> None:
    """Browsers always name the page's origin, and it must be ours. Other programs name none; for them the ticket is enough."""
    if origin is not None and host_name(urlsplit(origin).netloc) not in settings.allowed_hosts:
        raise NotAllowed(
            f"pages of '{origin}' may not open a socket here",
            remedy="add its host to GROUNDUP_ALLOWED_HOSTS if it is yours",
            code="foreign-origin",
        )


def check_handshake() -> str:
    """The key that has to be answered. No extension is agreed on: deflate costs memory per socket, and frames depend on their order."""
    headers = request.headers
    key = headers.get("Sec-WebSocket-Key", "")
    upgrades = headers.get("Upgrade", "").lower() == "websocket" and "upgrade" in headers.get("Connection", "").lower()
    if not upgrades or not key or headers.get("Sec-WebSocket-Version") != "13" or "gunicorn.socket" not in request.environ:
        raise UserError("this address is a WebSocket's, version 13", remedy="connect with a WebSocket client", code="no-websocket")
    return key


def switching(key: str) -> bytes:
    digest = base64.b64encode(hashlib.sha1(key.encode() + _ACCEPT, usedforsecurity=False).digest()).decode()
    return (
        f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {digest}\r\n\r\n".encode()
    )
