"""The api service: what it is made of."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import redis
from flask import Response, jsonify
from flask_openapi3.openapi import OpenAPI

from services.api import (
    aliases,
    audit,
    auth,
    checkpoints,
    commands,
    emergency,
    forks,
    generate,
    internal,
    login,
    queueing,
    runs,
    shares,
    tokens,
    usage,
    workers,
)
from services.api.figures import GeneratorFigures, PlatformFigures
from services.api.models import AuditRow
from services.api.parts import Parts
from services.api.settings import DEFAULTS, KeepingSettings
from serving.app import create_service
from serving.audit import install_audit
from serving.database import Database
from serving.figures import DatabaseFigures
from shared.settings import Settings
from shared.storage_client import StorageClient

DOCUMENT: Final = Path(__file__).parent / "openapi.json"
"""Of all services, merged and committed."""


def create_app(
    settings: Settings,
    database: Database,
    storage: StorageClient,
    client: redis.Redis,
    *,
    clock: Callable[[], float] = time.time,
    keeping: KeepingSettings = DEFAULTS,
) -> OpenAPI:
    app = create_service("api", settings, ready=database.ping)
    parts = Parts(settings, database, storage, client, clock, keeping)
    app.extensions["parts"] = parts
    install_audit(app, database, AuditRow, clock=clock)
    of_runs = (runs, commands, forks, queueing, emergency, shares, workers, checkpoints, aliases, usage, generate)
    for resource in (*of_runs, tokens, login, audit, auth, internal):
        app.register_api(resource.api)
    registry = app.extensions["metrics_registry"]
    registry.register(DatabaseFigures(database, PlatformFigures(clock, settings.lease_seconds).read))
    registry.register(GeneratorFigures(client))
    _serve_document(app)
    return app


def _serve_document(app: OpenAPI) -> None:
    def openapi() -> Any:
        if DOCUMENT.exists():
            return Response(DOCUMENT.read_bytes(), content_type="application/json")
        return jsonify(app.api_doc)

    app.add_url_rule("/api/openapi.json", view_func=openapi)
