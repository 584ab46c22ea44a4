"""The Celery worker of the data tasks: `celery -A services.storage.worker worker -Q storage -B --pool=threads --concurrency=1`."""

import os

from services.storage.objects import ObjectStore
from services.storage.queue import create_queue, sender
from services.storage.settings import StorageSettings
from services.storage.stores import Stores, has_no_objects
from services.storage.tasks import register_tasks
from serving.database import Database, database_url
from shared.settings import Settings

settings = Settings.read(os.environ)
storage_settings = StorageSettings.read(os.environ)
app = create_queue(settings.redis_url, sweep_seconds=storage_settings.sweep_seconds)
database = Database(database_url(os.environ, "storage", settings.data_dir))
objects = ObjectStore(storage_settings, is_new=lambda: has_no_objects(database))
register_tasks(app, Stores(database, objects, sender(app)), storage_settings)
