"""The checkpoints of the small server: kept, named, deleted, exported; and its exported metric points."""

from typing import Any, Protocol

from flask import Flask, Response, redirect, request
from flask.typing import ResponseReturnValue


class Stored(Protocol):
    """`archive_bytes`: what the Content-Length of an export says; None for the truth. `points_missing`: so much of `points` never comes."""

    checkpoints: list[dict[str, Any]]
    objects: dict[str, bytes]
    archive: bytes
    archive_bytes: int | None
    points: bytes
    points_missing: int

    @property
    def url(self) -> str: ...


def add_checkpoints(app: Flask, state: Stored) -> None:
    add_reading(app, state)
    add_writing(app, state)


def add_reading(app: Flask, state: Stored) -> None:
    @app.get("/api/v1/checkpoints")
    def all_checkpoints() -> ResponseReturnValue:
        return {"items": state.checkpoints, "next_cursor": None}

    @app.get("/api/v1/checkpoints/usage")
    def usage() -> ResponseReturnValue:
        run = {"run_id": "run_1", "run_name": "r", "project": "default", "count": 1, "bytes": 900}
        told = {"level": "warning", "message": "checkpoints take 900 bytes, 100 bytes of the quota are left", "quota_bytes": 1000}
        return {"count": 1, "bytes": 900, **told, "by_run": [run]}

    @app.get("/api/v1/checkpoints/<checkpoint_id>")
    def checkpoint(checkpoint_id: str) -> ResponseReturnValue:
        return dict(state.checkpoints[0])

    @app.get("/api/v1/aliases/default/production")
    def alias() -> ResponseReturnValue:
        return dict(state.checkpoints[0])

    @app.get("/api/v1/checkpoints/<checkpoint_id>/files/<name>")
    def file(checkpoint_id: str, name: str) -> ResponseReturnValue:
        return redirect(f"{state.url}/bucket/{name}?signature=abc")

    @app.get("/bucket/<name>")
    def stored(name: str) -> ResponseReturnValue:
        return state.objects[name], 200

    @app.get("/api/v1/checkpoints/<checkpoint_id>/download")
    def download(checkpoint_id: str) -> ResponseReturnValue:
        length = len(state.archive) if state.archive_bytes is None else state.archive_bytes
        return Response(iter([state.archive]), content_type="application/x-tar", headers={"Content-Length": str(length)})

    @app.get("/api/v1/runs/<run_id>/metrics/export")
    def export(run_id: str) -> ResponseReturnValue:
        sent = state.points[: len(state.points) - state.points_missing]
        return Response(iter([sent]), content_type="text/csv", headers={"Content-Length": str(len(state.points))})


def add_writing(app: Flask, state: Stored) -> None:
    @app.patch("/api/v1/checkpoints/<checkpoint_id>")
    def change(checkpoint_id: str) -> ResponseReturnValue:
        state.checkpoints[0] |= request.get_json()
        moved = [{"alias": name, "before": "ckp_0"} for name in request.get_json().get("aliases", [])]
        return state.checkpoints[0] | {"kept_because": ["newest"], "moved": moved}

    @app.post("/api/v1/checkpoints/delete")
    def delete() -> ResponseReturnValue:
        ids = request.get_json()["ids"]
        refused = [{"id": each, "reasons": ["pinned by ada", "newest"]} for each in ids if each == "ckp_2"]
        return {"deleted": [each for each in ids if each != "ckp_2"], "refused": refused, "bytes": 1234}
