"""A real agent process, which can be killed and started anew, between an api and a storage in memory that it reaches over HTTP.

`python -m tests.trainer.lone_agent <mode>` is that process; its children are fakes in the given mode.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import redis
from pydantic import BaseModel

from services.trainer import agent, main_agent
from services.trainer.children import kill_marked
from services.trainer.rundir import RunDirectory
from shared import bus
from shared.conversation import CheckpointCommit, CheckpointRef, ClaimRequest, Heartbeat, StateReport
from shared.errors import GroundupError, NotFound
from shared.events import AnyEvent, Record
from shared.internal import CheckpointUpload
from shared.settings import Settings
from shared.storage_client import LocatedFiles
from shared.training_events import LogWritten, StepCompleted
from tests.servers import S3Endpoint, free_port, wait_until
from tests.streams import read_entry
from tests.trainer.platform import FakeApi, FakeStorage, fake_command, make_claim, processes_of


@dataclass
class Stage:
    """`attempt_id` is of this test alone: another's processes are not to be ended with it."""

    attempt_id: str
    api: FakeApi
    storage: FakeStorage
    client: redis.Redis
    environ: dict[str, str]
    folder: Path
    mode: str
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def directory(self) -> RunDirectory:
        return RunDirectory(self.folder / "attempts" / self.attempt_id)

    def start_agent(self) -> None:
        self.process = subprocess.Popen([sys.executable, "-m", "tests.trainer.lone_agent", self.mode], env=self.environ)

    def end_agent(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(30)

    def wait_until_under_way(self) -> None:
        wait_until(lambda: len(list((self.directory.root / "pids").glob("rank*"))) == 2 and len(self.steps()) > 5, "training")

    def processes(self) -> list[int]:
        return sorted(processes_of(self.attempt_id))

    def records(self) -> list[Record]:
        entries: Any = self.client.xrange(bus.stream_key("run_a"))
        return [read_entry(entry_id, fields, "e") for entry_id, fields in entries]

    def events(self, *types: type[AnyEvent]) -> list[Any]:
        return [record.event for record in self.records() if isinstance(record.event, types)]

    def steps(self) -> list[int]:
        return [event.step for event in self.events(StepCompleted)]

    def lines(self) -> list[str]:
        """Of the processes' logs."""
        return [line for event in self.events(LogWritten) if event.offset is not None for line in event.lines]

    def final(self) -> StateReport:
        wait_until(lambda: any(state.state != "running" for state in self.api.states), "the last report")
        return next(state for state in self.api.states if state.state != "running")


@contextlib.contextmanager
def stage(mode: str, settings: Settings, s3: S3Endpoint, **environ: str) -> Iterator[Stage]:
    """With its agent started. At the end nothing of it is left."""
    api, storage = FakeApi(), FakeStorage(s3)
    attempt_id = f"att_{os.getpid()}_{free_port()}"
    api.claim_of[attempt_id] = make_claim(attempt_id)
    with serving(api, storage) as url, bus.connect(settings.redis_url) as client:
        own = {
            "GROUNDUP_DATA_DIR": str(settings.data_dir),
            "GROUNDUP_REDIS_URL": settings.redis_url,
            "GROUNDUP_GATEWAY_SECRET": settings.gateway_secret,
            "GROUNDUP_JOIN_SECRET": settings.join_secret,
            "GROUNDUP_API_URL": url,
            "GROUNDUP_STORAGE_URL": url,
            "GROUNDUP_WORKER_NAME": "tester",
            "GROUNDUP_DEVICE": "cpu",
            "GROUNDUP_SLOTS": "2",
            "GROUNDUP_AGENT_PORT": str(free_port()),
            "GROUNDUP_HEARTBEAT_SECONDS": "0.2",
        }
        made = Stage(attempt_id, api, storage, client, {**os.environ, **own, **environ}, settings.data_dir / "worker" / "tester", mode)
        made.start_agent()
        try:
            yield made
        finally:
            if made.process:
                made.process.kill()
                made.process.wait()
            kill_marked(attempt_id)
            storage.s3.close()


@contextlib.contextmanager
def serving(api: FakeApi, storage: FakeStorage) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, api, storage))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, api: FakeApi, storage: FakeStorage, *arguments: Any) -> None:
        self.api, self.storage = api, storage
        super().__init__(*arguments)

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            answer = self._answer(body)
            status, told = 200, answer.model_dump_json().encode() if answer else b""
        except GroundupError as error:
            status, told = error.status, _Problem(**error.problem()).model_dump_json().encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def _answer(self, body: bytes) -> BaseModel | None:
        if match := re.fullmatch(r"/internal/prepared/(.+)", self.path):
            return self.storage.token_shards(match[1])
        for pattern, (call, expected) in _told(self.api, self.storage).items():
            if match := re.fullmatch(pattern, self.path):
                return call(*match.groups(), expected.model_validate_json(body))
        raise NotFound(self.path)

    def log_message(self, *_arguments: Any) -> None:
        """Quiet."""


class _Problem(BaseModel, extra="allow"):
    """Of any shape."""


def _told(api: FakeApi, storage: FakeStorage) -> dict[str, tuple[Callable[..., BaseModel | None], type[BaseModel]]]:
    return {
        r"/internal/workers/(.+)/heartbeat": (api.heartbeat, Heartbeat),
        r"/internal/attempts/(.+)/claim": (api.claim, ClaimRequest),
        r"/internal/attempts/(.+)/state": (api.report_state, StateReport),
        r"/internal/attempts/(.+)/checkpoints": (api.commit_checkpoint, CheckpointCommit),
        r"/internal/uploads": (storage.start_checkpoint_upload, CheckpointUpload),
        r"/internal/uploads/complete": (storage.complete_checkpoint_upload, CheckpointUpload),
        r"/internal/objects/presign": (lambda one: LocatedFiles(files=storage.presign_checkpoint(one)), CheckpointRef),
    }


if __name__ == "__main__":
    agent.SHIPPING_SECONDS = 1.0  # type: ignore[misc]
    command = fake_command(sys.argv[1])
    main_agent.torchrun = lambda _python, *what: command(*what)  # type: ignore[attr-defined]
    main_agent.main()
