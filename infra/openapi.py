"""`python -m infra.openapi [--check]`: one OpenAPI document out of the three services' own, committed as services/api/openapi.json."""

import json
import sys
from pathlib import Path
from typing import Any

import redis

from serving.database import Database
from shared.settings import Settings

TARGET = Path(__file__).parent.parent / "services" / "api" / "openapi.json"
_SETTINGS = {
    "GROUNDUP_GATEWAY_SECRET": "unused",
    "GROUNDUP_JOIN_SECRET": "unused",
    "AWS_ACCESS_KEY_ID": "unused",
    "AWS_SECRET_ACCESS_KEY": "unused",
}


def merged(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """Paths and schemas of all; a schema that two services name alike but shape differently is an error."""
    result: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Groundup", "version": "1", "description": "Errors are RFC 9457 problems."},
        "security": [{"token": []}],
        "paths": {},
        "components": {"schemas": {}, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }
    schemas = result["components"]["schemas"]
    for document in documents:
        result["paths"].update({path: item for path, item in document["paths"].items() if path.startswith("/api/")})
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            if schemas.setdefault(name, schema) != schema:
                raise ValueError(f"two services mean different things by the schema '{name}'; rename one")
    result["paths"] = dict(sorted(result["paths"].items()))
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result


def documents() -> list[dict[str, Any]]:
    """From applications that are built but never connected to anything."""
    raise NotImplementedError
