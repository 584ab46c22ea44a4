"""The storage service as a Flask application."""

from flask_openapi3.openapi import OpenAPI

from services.storage.checkpoints import checkpoint_files, checkpoint_objects
from services.storage.datasets import datasets
from services.storage.figures import of_objects
from services.storage.prepared import prepared
from services.storage.resolve import resolve
from services.storage.stores import Stores
from services.storage.tokenizers import tokenizers
from services.storage.upkeep import upkeep
from services.storage.uploads import uploads
from serving.app import create_service
from serving.figures import DatabaseFigures
from shared.settings import Settings


def create_app(settings: Settings, stores: Stores) -> OpenAPI:
    app = create_service("storage", settings, ready=lambda: check_ready(stores))
    app.extensions |= {"stores": stores, "public_url": settings.public_url}
    for blueprint in (uploads, datasets, tokenizers, resolve, prepared, checkpoint_objects, checkpoint_files, upkeep):
        app.register_api(blueprint)
    app.extensions["metrics_registry"].register(DatabaseFigures(stores.database, of_objects(stores.objects)))
    return app


def check_ready(stores: Stores) -> None:
    """Raises where the database or the bucket cannot be reached."""
    stores.database.ping()
    stores.objects.ping()
