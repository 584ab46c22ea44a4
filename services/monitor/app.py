"""The monitor's Flask application."""

import redis
from flask_openapi3.openapi import OpenAPI

from services.monitor import alerts, audit, events, export, logs, metrics, stream, targets, tickets, worker_metrics
from services.monitor.alert_figures import AlertFigures
from services.monitor.figures import HistoryFigures, SocketFigures
from services.monitor.hub import Hub
from services.monitor.request_models import AuditRow
from services.monitor.rights import RIGHTS_SECONDS, Rights
from services.monitor.sockets import Sockets
from services.monitor.tickets import Tickets
from serving.app import create_service
from serving.audit import install_audit
from serving.database import Database
from serving.figures import DatabaseFigures
from shared.api_client import ApiClient
from shared.settings import Settings


def create_app(
    settings: Settings,
    database: Database,
    client: redis.Redis,
    *,
    rights_seconds: float = RIGHTS_SECONDS,
    webhook_allow: frozenset[str] = frozenset(),
) -> OpenAPI:
    """`client` serves tickets, replays and the live subscription. Nothing is started before the first socket opens.
    `webhook_allow`: hosts that notifications may go to although they are private.
    """
    app = create_service("monitor", settings, ready=database.ping)
    app.extensions["database"] = database
    app.extensions["tickets"] = Tickets(client, settings.gateway_secret)
    app.extensions["hub"] = Hub(client)
    app.extensions["webhook_allow"] = webhook_allow
    install_audit(app, database, AuditRow, but=frozenset({"/api/v1/ws-tickets"}))
    for resource in (metrics, export, worker_metrics, events, logs, alerts, targets, audit, tickets):
        app.register_api(resource.api)
    registry = app.extensions["metrics_registry"]
    registry.register(HistoryFigures(client, database))
    registry.register(DatabaseFigures(database, AlertFigures(client).read))
    rights = Rights(ApiClient(settings.api_url, settings.join_secret).valid_credentials, seconds=rights_seconds)
    sockets = Sockets(app.extensions["hub"], app.extensions["tickets"], rights, SocketFigures(registry))
    app.extensions["door"] = door = stream.Door(settings, app.extensions["tickets"], sockets)
    app.register_blueprint(stream.create_blueprint(door))
    return app
