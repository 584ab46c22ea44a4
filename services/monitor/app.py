"""The monitor's Flask application."""

import redis
from flask_openapi3.openapi import OpenAPI

from services.monitor import events, export, logs, metrics, stream, tickets
from services.monitor.figures import HistoryFigures, SocketFigures
from services.monitor.hub import Hub
from services.monitor.tickets import Tickets
from serving.app import create_service
from serving.database import Database
from shared.settings import Settings


def create_app(settings: Settings, database: Database, client: redis.Redis) -> OpenAPI:
    """`client` serves tickets, replays and the live subscription. Nothing is started before the first socket opens."""
    app = create_service("monitor", settings, ready=database.ping)
    app.extensions["database"] = database
    app.extensions["tickets"] = Tickets(client)
    app.extensions["hub"] = Hub(client)
    for resource in (metrics, export, events, logs, tickets):
        app.register_api(resource.api)
    registry = app.extensions["metrics_registry"]
    registry.register(HistoryFigures(client, database))
    blueprint = stream.create_blueprint(settings, app.extensions["tickets"], app.extensions["hub"], SocketFigures(registry))
    stream.install(app, blueprint)
    return app
