"""The monitor's Flask application."""

import redis
from flask_openapi3.openapi import OpenAPI

from services.monitor import alerts, events, logs, metrics, stream, targets, tickets
from services.monitor.figures import HistoryFigures, SocketFigures
from services.monitor.hub import Hub
from services.monitor.tickets import Tickets
from serving.app import create_service
from serving.database import Database
from shared.settings import Settings


def create_app(settings: Settings, database: Database, client: redis.Redis, *, webhook_allow: frozenset[str] = frozenset()) -> OpenAPI:
    """`client` serves tickets, replays and the live subscription. Nothing is started before the first socket opens.
    `webhook_allow`: hosts that notifications may go to although they are private.
    """
    app = create_service("monitor", settings, ready=database.ping)
    app.extensions["database"] = database
    app.extensions["tickets"] = Tickets(client)
    app.extensions["hub"] = Hub(client)
    app.extensions["webhook_allow"] = webhook_allow
    for resource in (metrics, events, logs, alerts, targets, tickets):
        app.register_api(resource.api)
    registry = app.extensions["metrics_registry"]
    registry.register(HistoryFigures(client, database))
    blueprint = stream.create_blueprint(settings, app.extensions["tickets"], app.extensions["hub"], SocketFigures(registry))
    stream.install(app, blueprint)
    return app
