"""The HTTP service: `gunicorn --worker-class gthread --threads 8 services.storage.wsgi:app`."""

import logging
import os

from services.storage.app import create_app
from services.storage.objects import ObjectStore
from services.storage.queue import create_queue, sender
from services.storage.settings import StorageSettings
from services.storage.stores import Stores, has_no_objects
from serving.database import Database, database_url
from shared.crash import arm
from shared.errors import EnvironmentFault
from shared.settings import Settings

logging.basicConfig(level=logging.INFO)
arm(os.environ.get("CRASH_AT", ""))
settings = Settings.read(os.environ)
database = Database(database_url(os.environ, "storage", settings.data_dir))
objects = ObjectStore(StorageSettings.read(os.environ), is_new=lambda: has_no_objects(database))
stores = Stores(database, objects, sender(create_queue(settings.redis_url)))
app = create_app(settings, stores)
try:
    objects.ensure_bucket()
except EnvironmentFault as fault:
    logging.getLogger(__name__).warning("%s; the bucket is created once it answers", fault)
