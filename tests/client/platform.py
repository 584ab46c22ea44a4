"""A small HTTP server that answers as docs/http-api.md says, remembers what it was sent, and can be told to fail."""

import contextlib
import hashlib
import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Flask, Response, g, json, request
from flask.typing import ResponseReturnValue
from werkzeug.serving import make_server

from tests.client.logged import add_logs
from tests.client.queued import add_queue
from tests.client.stored import add_checkpoints

TOKEN = "token-of-the-tests"


@dataclass
class Seen:
    method: str
    path: str
    key: str | None
    authorization: str | None
    body: bytes
    query: str = ""


@dataclass
class Platform:
    """faults: path -> what to answer instead, once each: a status, or 'cut' (do as asked, but lose the answer)."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    faults: dict[str, list[int | str]] = field(default_factory=dict)
    role: str = "admin"
    parts: dict[str, bytes] = field(default_factory=dict)
    upload: dict[str, Any] = field(default_factory=dict)
    versions: list[dict[str, Any]] = field(default_factory=list)
    tokenizers: list[dict[str, Any]] = field(default_factory=list)
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    created: dict[str, str] = field(default_factory=dict)
    series: list[dict[str, Any]] = field(default_factory=list)
    points: bytes = b""
    points_missing: int = 0
    events: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    checkpoints: list[dict[str, Any]] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)
    needed: list[str] = field(default_factory=list)
    warnings: list[dict[str, str]] = field(default_factory=list)
    archive: bytes = b""
    archive_bytes: int | None = None
    workers: list[dict[str, Any]] = field(default_factory=list)
    pause: dict[str, str] | None = None
    shares: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    commands: list[dict[str, Any]] = field(default_factory=list)
    emergency: dict[str, Any] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sent(self, method: str, path: str) -> list[Seen]:
        return [one for one in self.seen if (one.method, one.path) == (method, path)]

    @contextlib.contextmanager
    def serving(self) -> Iterator["Platform"]:
        """On the same port each time, so that a second block is a restart."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = make_server("127.0.0.1", self.port, make_app(self), threaded=True)
        server.daemon_threads = True  # type: ignore[attr-defined]
        self.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def problem(status: int, code: str, detail: str, **more: Any) -> Response:
    body = {"status": status, "code": code, "detail": detail, **more}
    return Response(json.dumps(body), status, content_type="application/problem+json")


def page(items: list[Any]) -> dict[str, Any]:
    return {"items": items, "next_cursor": None}


def make_app(state: Platform) -> Flask:
    app = Flask(__name__)

    @app.before_request
    def note() -> ResponseReturnValue | None:
        headers = request.headers
        path = request.path
        seen = Seen(request.method, path, headers.get("Idempotency-Key"), headers.get("Authorization"), request.get_data())
        state.seen.append(replace(seen, query=request.query_string.decode()))
        fault = state.faults[path].pop(0) if state.faults.get(path) else None
        g.cut = fault == "cut"
        if isinstance(fault, int):
            return problem(fault, "unavailable", f"{path} is away", remedy="wait")
        if path.startswith("/api/v1/") and headers.get("Authorization") != f"Bearer {TOKEN}":
            return problem(401, "not-authenticated", "no valid token", remedy="send a token")
        return None

    @app.after_request
    def lose(response: Response) -> Response:
        if g.cut:
            request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return response

    for add in (add_uploads, add_datasets, add_runs, add_history, add_rest):
        add(app, state)
    add_checkpoints(app, state)
    add_queue(app, state)
    add_logs(app, state.lines)
    return app


