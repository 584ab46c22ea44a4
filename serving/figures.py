"""`/metrics`: what a service tells about itself, in Prometheus' terms. docs/metrics.md lists every name of every service.

Labels have few values that we chose ourselves: a route as it was declared, never an address; a state, never a run.
"""

import hmac
import ipaddress
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from flask import Response, g, request
from flask_openapi3.openapi import OpenAPI
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from serving.database import Database
from shared.errors import NotAuthenticated
from shared.settings import Settings

log = logging.getLogger(__name__)
_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_SECONDS: Final = (0.005, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0)
Families = Iterable[Any]
"""Metric families of prometheus_client.core."""


class DatabaseFigures(Collector):
    """Read when asked for, since other processes write what they tell of. What cannot be read is left out."""

    def __init__(self, database: Database, read: Callable[[Session], Families]) -> None:
        self.database, self.read = database, read

    def collect(self) -> Iterator[Any]:
        try:
            with self.database.reading() as session:
                families = list(self.read(session))
        except SQLAlchemyError as error:
            log.warning("figures are missing: %s", error)
            return
        yield from families

    def describe(self) -> list[Any]:
        return []


def gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, about, value=value)


def gauges(name: str, about: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    """One for each value of `label`."""
    family = GaugeMetricFamily(name, about, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def install_figures(app: OpenAPI, name: str, settings: Settings) -> CollectorRegistry:
    """Count and time every request, and answer `/metrics` with what is in the registry."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    labels = ["service", "method", "route"]
    requests = Counter("groundup_http_requests", "HTTP requests", [*labels, "status"], registry=registry)
    seconds = Histogram("groundup_http_request_seconds", "Time until an answer begins", labels, buckets=_SECONDS, registry=registry)

    def start() -> None:
        g.started = time.perf_counter()

    def count(response: Response) -> Response:
        method, route = _labels()
        requests.labels(name, method, route, f"{response.status_code // 100}xx").inc()
        if not request.path.startswith("/ws/"):  # as long as somebody looks at a page
            seconds.labels(name, method, route).observe(time.perf_counter() - g.get("started", time.perf_counter()))
        return response

    def metrics() -> Response:
        _must_be_allowed(settings.metrics_token)
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    app.before_request_funcs.setdefault(None, []).insert(0, start)
    app.after_request(count)
    app.add_url_rule("/metrics", view_func=metrics)
    return registry


def _labels() -> tuple[str, str]:
    """Whatever a client makes up is `other`."""
    method = request.method if request.method in _METHODS else "other"
    return method, request.url_rule.rule if request.url_rule else "other"


def _must_be_allowed(token: str) -> None:
    """Whoever is on this machine may look; from elsewhere it takes the token, and without one nobody may. Raises NotAuthenticated."""
    try:
        if ipaddress.ip_address(request.remote_addr or "").is_loopback:
            return
    except ValueError:
        log.debug("'%s' is no address", request.remote_addr)
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token or not hmac.compare_digest(given.encode(), token.encode()):
        raise NotAuthenticated("metrics need their token", remedy="set GROUNDUP_METRICS_TOKEN here and send it as 'Authorization: Bearer'")
