"""The Flask application every HTTP service starts from: problems, host check, principals, health, metrics, OpenAPI."""

from collections.abc import Callable

from flask import request
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI

from serving.figures import install_figures
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
    app.extensions["metrics_registry"] = install_figures(app, name, settings)
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
