"""The services around an agent under test: an api and a storage in memory, with a real S3 endpoint behind them."""

import hashlib
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
import psutil
import redis
from botocore.config import Config

from services.trainer.agent import Agent
from services.trainer.children import MARK
from services.trainer.host import Command, Host
from services.trainer.settings import AgentSettings
from services.trainer.shipper import Shipper
from services.trainer.transfers import store_client
from shared import bus
from shared.api_client import ApiClient
from shared.conversation import (
    CheckpointCommit,
    CheckpointDamage,
    CheckpointMetrics,
    CheckpointRef,
    Claim,
    ClaimRequest,
    CommandOrder,
    EmergencyOrder,
    Heartbeat,
    HeartbeatReply,
    Preemption,
    SlotReport,
    StateReport,
)
from shared.errors import EnvironmentFault, NotFound, Stale
from shared.internal import CheckpointUpload, FileRef, Located, PutUrl, TokenShards, UploadUrls
from shared.settings import Settings
from shared.storage_client import StorageClient
from shared.training_events import StepCompleted
from tests.servers import S3Endpoint
from tests.streams import read_entry

ATTEMPT = f"att_1{os.environ.get('PYTEST_XDIST_WORKER', '')}"
"""Its own in each process of tests: an agent ends whatever on this host carries the attempt's mark."""
SLOTS = [SlotReport(id=f"host/cpu{index}", device="cpu", name="cpu") for index in range(2)]
TRAIN = {"steps": 40, "batch_size": 4, "schedule": {"warmup_steps": 1}, "checkpoint": {"keep_last": 9}}
SPEC = {"name": "tiny", "dataset": "words", "train": TRAIN}


@dataclass
class FakeApi(ApiClient):
    """Assigns one attempt, remembers what it is told."""

    claim_of: dict[str, Claim] = field(default_factory=dict)
    beats: list[Heartbeat] = field(default_factory=list)
    states: list[StateReport] = field(default_factory=list)
    commits: list[CheckpointCommit] = field(default_factory=list)
    measured: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    damages: list[CheckpointDamage] = field(default_factory=list)
    commands: list[CommandOrder] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    preempted: list[Preemption] = field(default_factory=list)
    emergency: EmergencyOrder | None = None
    down: bool = False
    stale: bool = False
    refusals: dict[str, Exception] = field(default_factory=dict)

    def heartbeat(self, worker: str, report: Heartbeat) -> HeartbeatReply:
        self._answer()
        self.beats.append(report)
        final = any(state.state != "running" for state in self.states)
        return HeartbeatReply(
            assignments=[] if final else list(self.claim_of),
            commands=self.commands,
            cancelled=self.cancelled,
            preempted=self.preempted,
            emergency=self.emergency,
        )

    def claim(self, attempt_id: str, request: ClaimRequest) -> Claim:
        self._answer()
        return self.claim_of[attempt_id]

    def report_state(self, attempt_id: str, report: StateReport) -> None:
        self._answer()
        if refusal := self.refusals.get(report.state):
            raise refusal
        if self.stale and report.state != "running":
            raise Stale("another attempt has taken over")
        self.states.append(report)

    def commit_checkpoint(self, attempt_id: str, commit: CheckpointCommit) -> None:
        self._answer()
        if self.stale:
            raise Stale("another attempt has taken over")
        if commit.checkpoint_id not in {known.checkpoint_id for known in self.commits}:
            self.commits.append(commit)

    def report_metrics(self, attempt_id: str, metrics: CheckpointMetrics) -> None:
        self._answer()
        if refusal := self.refusals.get("metrics"):
            raise refusal
        if metrics.step not in {commit.step for commit in self.commits}:
            raise NotFound(f"no checkpoint of step {metrics.step}")
        self.measured.append((metrics.step, metrics.metrics))

    def report_damage(self, attempt_id: str, damage: CheckpointDamage) -> None:
        self._answer()
        if refusal := self.refusals.get("damaged"):
            raise refusal
        self.damages.append(damage)

    def _answer(self) -> None:
        if self.down:
            raise EnvironmentFault("the api does not answer")


