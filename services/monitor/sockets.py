"""All open sockets of this process: a few workers catch up with the stream for them, and one looks after them once a second."""

import logging
import os
import queue
import socket
import threading
import time
from typing import Any, Final

import gevent  # type: ignore[import-untyped]
import redis

from services.monitor.connection import UNSENT_BYTES, Connection
from services.monitor.feeds import Subscription
from services.monitor.figures import SocketFigures
from services.monitor.hub import Hub
from services.monitor.outbox import TOO_SLOW
from services.monitor.rights import Rights
from services.monitor.tickets import Admission, Tickets
from shared.errors import EnvironmentFault

log = logging.getLogger(__name__)

MAX_SOCKETS: Final = 10_000
_WORKERS: Final = 8
_LOOK_SECONDS: Final = 1.0
_AGAIN_SECONDS: Final = 0.02
"""After which a subscription looks again for which there was nothing to read yet."""
_BROKEN_SECONDS: Final = 2.0
"""The same where its topic cannot be read."""


class Sockets:
    """Nothing runs before the first socket opens. Needs gevent: everything here happens in one thread."""

    def __init__(self, hub: Hub, tickets: Tickets, rights: Rights, figures: SocketFigures) -> None:
        self.hub, self.tickets, self.rights, self.figures, self.most = hub, tickets, rights, figures, MAX_SOCKETS
        self.connections: set[Connection] = set()
        self.sent = 0
        self._to_catch_up: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        self._started = False

    def check_room(self) -> None:
        if len(self.connections) >= self.most:
            raise EnvironmentFault(
                f"this process has {self.most} sockets, which is all that it takes", remedy="run more monitor processes (docs/events.md)"
            )

    def adopt(self, sock: Any, admission: Admission) -> None:
        """Take over a connection whose handshake is done; `sock` may be closed afterwards. Raises OSError where there is no room for it."""
        self._start()
        own = _unblocking(sock)
        connection = Connection(own, gevent.get_hub().loop, self, admission)
        self.connections.add(connection)
        self.figures.open.inc()
        self.hub.connect(connection.outbox)

    def plan(self, connection: Connection) -> None:
        if not connection.planned:
            connection.planned = True
            self._to_catch_up.put(connection)

    def forget(self, connection: Connection) -> None:
        self.connections.discard(connection)
        self.hub.disconnect(connection.outbox)
        self.figures.open.dec()
        if connection.outbox.closing and connection.outbox.closing.code == TOO_SLOW:
            self.figures.too_slow.inc()

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        for work in (self._look_after, self._watch_rights, *[self._catch_up] * _WORKERS):
            threading.Thread(target=work, daemon=True, name=work.__name__.strip("_")).start()

    def _watch_rights(self) -> None:
        self.rights.watch(self.connections, self.hub.stopping)

    def _catch_up(self) -> None:
        """A page of one subscription at a time, so that a long replay does not keep others waiting."""
        while True:
            connection = self._to_catch_up.get()
            if subscription := connection.outbox.next_join():
                if wait := self._read_a_page(subscription):
                    gevent.spawn_later(wait, _join_again, connection, subscription)
                else:
                    _join_again(connection, subscription)
            connection.planned = False
            if connection.outbox.joins and not connection.outbox.frames and not connection.ended:
                self.plan(connection)

    def _read_a_page(self, subscription: Subscription) -> float:
        """Seconds until it is worth another try. What concerns one topic only must not keep a worker from the others."""
        try:
            return 0.0 if self.hub.catch_up(subscription) else _AGAIN_SECONDS
        except redis.ResponseError as error:
            log.warning("a subscription to %r waits: %s", subscription.topic, error)
        except redis.RedisError as error:  # nobody is served now
            log.warning("subscriptions wait: %s", error)
            time.sleep(0.5)
            return 0.0
        except Exception:
            log.exception("a subscription to %r failed and tries again", subscription.topic)
        return _BROKEN_SECONDS

    def _look_after(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            self.look(time.monotonic())

    def look(self, now: float) -> None:
        """Once a second, after every socket: what troubles one ends no other's pings and limits."""
        self.figures.frames.inc(self.sent)
        self.sent = 0
        for connection in list(self.connections):
            try:
                connection.look(now)
            except Exception:
                log.exception("looking after a socket failed")


def _join_again(connection: Connection, subscription: Subscription) -> None:
    """If there is still something to read, and somebody wants it."""
    if not subscription.settled and connection.subscriptions.get(subscription.topic) is subscription:
        connection.outbox.join(subscription)


def _unblocking(sock: Any) -> socket.socket:
    """The same connection as a plain socket that never waits, which gevent's own would."""
    from _socket import socket as plain_socket

    own: Any = plain_socket(sock.family, sock.type, sock.proto, fileno=os.dup(sock.fileno()))
    own.setblocking(False)
    if sock.family in {socket.AF_INET, socket.AF_INET6}:
        own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux: the kernel gives up on a peer that has gone without a word
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
    return own  # type: ignore[no-any-return]
