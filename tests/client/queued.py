"""The queue, workers and shares of the test's platform."""

from typing import TYPE_CHECKING, Any

from flask import Flask, Response, json, request
from flask.typing import ResponseReturnValue

if TYPE_CHECKING:
    from tests.client.platform import Platform


def add_queue(app: Flask, state: "Platform") -> None:
    @app.get("/api/v1/queue")
    def queue() -> ResponseReturnValue:
        items = state.waiting[: int(request.args["limit"])]
        told = {"pause": state.pause, "emergency": state.emergency, "shares": state.shares}
        return {**told, "waiting": len(state.waiting), "items": items, "next_cursor": None}

    @app.route("/api/v1/queue/pause", methods=["POST", "DELETE"])
    def pause() -> ResponseReturnValue:
        if request.method == "DELETE":
            state.pause = None
            return "", 204
        state.pause = {"by": "ada", "reason": request.get_json()["reason"], "since": "2026-01-01T00:00:00Z"}
        return state.pause

    @app.route("/api/v1/emergency-stop", methods=["GET", "POST", "DELETE"])
    def emergency() -> ResponseReturnValue:
        if request.method == "DELETE":
            state.emergency = None
            return "", 204
        if request.method == "POST":
            state.emergency = {"active": True, "by": "ada", "attempts": 2, "remaining": 1, **request.get_json()}
        return state.emergency or {"active": False}

    @app.post("/api/v1/workers/<name>/drain")
    def drain(name: str) -> ResponseReturnValue:
        for worker in state.workers:
            if worker["name"] == name:
                worker["draining"] = request.get_json()["drain"]
                worker["state"] = "draining" if worker["draining"] else "online"
                return worker
        return _problem(404, "not-found", f"there is no worker {name}")

    @app.put("/api/v1/projects/<name>/share")
    def share(name: str) -> ResponseReturnValue:
        weight = request.get_json()["weight"]
        if weight <= 0:
            return _problem(422, "invalid-field", "weight: Input should be greater than 0")
        state.shares = [{"project": name, "weight": weight}]
        return state.shares[0]


def _problem(status: int, code: str, detail: str, **more: Any) -> Response:
    body = {"status": status, "code": code, "detail": detail, **more}
    return Response(json.dumps(body), status, content_type="application/problem+json")
