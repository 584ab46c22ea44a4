"""`gunicorn -k services.monitor.socket_worker.SocketWorker -w 1 services.monitor.wsgi:app`.

One process: one subscription serves all its sockets.
"""

import os
import signal
import threading
from types import FrameType

import gevent  # type: ignore[import-untyped]

from services.monitor.app import create_app
from services.monitor.deliveries import allowed_hosts
from services.monitor.hub import Hub
from services.monitor.rights import RIGHTS_SECONDS
from serving.database import Database, database_url
from shared import bus
from shared.settings import Settings

REDIS_CONNECTIONS = 24


def close_sockets_at_exit(hub: Hub) -> None:
    """gunicorn waits for open requests to end, and a socket is one that never does."""
    before = signal.getsignal(signal.SIGTERM)

    def stop(signum: int, frame: FrameType | None) -> None:
        gevent.spawn(hub.stop)
        if callable(before):
            before(signum, frame)

    signal.signal(signal.SIGTERM, stop)


settings = Settings.read(os.environ)
app = create_app(
    settings,
    Database(database_url(os.environ, "monitor", settings.data_dir)),
    bus.connect(settings.redis_url, blocking_seconds=1, connections=REDIS_CONNECTIONS),
    rights_seconds=float(os.environ.get("GROUNDUP_RIGHTS_SECONDS", RIGHTS_SECONDS)),
    webhook_allow=allowed_hosts(os.environ),
)
if threading.current_thread() is threading.main_thread():
    close_sockets_at_exit(app.extensions["hub"])
