"""`gunicorn -k gevent -w 1 --worker-connections 10000 services.monitor.wsgi:app`. One process: one subscription serves all sockets."""

import os
import signal
import threading
from types import FrameType

from services.monitor.app import create_app
from services.monitor.deliveries import allowed_hosts
from services.monitor.hub import Hub
from serving.database import Database, database_url
from shared import bus
from shared.settings import Settings


def close_sockets_at_exit(hub: Hub) -> None:
    """gunicorn waits for open requests to end, and a socket is one that never does."""
    before = signal.getsignal(signal.SIGTERM)

    def stop(signum: int, frame: FrameType | None) -> None:
        hub.stop()
        if callable(before):
            before(signum, frame)

    signal.signal(signal.SIGTERM, stop)


settings = Settings.read(os.environ)
app = create_app(
    settings,
    Database(database_url(os.environ, "monitor", settings.data_dir)),
    bus.connect(settings.redis_url, blocking_seconds=1),
    webhook_allow=allowed_hosts(os.environ),
)
if threading.current_thread() is threading.main_thread():
    close_sockets_at_exit(app.extensions["hub"])
