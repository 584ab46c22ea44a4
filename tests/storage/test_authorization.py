"""Who may do what: every route, every kind of caller."""

import re
from pathlib import Path

import pytest

from tests.conftest import GATEWAY_SECRET, JOIN_SECRET, headers
from tests.storage.conftest import Storage
from tests.storage.pushing import begin, upload_body

OPEN = {"/healthz", "/readyz", "/metrics"}
UNDOCUMENTED = {"/openapi", "/static"}


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'test.db'}"


def routes(storage: Storage) -> list[tuple[str, str]]:
    """Every method and path with something in place of its variables."""
    found = []
    for rule in storage.client.application.url_map.iter_rules():
        path = re.sub(r"<(?:[^:>]+:)?n>", "1", rule.rule)
        path = re.sub(r"<(?:[^:>]+:)?sha256>", "0" * 64, path)
        path = re.sub(r"<[^>]+>", "x", path)
        found += [(method, path) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}]
    return [(method, path) for method, path in found if not path.startswith(tuple(UNDOCUMENTED))]


def test_there_is_something_to_test(storage: Storage) -> None:
    assert len(routes(storage)) >= 20


def test_nobody_gets_in_without_a_secret(storage: Storage) -> None:
    for method, path in routes(storage):
        for given in ({}, {"X-Groundup-Gateway": "wrong"}, {"Authorization": "Bearer wrong"}, {"X-Groundup-Gateway": GATEWAY_SECRET}):
            status = storage.client.open(path, method=method, headers=given).status_code
            assert status == (200 if path in OPEN else 401), (method, path, given)


def test_secrets_do_not_open_each_others_doors(storage: Storage) -> None:
    for method, path in routes(storage):
        if path in OPEN:
            continue
        given = headers("admin") if path.startswith("/internal/") else {"Authorization": f"Bearer {JOIN_SECRET}"}
        assert storage.client.open(path, method=method, headers=given).status_code == 401, (method, path)


def test_a_viewer_reads_and_never_writes(storage: Storage) -> None:
    for method, path in routes(storage):
        if path in OPEN or path.startswith("/internal/"):
            continue
        status = storage.client.open(path, method=method, headers=headers("viewer"), json={}).status_code
        writes = method != "GET" or path.startswith("/api/v1/uploads")
        assert (status == 403) is writes, (method, path, status)


def test_a_viewer_gets_no_url_to_write_to(storage: Storage) -> None:
    upload = begin(storage, upload_body("novels", {"a.txt": b"text"})[0])
    path = f"/api/v1/uploads/{upload['id']}"
    assert storage.client.get(path, headers=headers("viewer")).status_code == 403
    assert storage.client.get(path, headers=headers("editor")).status_code == 200


def test_a_foreign_host_is_refused(storage: Storage) -> None:
    answer = storage.client.get("/api/v1/datasets", headers=headers("editor"), base_url="http://evil.example")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "unknown-host")


def test_every_public_route_is_described(storage: Storage) -> None:
    document = storage.client.application.api_doc  # type: ignore[attr-defined]
    described = {(method.upper(), re.sub(r"\{[^}]+\}", "x", path)) for path, item in document["paths"].items() for method in item}
    for method, path in routes(storage):
        if path.startswith("/api/"):
            assert (method, re.sub(r"/(1|0{64})(?=/|$)", "/x", path)) in described
    assert all(operation.get("summary") for item in document["paths"].values() for operation in item.values())