class FakeStorage(StorageClient):
    """Presigns for a real S3 endpoint. `refusal` is the answer to every upload; checkpoints in `unreadable` get wrong signatures."""

    def __init__(self, endpoint: S3Endpoint) -> None:
        self.s3 = boto3.client(
            "s3",
            endpoint_url=endpoint.url,
            region_name="us-east-1",
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
            aws_access_key_id=endpoint.access_key,
            aws_secret_access_key=endpoint.secret_key,
        )
        self.completed: list[CheckpointUpload] = []
        self.refusal: Exception | None = None
        self.unreadable: set[str] = set()
        self.down = False

    def place(self, name: str, content: bytes, *, told: bytes | None = None) -> Located:
        """Store an object; with `told`, say that it should have been that."""
        key = f"{hashlib.sha256(content).hexdigest()}-{name}"
        self.s3.put_object(Bucket="groundup", Key=key, Body=content)
        promised = content if told is None else told
        return Located(name=name, bytes=len(promised), sha256=hashlib.sha256(promised).hexdigest(), url=self._url("get_object", key))

    def token_shards(self, prepared_id: str) -> TokenShards:
        if self.down:
            raise EnvironmentFault("storage does not answer")
        shards = [self.place("shard-0", b"\x01\x00" * 50), self.place("shard-1", b"\x02\x00" * 50)]
        tokenizer = self.place("tokenizer.json", b"{}")
        return TokenShards(
            dtype="uint16", tokens=100, vocab_size=3, end_of_text=0, token_bytes=[0, 1, 1], shards=shards, tokenizer=tokenizer
        )

    def start_checkpoint_upload(self, upload: CheckpointUpload) -> UploadUrls:
        if self.refusal:
            raise self.refusal
        return UploadUrls(puts=[PutUrl(name=file.name, url=self._url("put_object", self._key(upload, file))) for file in upload.files])

    def complete_checkpoint_upload(self, upload: CheckpointUpload) -> None:
        for file in upload.files:
            assert hashlib.sha256(self.read(self._key(upload, file))).hexdigest() == file.sha256
        self.completed.append(upload)

    def presign_checkpoint(self, checkpoint: CheckpointRef) -> list[Located]:
        def located(file: FileRef) -> Located:
            url = self._url("get_object", f"{checkpoint.id}/{file.name}")
            return Located(**file.model_dump(), url=url.split("?")[0] if checkpoint.id in self.unreadable else url)

        return [located(file) for file in checkpoint.files]

    def add_checkpoint(self, checkpoint_id: str, step: int, content: bytes, *, told: bytes | None = None) -> CheckpointRef:
        self.s3.put_object(Bucket="groundup", Key=f"{checkpoint_id}/model.safetensors", Body=content)
        promised = content if told is None else told
        file = FileRef(name="model.safetensors", bytes=len(promised), sha256=hashlib.sha256(promised).hexdigest())
        return CheckpointRef(id=checkpoint_id, run_id="run_a", step=step, tokens=7 * step, files=[file])

    def read(self, key: str) -> bytes:
        with self.s3.get_object(Bucket="groundup", Key=key)["Body"] as body:
            return bytes(body.read())

    def _key(self, upload: CheckpointUpload, file: FileRef) -> str:
        return f"{upload.checkpoint_id}/{file.name}"

    def _url(self, method: str, key: str) -> str:
        return str(self.s3.generate_presigned_url(method, Params={"Bucket": "groundup", "Key": key}))


def make_claim(attempt_id: str = ATTEMPT, *, checkpoints: Sequence[CheckpointRef] = (), **changes: object) -> Claim:
    resolved = {
        "dataset": {"id": "d", "name": "words", "version": 1, "bytes": 10},
        "tokenizer": {"id": "t", "name": "byte", "version": 1, "vocab_size": 3, "bytes_per_token": 1.0},
    }
    facts = {"run_id": "run_a", "attempt_id": attempt_id, "attempt": 1, "fence": 7, "spec": SPEC, "resolved": resolved, "prepared_id": "p"}
    return Claim.model_validate(facts | changes | {"slots": SLOTS, "checkpoints": list(checkpoints)})


@dataclass
class Platform:
    host: Host
    agent: Agent
    api: FakeApi
    storage: FakeStorage
    client: redis.Redis

    def events(self, topic: str = "run_a") -> list[Any]:
        return [record.event for record in self.records(topic)]

    def records(self, topic: str = "run_a") -> list[Any]:
        entries: Any = self.client.xrange(bus.stream_key(topic))
        return [read_entry(entry_id, fields, "e") for entry_id, fields in entries]

    def final(self) -> StateReport | None:
        return next((state for state in self.api.states if state.state != "running"), None)


@contextmanager
def platform(
    settings: Settings, storage: FakeStorage, command: Command, *, heartbeat: float = 0.2, grace: float = 5, hang: float = 600
) -> Iterator[Platform]:
    """An agent in this process, not started yet."""
    environ = {"GROUNDUP_WORKER_NAME": "tester", "GROUNDUP_GRACE_SECONDS": str(grace), "GROUNDUP_AGENT_PORT": "8"}
    environ["GROUNDUP_HANG_SECONDS"] = str(hang)
    own = AgentSettings.read(environ, settings.data_dir)
    own.folder.mkdir(parents=True)
    wake, api = threading.Event(), FakeApi()
    with store_client() as http, bus.connect(settings.redis_url) as client:
        shipper = Shipper(client)
        host = Host(own, "instance-1", api, storage, http, shipper, {"PATH": "/usr/bin:/bin"}, 1, command, wake.set)
        agent = Agent(host, SLOTS, wake, heartbeat)
        yield Platform(host, agent, api, storage, client)
        storage.s3.close()


@contextmanager
def running(stage: Platform) -> Iterator[Platform]:
    """The agent at work; it is stopped at the end, whatever happened."""
    stage.host.attempts_folder.mkdir(parents=True, exist_ok=True)
    stage.host.shipper.start()
    thread = threading.Thread(target=stage.agent.run)
    thread.start()
    try:
        yield stage
    finally:
        stage.agent.stop()
        thread.join(30)
        stage.host.shipper.stop()
        assert not thread.is_alive()


def fake_command(mode: str) -> Command:
    return lambda root, processes, attempt_id: [sys.executable, "-m", "tests.trainer.fake_child", str(root), str(processes), mode]


Start = Callable[..., Platform]
"""See the fixture `start`."""


def processes_of(attempt_id: str) -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == attempt_id and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def steps(stage: Platform) -> list[int]:
    return [event.step for event in stage.events() if isinstance(event, StepCompleted)]


def under_way(stage: Platform) -> bool:
    """Both ranks are up, and some steps have arrived."""
    pids = stage.host.attempts_folder / ATTEMPT / "pids"
    return len(list(pids.glob("rank*"))) == 2 and len(steps(stage)) > 5


def pid_of(stage: Platform, rank: int) -> int:
    return int((stage.host.attempts_folder / ATTEMPT / "pids" / f"rank{rank}").read_text())
