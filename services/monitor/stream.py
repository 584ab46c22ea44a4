"""`/ws/v1`: who may open a socket, and the handshake that makes one of an HTTP request."""

import base64
import binascii
import hashlib
import hmac
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from flask import Blueprint, Response, request

from services.monitor.sockets import Sockets
from services.monitor.tickets import Tickets
from serving.principal import GATEWAY_HEADER
from shared.errors import GroundupError, NotAllowed, UserError
from shared.settings import Settings, host_name

PATH: Final = "/ws/v1"
_START: Final = f"GET {PATH}?".encode()
_HEAD_BYTES: Final = 4096
FIRST_WORD_SECONDS: Final = 10.0
"""A connection that says nothing for so long keeps no place from those that do."""
_ACCEPT: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, 1.3."""


@dataclass(frozen=True)
class Door:
    """Everything that a socket needs to be opened."""

    settings: Settings
    tickets: Tickets
    sockets: Sockets

    def open(self, sock: Any, headers: Mapping[str, str], ticket: str) -> None:
        """Make a WebSocket of `sock`, which may be closed afterwards. `headers`: by their names in lower case. All refusals are raised
        before a byte is sent, and spend no ticket but for one that is no good."""
        check_origin(headers.get("origin"), self.settings)
        key = check_handshake(headers)
        self.sockets.check_room()
        admission = self.tickets.redeem(ticket)
        sock.sendall(switching(key))
        self.sockets.adopt(sock, admission)

    def lets_in(self, client: Any) -> bool:
        """The express lane, before any HTTP server: looks at a request without taking it off the connection. False where it is no handshake
        or is refused; then it goes the usual way, which says why. Raises OSError where nothing comes; then there is nobody to answer."""
        client.settimeout(FIRST_WORD_SECONDS)
        head = client.recv(_HEAD_BYTES, socket.MSG_PEEK)
        client.settimeout(None)
        if not (head.startswith(_START) and head.endswith(b"\r\n\r\n")):
            return False
        line, headers = _parsed(head)
        if not self._knows(headers):
            return False
        ticket = parse_qs(line.split(" ")[1].partition("?")[2]).get("ticket", [""])[0]
        try:
            self.open(_Peeked(client, len(head)), headers, ticket)
        except (GroundupError, OSError):
            return False
        return True

    def _knows(self, headers: Mapping[str, str]) -> bool:
        """Whether the request came by the gateway and to one of our names, which Flask checks for its own requests (serving/)."""
        ours = hmac.compare_digest(headers.get(GATEWAY_HEADER.lower(), "").encode(), self.settings.gateway_secret.encode())
        return ours and host_name(headers.get("host", "")) in self.settings.allowed_hosts


class _Peeked:
    """A connection whose request is taken off it only when it is answered."""

    def __init__(self, client: Any, size: int) -> None:
        self._client, self._size = client, size
        self.family, self.type, self.proto, self.fileno = client.family, client.type, client.proto, client.fileno

    def sendall(self, data: bytes) -> None:
        self._client.recv(self._size)
        self._client.sendall(data)


def _parsed(head: bytes) -> tuple[str, dict[str, str]]:
    """The request line, and the headers by their names in lower case; of one that comes twice, the last."""
    line, *rest = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = (header.partition(":") for header in rest)
    return line, {name.lower(): value.strip() for name, _, value in pairs}


def create_blueprint(door: Door) -> Blueprint:
    """For those who do not come by the express lane (services/monitor/socket_worker.py), and for all refusals."""
    blueprint = Blueprint("stream", __name__)

    @blueprint.route(PATH, websocket=True)
    def stream() -> Response:
        sock = request.environ.get("gunicorn.socket")
        if sock is None:
            raise UserError("this server cannot open sockets", remedy="run it under gunicorn with gevent", code="no-websocket")
        door.open(sock, {name.lower(): value for name, value in request.headers.items()}, request.args.get("ticket", ""))
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


def check_handshake(headers: Mapping[str, str]) -> str:
    """The key that has to be answered. No extension is agreed on: deflate costs memory per socket, and frames depend on their order."""
    key = headers.get("sec-websocket-key", "")
    try:
        whole = len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        whole = False
    upgrades = headers.get("upgrade", "").lower() == "websocket" and "upgrade" in headers.get("connection", "").lower()
    if not upgrades or not whole or headers.get("sec-websocket-version") != "13":
        raise UserError("this address is a WebSocket's, version 13", remedy="connect with a WebSocket client", code="no-websocket")
    return key


def switching(key: str) -> bytes:
    digest = base64.b64encode(hashlib.sha1(key.encode() + _ACCEPT, usedforsecurity=False).digest()).decode()
    return (
        f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {digest}\r\n\r\n".encode()
    )
