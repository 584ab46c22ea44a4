"""Every route of the service, tried by everybody who should not get in."""

import re
from typing import Any

from tests.api.stage import Stage
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET, headers

OPEN = {"/healthz", "/readyz", "/metrics", "/api/openapi.json", "/api/v1/login"}
FOR_THE_GATEWAY = {"/internal/auth", "/internal/problem/1"}
FOR_READERS = {"/api/v1/login-links", "/api/v1/logout"}
"""POSTs that a viewer may: they concern nobody else."""


def routes(stage: Stage) -> list[tuple[str, str]]:
    """(method, path) of all, with `1` for whatever a path takes."""
    found = []
    for rule in stage.app.url_map.iter_rules():
        if rule.endpoint == "static":
            continue
        path = rule.build(dict.fromkeys(rule.arguments, "1") | ({"status": 1} if "status" in rule.arguments else {}))
        assert path is not None
        found += [(method, path[1]) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return found


def call(stage: Stage, method: str, path: str, sent: dict[str, str]) -> Any:
    return stage.http.open(path, method=method, headers=sent)


def test_there_are_routes_to_try(stage: Stage) -> None:
    found = routes(stage)
    assert len(found) > 25
    assert {("POST", "/api/v1/runs"), ("DELETE", "/api/v1/runs/1"), ("POST", "/internal/attempts/1/claim")} <= set(found)
    assert {path for _method, path in found} >= OPEN | FOR_THE_GATEWAY | FOR_READERS


def test_nobody_gets_nothing(stage: Stage) -> None:
    strangers: list[dict[str, str]] = [
        {},
        {"Authorization": "Bearer wrong"},
        {"X-Groundup-Gateway": "wrong", "X-Groundup-Principal": "me", "X-Groundup-Role": "admin"},
        {"X-Groundup-Principal": "me", "X-Groundup-Role": "admin"},
    ]
    for method, path in routes(stage):
        if path not in OPEN:
            for sent in strangers:
                answer = call(stage, method, path, sent)
                assert (answer.status_code, answer.json["code"]) == (401, "not-authenticated"), (method, path, sent)
                assert answer.json["remedy"]


def test_the_gateway_without_a_principal_gets_nothing(stage: Stage) -> None:
    for method, path in routes(stage):
        if path.startswith("/api/") and path not in OPEN:
            for role in ("", "owner"):
                sent = {"X-Groundup-Gateway": GATEWAY_SECRET, "X-Groundup-Principal": "me" if role else "", "X-Groundup-Role": role}
                assert call(stage, method, path, sent).status_code == 401, (method, path)


def test_each_secret_opens_its_own_doors_only(stage: Stage) -> None:
    join = {"Authorization": f"Bearer {JOIN_SECRET}"}
    for method, path in routes(stage):
        if path in FOR_THE_GATEWAY or (path.startswith("/api/") and path not in OPEN):
            assert call(stage, method, path, join).status_code == 401, path
        elif path.startswith("/internal/"):
            assert call(stage, method, path, headers("admin")).status_code == 401, path
            assert call(stage, method, path, join).status_code == 422, path


def test_a_viewer_changes_nothing(stage: Stage) -> None:
    writing = [(method, path) for method, path in routes(stage) if path.startswith("/api/") and method != "GET" and path not in OPEN]
    assert len(writing) >= 8
    for method, path in writing:
        answer = call(stage, method, path, headers("viewer"))
        if path in FOR_READERS:
            assert answer.status_code < 300, path
        else:
            assert (answer.status_code, answer.json["code"]) == (403, "not-allowed"), (method, path)
            assert "ask an admin" in answer.json["remedy"]


def test_a_foreign_host_is_refused_everywhere(stage: Stage) -> None:
    for method, path in routes(stage):
        if path.startswith("/api/"):
            answer = call(stage, method, path, {**headers("admin"), "Host": "evil.example:8080"})
            assert (answer.status_code, answer.json["code"]) == (400, "unknown-host"), path


def test_the_document_names_every_public_route_and_no_internal_one(stage: Stage) -> None:
    told = stage.app.api_doc["paths"]
    public = {(method, path) for method, path in routes(stage) if path.startswith("/api/v1/")}
    named = {(method.upper(), re.sub(r"{\w+}", "1", path)) for path, item in told.items() for method in item}
    assert named == public
    spec = told["/api/v1/runs"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert spec == {"$ref": "#/components/schemas/RunSpec"}
    assert stage.http.get("/api/openapi.json").json["paths"].keys() >= {"/api/v1/runs"}
