"""`python -m infra.openapi [--check]`: one OpenAPI document out of the three services' own, committed as services/api/openapi.json."""

import json
import sys
from pathlib import Path
from typing import Any, Final

import redis
from pydantic.json_schema import models_json_schema

from services.api.app import create_app as create_api
from services.monitor.app import create_app as create_monitor
from services.storage.app import create_app as create_storage
from services.storage.objects import ObjectStore
from services.storage.settings import StorageSettings
from services.storage.stores import Stores
from serving.database import Database
from shared.events import Envelope
from shared.settings import Settings
from shared.spec import RunSpec
from shared.storage_client import StorageClient

TARGET: Final = Path(__file__).parent.parent / "services" / "api" / "openapi.json"
REFERENCE: Final = "#/components/schemas/{model}"
SECRETS: Final = ("GROUNDUP_GATEWAY_SECRET", "GROUNDUP_JOIN_SECRET", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
PROBLEM: Final = {
    "title": "Problem",
    "description": "RFC 9457. `errors` names the fields at fault.",
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "remedy": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


def documents() -> list[dict[str, Any]]:
    """Of applications that are built but never connected to anything."""
    environ = dict.fromkeys(SECRETS, "unused")
    settings, database, client = Settings.read(environ), Database("sqlite://"), redis.Redis()
    stores = Stores(database, ObjectStore(StorageSettings.read(environ)), lambda *_: None)
    api = create_api(settings, database, StorageClient("http://unused", "unused"), client)
    return [dict(app.api_doc) for app in (api, create_monitor(settings, database, client), create_storage(settings, stores))]


def merged(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """Public paths and schemas of all. A schema that two services name alike but shape differently is an error."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Problem": PROBLEM, **contracts()}
    for document in documents:
        paths.update({path: _with_problems(item) for path, item in document["paths"].items() if path.startswith("/api/")})
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            if name != "ValidationErrorModel" and schemas.setdefault(name, schema) != schema:
                raise ValueError(f"two services mean different things by the schema '{name}'; rename one")
    for path in ("/api/v1/runs", "/api/v1/runs/validate"):
        paths[path]["post"].setdefault("requestBody", _json_body("RunSpec"))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Groundup", "version": "1"},
        "security": [{"token": []}],
        "paths": dict(sorted(paths.items())),
        "components": {"schemas": dict(sorted(schemas.items())), "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def contracts() -> dict[str, Any]:
    """What the services parse themselves: the run spec (so that every mistake is told at once) and the events."""
    _, schema = models_json_schema([(RunSpec, "validation"), (Envelope, "validation")], ref_template=REFERENCE)
    definitions: dict[str, Any] = schema["$defs"]
    return definitions


def _json_body(schema: str) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": {"$ref": REFERENCE.format(model=schema)}}}}


def _with_problems(item: dict[str, Any]) -> dict[str, Any]:
    problem = {"description": "A problem", "content": {"application/problem+json": {"schema": {"$ref": REFERENCE.format(model="Problem")}}}}
    for operation in item.values():
        operation["responses"].pop("422", None)
        operation["responses"]["default"] = problem
    return item


def main() -> None:
    text = json.dumps(merged(documents()), indent=1, ensure_ascii=False) + "\n"
    if "--check" not in sys.argv:
        TARGET.write_text(text)
    elif not TARGET.exists() or TARGET.read_text() != text:
        sys.exit(f"{TARGET.name} is not what the services say; run ./run openapi")


if __name__ == "__main__":
    main()
