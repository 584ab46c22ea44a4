"""The api service with all that a test needs around it: a clock to turn, an obedient storage, a worker's mouth."""

from dataclasses import dataclass, field
from typing import Any

from flask_openapi3.openapi import OpenAPI
from sqlalchemy import select, text

from services.api.models import OutboxRow
from services.api.placement import Placed, place
from services.api.preparing import Preparing
from services.api.reconcile import reconcile
from serving.database import Database
from shared.conversation import CheckpointRef
from shared.errors import Conflict, GroundupError, InvalidField
from shared.internal import DatasetRef, Located, Prepared, PrepareRequest, Resolved, ResolveRequest, TokenizerRef
from shared.names import PROTOCOL
from shared.storage_client import Capacity, StorageClient, StoredCheckpoint, VerifiedCheckpoint
from tests.conftest import JOIN_SECRET, headers

WORKER = {"Authorization": f"Bearer {JOIN_SECRET}"}
SPEC: dict[str, Any] = {
    "name": "tiny",
    "dataset": "novels",
    "train": {"steps": 100, "batch_size": 12, "schedule": {"warmup_steps": 0}},
    "compute": {"processes_per_node": 1},
}
NOTHING: dict[str, Any] = {"assignments": [], "commands": [], "cancelled": [], "preempted": [], "emergency": None}
"""What a heartbeat is answered while there is nothing to say."""


class FakeStorage(StorageClient):
    """One dataset and one tokenizer; `prepared` is what it says of their tokens."""

    def __init__(self) -> None:
        self.bytes = 1_000_000
        self.prepared: Prepared | GroundupError = Prepared(id="prep_1", state="ready", progress=1.0, tokens=1_000_000)
        self.deleted: list[str] = []
        self.fault: GroundupError | None = None
        self.disk_free: int | None = None
        self.used: int | None = None
        self.damage: dict[str, list[str]] = {}
        self.unsure: dict[str, list[str]] = {}
        self.stored: list[StoredCheckpoint] = []
        self.deleted_checkpoints: list[str] = []

    def resolve(self, request: ResolveRequest) -> Resolved:
        if self.fault:
            raise self.fault
        if not request.dataset.startswith("novels"):
            raise InvalidField("dataset", f"there is no dataset '{request.dataset}'")
        tokenizer = TokenizerRef(id="tok_byte", name=request.tokenizer, version=1, vocab_size=257, bytes_per_token=1.0)
        return Resolved(dataset=DatasetRef(id="ds_1", name="novels", version=3, bytes=self.bytes), tokenizer=tokenizer)

    def prepare(self, request: PrepareRequest) -> Prepared:
        if isinstance(self.prepared, GroundupError):
            raise self.prepared
        return self.prepared

    def presign_checkpoint(self, checkpoint: CheckpointRef) -> list[Located]:
        return [Located(name=file.name, bytes=file.bytes, sha256=file.sha256, url=f"http://s3/{file.name}") for file in checkpoint.files]

    def delete_run_objects(self, run_id: str) -> None:
        if self.fault:
            raise self.fault
        self.deleted.append(run_id)

    def capacity(self) -> Capacity:
        if self.fault:
            raise self.fault
        return Capacity(disk_free_bytes=self.disk_free, used_bytes=self.used)

    def verify_checkpoint(self, checkpoint: CheckpointRef) -> VerifiedCheckpoint:
        """`damage`, `unsure`: by checkpoint."""
        if self.fault:
            raise self.fault
        return VerifiedCheckpoint(damage=self.damage.get(checkpoint.id, []), unsure=self.unsure.get(checkpoint.id, []))

    def stored_checkpoints(self) -> list[StoredCheckpoint]:
        return list(self.stored)

    def delete_checkpoint_objects(self, run_id: str, checkpoint_id: str, *, changed_before: float | None = None) -> None:
        if self.fault:
            raise self.fault
        for stored in self.stored:
            if stored.checkpoint_id == checkpoint_id and changed_before is not None and stored.changed_at >= changed_before:
                raise Conflict("it has changed meanwhile")
        self.stored = [stored for stored in self.stored if stored.checkpoint_id != checkpoint_id]
        self.deleted_checkpoints.append(checkpoint_id)


@dataclass
class Clock:
    now: float = 1_700_000_000.0


