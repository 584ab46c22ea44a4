"""What every service does alike, on an application with three endpoints."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask_openapi3.openapi import OpenAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from serving.app import create_service
from serving.database import Database
from serving.idempotency import IdempotencyColumns, once
from serving.ids import new_id
from serving.principal import require
from shared.errors import EnvironmentFault
from shared.names import Role
from shared.settings import Settings
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET, headers


class Base(DeclarativeBase):
    pass


class Thing(Base):
    __tablename__ = "things"
    id: Mapped[str] = mapped_column(String(40), primary_key=True)


class IdempotencyKey(IdempotencyColumns, Base):
    __tablename__ = "idempotency_keys"


class ThingBody(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int


def add_endpoints(app: OpenAPI, database: Database) -> None:
    def create(session: Session) -> tuple[dict[str, Any], int]:
        thing = Thing(id=new_id("thing"))
        session.add(thing)
        return {"id": thing.id}, 201

    @app.post("/api/v1/things")
    def create_thing(body: ThingBody) -> Any:
        return once(database, IdempotencyKey, create)

    @app.get("/api/v1/secrets")
    def read_secrets() -> Any:
        require(Role.ADMIN)
        return {}

    @app.get("/api/v1/broken")
    def broken() -> Any:
        raise RuntimeError("nobody should read this")

    @app.get("/internal/things")
    def internal() -> Any:
        return {"things": []}


@pytest.fixture
def database(database_url: str) -> Any:
    database = Database(database_url)
    Base.metadata.drop_all(database.engine)
    Base.metadata.create_all(database.engine)
    yield database
    Base.metadata.drop_all(database.engine)
    database.close()


@pytest.fixture
def app(settings: Settings, database: Database) -> OpenAPI:
    app = create_service("test", settings, ready=database.ping)
    add_endpoints(app, database)
    return app


@pytest.fixture
def http(app: OpenAPI) -> Any:
    return app.test_client()


def test_nobody_gets_in_without_the_gateway(http: Any) -> None:
    answer = http.get("/api/v1/secrets", headers={**headers("admin"), "X-Groundup-Gateway": "guess"})
    assert (answer.status_code, answer.content_type) == (401, "application/problem+json")


def test_nobody_gets_in_without_a_name(http: Any) -> None:
    answer = http.get("/api/v1/secrets", headers={"X-Groundup-Gateway": GATEWAY_SECRET})
    assert answer.status_code == 401
    assert "Authorization" in answer.json["remedy"]


def test_a_viewer_reads_and_does_not_write(http: Any) -> None:
    answer = http.post("/api/v1/things", json={"size": 1}, headers=headers("viewer"))
    assert answer.status_code == 403
    assert "viewer" in answer.json["detail"]
    assert "editor" in answer.json["remedy"]


def test_an_endpoint_may_ask_for_more_than_its_method_does(http: Any) -> None:
    assert http.get("/api/v1/secrets", headers=headers("editor")).status_code == 403
    assert http.get("/api/v1/secrets", headers=headers("admin")).status_code == 200


def test_internal_paths_take_the_join_secret_only(http: Any) -> None:
    assert http.get("/internal/things", headers=headers("admin")).status_code == 401
    assert http.get("/internal/things", headers={"Authorization": f"Bearer {JOIN_SECRET}"}).status_code == 200


def test_a_foreign_host_is_refused(http: Any) -> None:
    answer = http.get("/api/v1/secrets", headers={**headers("admin"), "Host": "evil.example"})
    assert (answer.status_code, answer.json["code"]) == (400, "unknown-host")


def test_a_body_with_mistakes_names_the_fields(http: Any) -> None:
    answer = http.post("/api/v1/things", json={"size": "big", "colour": 1}, headers=headers("editor"))
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json["errors"]} == {"size", "colour"}


def test_an_internal_failure_tells_nothing(app: OpenAPI) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = app.test_client().get("/api/v1/broken", headers=headers("viewer"))
    assert answer.status_code == 500
    assert "nobody should read this" not in answer.text


def test_unknown_paths_are_problems(http: Any) -> None:
    answer = http.get("/api/v1/nothing", headers=headers("viewer"))
    assert (answer.status_code, answer.content_type, answer.json["code"]) == (404, "application/problem+json", "not-found")


def test_a_repeated_key_creates_nothing_twice(http: Any) -> None:
    with_key = {**headers("editor"), "Idempotency-Key": "k1"}
    first = http.post("/api/v1/things", json={"size": 1}, headers=with_key)
    again = http.post("/api/v1/things", json={"size": 1}, headers=with_key)
    assert first.status_code == again.status_code == 201
    assert first.json == again.json
    assert http.post("/api/v1/things", json={"size": 1}, headers=headers("editor")).json != first.json


def test_a_key_used_for_something_else_is_refused(http: Any) -> None:
    with_key = {**headers("editor"), "Idempotency-Key": "k1"}
    http.post("/api/v1/things", json={"size": 1}, headers=with_key)
    answer = http.post("/api/v1/things", json={"size": 2}, headers=with_key)
    assert (answer.status_code, answer.json["code"]) == (422, "idempotency-key-reused")


def test_the_same_key_at_the_same_moment_creates_one(app: OpenAPI, database: Database) -> None:
    def post(_: int) -> Any:
        http: Any = app.test_client()
        return http.post("/api/v1/things", json={"size": 1}, headers={**headers("editor"), "Idempotency-Key": "k"}).json["id"]

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(post, range(16)))) == 1
    with database.reading() as session:
        assert session.query(Thing).count() == 1


def test_health_needs_nobody_and_readiness_tells(settings: Settings, tmp_path: Path) -> None:
    def not_ready() -> None:
        raise EnvironmentFault("the database is gone")

    http = create_service("test", settings, ready=not_ready).test_client()
    assert http.get("/healthz").status_code == 200
    assert http.get("/readyz").status_code == 503
    assert b"groundup_http_requests_total" in http.get("/metrics").data
