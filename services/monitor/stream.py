"""`/ws/v1`: who may open a socket, and the two sides of one that is open."""

import logging
import socket
import threading
import time
from typing import Any, Final
from urllib.parse import urlsplit

import redis
from flask import Blueprint, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed

from services.monitor import frames
from services.monitor.figures import SocketFigures
from services.monitor.frames import Ping, Subscribe, Unsubscribe
from services.monitor.hub import Hub, Subscription
from services.monitor.outbox import TOO_SLOW, Outbox
from services.monitor.tickets import Tickets
from services.monitor.whole_socket import SERVER_OPTIONS, harden
from shared.errors import NotAllowed
from shared.settings import Settings, host_name

log = logging.getLogger(__name__)

MAX_TOPICS: Final = 100
MAX_AGE_SECONDS: Final = 3600.0
"""A ticket proves a right once; a socket that old has to bring a new one (and loses nothing, by `(epoch, since)`)."""
TICKET_EXPIRED: Final = 4401
GOODBYE_SECONDS: Final = 2.0


def create_blueprint(settings: Settings, tickets: Tickets, hub: Hub, figures: SocketFigures) -> Blueprint:
    blueprint = Blueprint("stream", __name__)
    sock = Sock()

    @blueprint.before_request
    def admit() -> None:
        """All refusals are plain HTTP answers, before the connection becomes a WebSocket."""
        check_origin(request.headers.get("Origin"), settings)
        tickets.redeem(request.args.get("ticket", ""))
        harden(request.environ)

    @sock.route("/ws/v1", bp=blueprint)  # type: ignore[untyped-decorator]
    def stream(ws: Any) -> None:
        Connection(ws, hub, figures).serve()

    return blueprint


def install(app: Any, blueprint: Blueprint) -> None:
    app.config["SOCK_SERVER_OPTIONS"] = SERVER_OPTIONS
    app.register_blueprint(blueprint)


def check_origin(origin: str | None, settings: Settings) -> None:
    """Browsers always name the page's origin, and it must be ours. Other programs name none; for them the ticket is enough."""
    if origin is not None and host_name(urlsplit(origin).netloc) not in settings.allowed_hosts:
        raise NotAllowed(
            f"pages of '{origin}' may not open a socket here",
            remedy="add its host to GROUNDUP_ALLOWED_HOSTS if it is yours",
            code="foreign-origin",
        )


class Connection:
    """One open socket: this greenlet reads, a second one writes. Everything that is sent goes through the outbox and the writer."""

    def __init__(self, ws: Any, hub: Hub, figures: SocketFigures) -> None:
        self.ws, self.hub, self.figures = ws, hub, figures
        self.outbox = Outbox()
        self.subscriptions: dict[str, Subscription] = {}

    def serve(self) -> None:
        writer = threading.Thread(target=self._write, daemon=True, name="socket-writer")
        self.hub.connect(self.outbox)
        self.figures.open.inc()
        writer.start()
        try:
            while True:
                self._handle(self.ws.receive())
        except ConnectionClosed:
            log.debug("socket closed: %s", self.outbox.closing)
        finally:
            for topic in list(self.subscriptions):
                self._unsubscribe(topic)
            self.hub.disconnect(self.outbox)
            self.outbox.close(1000, "")
            writer.join()
            self._end()
            self.figures.open.dec()

    def _handle(self, message: bytes | str) -> None:
        try:
            frame = frames.read_frame(message)
        except ValueError as error:
            self.outbox.offer(frames.error("bad-frame", str(error)))
            return
        match frame:
            case Subscribe():
                self._subscribe(frame)
            case Unsubscribe():
                self._unsubscribe(frame.topic)
            case Ping():
                self.outbox.offer(frames.pong(frame.id))

    def _subscribe(self, frame: Subscribe) -> None:
        self._unsubscribe(frame.topic)
        if len(self.subscriptions) >= MAX_TOPICS:
            self.outbox.offer(frames.error("too-many-topics", f"at most {MAX_TOPICS} topics per socket; unsubscribe from one"))
            return
        subscription = Subscription(frame.topic, self.outbox, frame.epoch, 0 if frame.epoch is None else frame.since)
        self.subscriptions[frame.topic] = subscription
        self.hub.enter(subscription)

    def _unsubscribe(self, topic: str) -> None:
        if subscription := self.subscriptions.pop(topic, None):
            self.hub.leave(subscription)

    def _write(self) -> None:
        try:
            expires = time.monotonic() + MAX_AGE_SECONDS
            while self.outbox.closing is None:
                if not self.outbox.wake.wait(expires - time.monotonic()):
                    self.outbox.close(TICKET_EXPIRED, "get a new ticket and connect again")
                self.outbox.wake.clear()
                self._send_waiting()
            if self.ws.connected:
                self._say_goodbye()
        except (OSError, ConnectionClosed) as error:
            log.debug("socket lost: %r", error)
        finally:
            self._release_reader()

    def _send_waiting(self) -> None:
        while self.outbox.closing is None:
            if frame := self.outbox.take():
                self._send(frame)
            elif subscription := self.outbox.next_join():
                self._catch_up(subscription)
            else:
                return

    def _catch_up(self, subscription: Subscription) -> None:
        try:
            answer = self.hub.catch_up(subscription)
        except redis.RedisError as error:
            log.warning("a subscription waits: %s", error)
            self.outbox.wake.wait(0.5)
            answer = []
        for frame in answer:
            self._send(frame)
        if not subscription.live and self.subscriptions.get(subscription.topic) is subscription:
            if not answer:
                self.outbox.wake.wait(0.02)
            self.outbox.join(subscription)

    def _send(self, frame: bytes) -> None:
        self.ws.send(frame)
        self.figures.frames.inc()

    def _say_goodbye(self) -> None:
        closing = self.outbox.closing
        assert closing is not None, "the writer ends because of it"
        if closing.code == TOO_SLOW:
            self.figures.too_slow.inc()
        self.ws.close(closing.code, closing.reason)

    def _end(self) -> None:
        """Let the client answer our goodbye for a moment; then simple-websocket's reading thread has to go, whatever the client does."""
        self.ws.sock.shut_down(socket.SHUT_WR)
        self.ws.thread.join(GOODBYE_SECONDS)
        self.ws.sock.shut_down(socket.SHUT_RDWR)

    def _release_reader(self) -> None:
        """The reading greenlet waits in `receive`, and simple-websocket's own in `recv`; neither looks up by itself."""
        self.outbox.close(1000, "")
        self.ws.connected = False
        self.ws.event.set()