@dataclass
class Stage:
    app: OpenAPI
    database: Database
    storage: FakeStorage
    lease_seconds: float
    clock: Clock
    http: Any = field(init=False)

    def __post_init__(self) -> None:
        self.http = self.app.test_client(use_cookies=False)

    @property
    def now(self) -> float:
        return self.clock.now

    @now.setter
    def now(self, value: float) -> None:
        self.clock.now = value

    # --- a person -------------------------------------------------------------------------------------------------------------

    def submit(self, **changes: Any) -> Any:
        """A run, queued. `processes`, `priority` and `device` go into its compute section."""
        compute = {"processes_per_node": changes.pop("processes", 1), "device": changes.pop("device", "auto")}
        compute["priority"] = changes.pop("priority", 50)
        answer = self.http.post("/api/v1/runs", json={**SPEC, **changes, "compute": compute}, headers=headers("editor"))
        assert answer.status_code == 201, answer.json
        return answer.json

    def command(self, run_id: str, kind: str) -> Any:
        return self.http.post(f"/api/v1/runs/{run_id}/commands", json={"type": kind}, headers=headers("editor"))

    def drain(self, worker: str, drain: object = True, role: str = "admin") -> Any:
        return self.http.post(f"/api/v1/workers/{worker}/drain", json={"drain": drain}, headers=headers(role))

    def pause(self, reason: str, role: str = "admin") -> Any:
        return self.http.post("/api/v1/queue/pause", json={"reason": reason}, headers=headers(role))

    def reopen(self, role: str = "admin") -> Any:
        return self.http.delete("/api/v1/queue/pause", headers=headers(role))

    def share(self, project: str, weight: object, role: str = "admin") -> Any:
        return self.http.put(f"/api/v1/projects/{project}/share", json={"weight": weight}, headers=headers(role))

    def run(self, run_id: str) -> Any:
        return self.get(f"/api/v1/runs/{run_id}")

    def get(self, path: str, role: str = "viewer") -> Any:
        answer = self.http.get(path, headers=headers(role))
        assert answer.status_code == 200, answer.text
        return answer.json

    def events(self, topic: str) -> list[dict[str, Any]]:
        with self.database.reading() as session:
            rows = session.scalars(select(OutboxRow).where(OutboxRow.topic == topic).order_by(OutboxRow.seq)).all()
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1)), "the outbox has a hole"
        return [row.event for row in rows]

    # --- a worker -------------------------------------------------------------------------------------------------------------

    def beat(self, worker: str = "w1", slots: int = 2, **fields: Any) -> Any:
        """`device` of the slots, and fields of the message."""
        device = fields.pop("device", "cpu")
        reports = [{"id": f"{worker}/{device}{index}", "device": device, "name": "a slot"} for index in range(slots)]
        body = {"protocol": PROTOCOL, "instance": "one", "host": worker, "slots": reports, "attempts": [], **fields}
        return self.http.post(f"/internal/workers/{worker}/heartbeat", json=body, headers=WORKER)

    def claim(self, attempt_id: str, worker: str = "w1", instance: str = "one") -> Any:
        body = {"worker": worker, "instance": instance}
        return self.http.post(f"/internal/attempts/{attempt_id}/claim", json=body, headers=WORKER)

    def report(self, attempt_id: str, fence: int, state: str, *, worker: str = "w1", **fields: Any) -> Any:
        body = {"worker": worker, "fence": fence, "state": state, **fields}
        return self.http.post(f"/internal/attempts/{attempt_id}/state", json=body, headers=WORKER)

    def commit(self, attempt_id: str, fence: int, checkpoint_id: str, step: int, **metrics: float) -> Any:
        """`val_loss`, and `bytes` of its one file."""
        files = [{"name": "model.safetensors", "bytes": int(metrics.get("bytes", 10)), "sha256": "0" * 64}]
        values = {"val/loss": metrics.get("val_loss", 2.5)}
        body = {"fence": fence, "checkpoint_id": checkpoint_id, "step": step, "tokens": step * 256, "metrics": values}
        return self.http.post(f"/internal/attempts/{attempt_id}/checkpoints", json={**body, "files": files}, headers=WORKER)

    # --- the scheduler --------------------------------------------------------------------------------------------------------

    def is_waited_for(self) -> bool:
        """Whether somebody waits for a lock of PostgreSQL. On SQLite, which has the one, nobody is asked."""
        if self.database.url.startswith("sqlite"):
            return True
        with self.database.reading() as session:
            return bool(session.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")))

    def place(self) -> list[Placed]:
        Preparing(self.database, self.storage).step(self.now)
        return place(self.database, now=self.now, lease_seconds=self.lease_seconds)

    def reconcile(self) -> None:
        reconcile(self.database, now=self.now, lease_seconds=self.lease_seconds)

    def running(self, **changes: Any) -> tuple[Any, str, int]:
        """A run that trains on w1: (run, its attempt's id, its fence)."""
        run = self.submit(**changes)
        self.beat()
        (placed,) = self.place()
        fence = self.claim(placed.attempt_id).json["fence"]
        assert self.report(placed.attempt_id, fence, "running").status_code == 204
        return run, placed.attempt_id, fence
