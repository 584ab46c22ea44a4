"""gunicorn's entry point: `gunicorn --worker-class gthread services.api.wsgi:app`. `python -m serving.migrate api` has to run before."""

import logging
import os
import time

from services.api.app import create_app
from services.api.settings import KeepingSettings
from services.api.tokens import ensure_admin_token
from serving.database import Database, database_url
from shared.bus import connect
from shared.crash import arm
from shared.settings import Settings
from shared.storage_client import StorageClient

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
logging.getLogger("httpx").setLevel(logging.WARNING)
arm(os.environ.get("CRASH_AT", ""))
settings = Settings.read(os.environ)
database = Database(database_url(os.environ, "api", settings.data_dir))
ensure_admin_token(database, settings.data_dir, time.time())
app = create_app(
    settings,
    database,
    StorageClient(settings.storage_url, settings.join_secret),
    connect(settings.redis_url, blocking_seconds=2),
    keeping=KeepingSettings.read(os.environ),
)
