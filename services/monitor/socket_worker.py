"""gunicorn's gevent worker with an express lane for WebSockets: their handshake costs a fifth of what it does through gunicorn's parser and
Flask, which decides how fast thousands of clients come back after a restart (docs/events.md).

This module is imported before gevent patches the standard library, so it imports nothing of ours.
"""

from typing import Any

from gunicorn.workers.ggevent import GeventWorker  # type: ignore[import-untyped]


class SocketWorker(GeventWorker):  # type: ignore[misc]
    """`gunicorn --worker-class services.monitor.socket_worker.SocketWorker`: whatever the application's door lets in is its own."""

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        try:
            done = self.wsgi.extensions["door"].lets_in(client)
        except OSError:
            done = True
        if done:
            client.close()
        else:
            super().handle(listener, client, addr)