def add_uploads(app: Flask, state: Platform) -> None:
    def missing() -> list[dict[str, str]]:
        digests = dict.fromkeys(part["sha256"] for part in state.upload["parts"])
        return [{"sha256": digest, "url": f"{state.url}/bucket/{digest}"} for digest in digests if digest not in state.parts]

    @app.post("/api/v1/uploads")
    def begin() -> ResponseReturnValue:
        state.upload = request.get_json()
        return {"id": "upl_1", "dataset": state.upload["dataset"], "state": "open", "missing": missing()}, 201

    @app.get("/api/v1/uploads/upl_1")
    def show() -> ResponseReturnValue:
        return {"id": "upl_1", "state": "open", "missing": missing()}

    @app.put("/bucket/<name>")
    def put(name: str) -> ResponseReturnValue:
        state.objects[name] = request.get_data()
        return "", 200

    @app.post("/api/v1/uploads/upl_1/parts/<digest>")
    def verify(digest: str) -> ResponseReturnValue:
        content = state.objects.pop(digest, b"")
        if hashlib.sha256(content).hexdigest() != digest:
            return problem(422, "invalid-field", "the part differs")
        state.parts[digest] = content
        return {"sha256": digest, "state": "verified"}

    @app.post("/api/v1/uploads/upl_1/complete")
    def complete() -> ResponseReturnValue:
        if missing():
            return problem(409, "conflict", "parts are missing")
        files, name = state.upload["files"], state.upload["dataset"]
        same = [version for version in state.versions if version["content"] == state.upload]
        number = same[0]["version"] if same else len(state.versions) + 1
        size = sum(file["bytes"] for file in files)
        version = {"id": f"dsv_{number}", "dataset": name, "version": number, "bytes": size, "files": len(files)}
        version |= {"created_at": "2026-01-01T00:00:00+00:00", "created_by": "t", "content": state.upload}
        state.versions += [] if same else [version]
        return version, 201


def add_datasets(app: Flask, state: Platform) -> None:
    @app.get("/api/v1/datasets")
    def datasets() -> ResponseReturnValue:
        return page([{"name": one["dataset"], "versions": one["version"], "latest": one} for one in state.versions[-1:]])

    @app.get("/api/v1/datasets/<name>/versions/<n>/documents")
    def documents(name: str, n: str) -> ResponseReturnValue:
        return page([{"index": 0, "path": "a", "bytes": 1, "text": "a"}])

    @app.route("/api/v1/tokenizers", methods=["GET", "POST"])
    def tokenizers() -> ResponseReturnValue:
        if request.method == "GET":
            return page(state.tokenizers)
        number = len(state.tokenizers) + 1
        made = {"id": f"tok_{number}", "version": number, "state": "training", "progress": 0.0, "reason": "", **request.get_json()}
        state.tokenizers.append(made | {"state": "ready", "bytes_per_token": 3.5})
        return made, 201

    @app.get("/api/v1/tokenizers/<name>/versions/<int:n>")
    def tokenizer(name: str, n: int) -> ResponseReturnValue:
        return dict(state.tokenizers[n - 1])


def add_runs(app: Flask, state: Platform) -> None:
    @app.route("/api/v1/runs", methods=["GET", "POST"])
    def runs() -> ResponseReturnValue:
        if request.method == "GET":
            return page(list(state.runs.values()))
        spec, key = request.get_json(), request.headers["Idempotency-Key"]
        if "trian" in spec:
            errors = [{"field": "trian", "message": "unknown field; did you mean 'train'?"}]
            return problem(422, "invalid-field", "trian: unknown field; did you mean 'train'?", errors=errors)
        if key not in state.created:
            state.created[key] = f"run_{len(state.runs) + 1}"
            state.runs[state.created[key]] = new_run(state.created[key], spec)
        return state.runs[state.created[key]] | {"warnings": state.warnings}, 201

    @app.route("/api/v1/runs/<run_id>", methods=["GET", "DELETE"])
    def run(run_id: str) -> ResponseReturnValue:
        if run_id not in state.runs:
            return problem(404, "not-found", f"there is no run '{run_id}'", remedy="GET /api/v1/runs lists them")
        if request.method == "DELETE":
            if state.needed and request.args.get("force") != "true":
                return problem(409, "checkpoint-needed", f"its checkpoints are needed: {state.needed[0]}", remedy="delete it with force")
            del state.runs[run_id]
            return "", 204
        found = dict(state.runs[run_id])
        if changes := state.runs[run_id].get("script"):
            state.runs[run_id] |= changes.pop(0)
        return found

    @app.post("/api/v1/runs/<run_id>/commands")
    def command(run_id: str) -> ResponseReturnValue:
        return {"command_id": "cmd_1", "type": request.get_json()["type"], "state": "requested"}, 202

    @app.get("/api/v1/runs/<run_id>/commands")
    def commands(run_id: str) -> ResponseReturnValue:
        return page(state.commands)

    @app.post("/api/v1/runs/<run_id>/<any(fork, replay):how>")
    def descend(run_id: str, how: str) -> ResponseReturnValue:
        return new_run(f"{run_id}_{how}", state.runs[run_id].get("spec", {})), 201


