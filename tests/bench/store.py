"""A store and an api for benches of the trainer alone: objects in a folder behind HTTP, commits as lines of a file. They outlive whoever
is killed while it speaks to them.
"""

import contextlib
import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from shared.api_client import ApiClient
from shared.conversation import CheckpointCommit, CheckpointDamage, CheckpointMetrics, CheckpointRef, StateReport
from shared.errors import InvalidField, NotFound
from shared.internal import CheckpointUpload, Located, PutUrl, UploadUrls
from shared.storage_client import StorageClient


class _Objects(BaseHTTPRequestHandler):
    folder: Path

    def do_PUT(self) -> None:
        size, path = int(self.headers["Content-Length"]), self.folder / self.path.strip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        torn = path.with_suffix(f"{path.suffix}.{threading.get_ident()}")
        content = self.rfile.read(size)
        if len(content) == size:  # who dies in the middle of it leaves no object
            torn.write_bytes(content)
            torn.replace(path)
            self._answer(200, b"")

    def do_GET(self) -> None:
        path = self.folder / self.path.strip("/")
        self._answer(*((200, path.read_bytes()) if path.is_file() else (404, b"")))

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_ignored: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def object_store(folder: Path) -> Iterator[str]:
    """Its address."""
    folder.mkdir(parents=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Objects", (_Objects,), {"folder": folder}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Storage(StorageClient):
    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder

    def start_checkpoint_upload(self, upload: CheckpointUpload) -> UploadUrls:
        return UploadUrls(puts=[PutUrl(name=file.name, url=f"{self.url}/{upload.checkpoint_id}/{file.name}") for file in upload.files])

    def complete_checkpoint_upload(self, upload: CheckpointUpload) -> None:
        for file in upload.files:
            if hashlib.sha256((self.folder / upload.checkpoint_id / file.name).read_bytes()).hexdigest() != file.sha256:
                raise InvalidField("files", f"{file.name} arrived damaged")

    def presign_checkpoint(self, checkpoint: CheckpointRef) -> list[Located]:
        return [Located(**file.model_dump(), url=f"{self.url}/{checkpoint.id}/{file.name}") for file in checkpoint.files]


class Commits(ApiClient):
    """Of one run. A line in one write is there or is not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damages: list[CheckpointDamage] = []

    def report_state(self, attempt_id: str, report: StateReport) -> None:
        """Nobody asks."""

    def commit_checkpoint(self, attempt_id: str, commit: CheckpointCommit) -> None:
        with self.path.open("a") as file:
            file.write(commit.model_dump_json() + "\n")

    def report_metrics(self, attempt_id: str, metrics: CheckpointMetrics) -> None:
        if metrics.step not in {checkpoint.step for checkpoint in self.newest_first()}:
            raise NotFound(f"no checkpoint of step {metrics.step}")
        with self.path.with_suffix(".metrics").open("a") as file:
            file.write(metrics.model_dump_json() + "\n")

    def measured(self) -> dict[int, dict[str, float]]:
        """What is known of each step's checkpoints, from commits and afterwards."""
        found: dict[int, dict[str, float]] = {}
        for path in (self.path, self.path.with_suffix(".metrics")):
            for line in map(json.loads, path.read_text().splitlines() if path.exists() else []):
                found.setdefault(line["step"], {}).update(line["metrics"])
        return found

    def report_damage(self, attempt_id: str, damage: CheckpointDamage) -> None:
        self.damages.append(damage)

    def newest_first(self) -> list[CheckpointRef]:
        lines = [json.loads(line) for line in self.path.read_text().splitlines()] if self.path.exists() else []
        lines.sort(key=lambda line: (line["step"], line["fence"]), reverse=True)
        return [
            CheckpointRef.model_validate({"id": line["checkpoint_id"], "run_id": "run_a", **{k: line[k] for k in ("step", "files")}})
            for line in lines
        ]
