"""The Flask application every HTTP service starts from: problems, host check, principals, health, metrics, OpenAPI."""

import time
from collections.abc import Callable
from typing import Any

from flask import Response, g, request
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest

from serving.principal import guard
from serving.problems import install_problem_handlers, validation_problem
from shared.errors import UserError
from shared.settings import Settings, host_name


def create_service(name: str, settings: Settings, *, ready: Callable[[], None]) -> OpenAPI:
    """An application without endpoints of its own. `ready` raises where the service cannot work (its database is gone, say)."""
    app = OpenAPI(
        name,
        info=Info(title=f"Groundup {name}", version="1"),
        doc_ui=False,
        validation_error_callback=validation_problem,
        validation_error_status=422,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    install_problem_handlers(app)
    app.before_request(lambda: check_host(settings))
    app.before_request(lambda: guard(settings))
    _install_health(app, ready)
    _install_metrics(app, name)
    return app


def check_host(settings: Settings) -> None:
    """Refuse names that are not ours, so that a page elsewhere cannot reach us by DNS rebinding. Internal paths carry a secret instead."""
    if request.path.startswith(("/api/", "/ws/")) and host_name(request.host) not in settings.allowed_hosts:
        raise UserError(
            f"this server does not answer to the host '{request.host}'",
            remedy="add the name to GROUNDUP_ALLOWED_HOSTS if it is yours",
            code="unknown-host",
        )


def _install_health(app: OpenAPI, ready: Callable[[], None]) -> None:
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    def readyz() -> dict[str, str]:
        ready()
        return {"status": "ready"}

    app.add_url_rule("/healthz", view_func=healthz)
    app.add_url_rule("/readyz", view_func=readyz)


def _install_metrics(app: OpenAPI, name: str) -> None:
    registry = CollectorRegistry()
    requests = Counter("groundup_http_requests", "HTTP requests", ["service", "method", "status"], registry=registry)
    seconds = Histogram("groundup_http_request_seconds", "Time to answer", ["service"], registry=registry)
    app.extensions["metrics_registry"] = registry

    def start() -> None:
        g.started = time.perf_counter()

    def count(response: Response) -> Response:
        requests.labels(name, request.method, response.status_code).inc()
        if not request.path.startswith("/ws/"):  # as long as somebody looks at a page
            seconds.labels(name).observe(time.perf_counter() - g.get("started", time.perf_counter()))
        return response

    def metrics() -> Any:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    app.before_request_funcs.setdefault(None, []).insert(0, start)
    app.after_request(count)
    app.add_url_rule("/metrics", view_func=metrics)