def add_history(app: Flask, state: Platform) -> None:
    @app.get("/api/v1/runs/<run_id>/metrics")
    def metrics(run_id: str) -> ResponseReturnValue:
        names = request.args["names"].split(",")
        return {"series": [one for one in state.series if one["name"] in names]}

    @app.get("/api/v1/runs/<run_id>/events")
    def events(run_id: str) -> ResponseReturnValue:
        return page([one for one in state.events if one["event"]["type"] == request.args.get("type")])

    @app.get("/api/v1/runs/<run_id>/checkpoints")
    def checkpoints(run_id: str) -> ResponseReturnValue:
        return page(state.checkpoints)


def new_run(run_id: str, spec: dict[str, Any]) -> dict[str, Any]:
    progress = {"step": 0, "steps": spec.get("train", {}).get("steps", 0), "tokens": 0, "loss": None}
    made = {"id": run_id, "name": spec.get("name", ""), "state": "queued", "reason": "preparing the dataset: 43 %", "spec": spec}
    return made | {"attempts": [], "progress": progress, "summary": {}, "created_at": "2026-01-01T00:00:00+00:00"}


def add_rest(app: Flask, state: Platform) -> None:
    @app.get("/api/openapi.json")
    def openapi() -> ResponseReturnValue:
        return {"openapi": "3.1.0"}

    @app.get("/groundup/")
    def dashboard() -> ResponseReturnValue:
        """As of a server whose bucket has another name: its gateway answers with the dashboard."""
        return "<!doctype html><title>Groundup</title>"

    @app.get("/api/v1/me")
    def me() -> ResponseReturnValue:
        return {"name": "tester", "role": state.role}

    @app.post("/api/v1/ws-tickets")
    def ticket() -> ResponseReturnValue:
        return {"ticket": "x", "expires_in": 30}

    @app.post("/api/v1/login-links")
    def link() -> ResponseReturnValue:
        return {"url": f"{state.url}/login?code=1", "expires_in": 600}, 201

    @app.get("/api/v1/workers")
    def workers() -> ResponseReturnValue:
        return page(state.workers)

    @app.post("/api/v1/generate")
    def generate() -> ResponseReturnValue:
        body = request.get_json()
        if body.get("stream"):
            return Response(streamed(), content_type="text/event-stream")
        output = {"text": f"main({body.get('seed')})", "tokens": [1], "logprobs": [-0.1], "finish_reason": "length"}
        return {"checkpoint_id": "ckp_1", "step": 9, "seed": 1, "outputs": [output]}


def streamed() -> Iterator[str]:
    yield ": hello\n\n"
    for text in ("ma", "in"):
        yield f"data: {json.dumps({'kind': 'token', 'index': 0, 'text': text, 'token': 1, 'logprob': -0.5})}\n\n"
    yield 'data: {"kind": "end", "index": 0, "text": "()", "finish_reason": "length"}\n\ndata: {"kind": "done"}\n\n'
