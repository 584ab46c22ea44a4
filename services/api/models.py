"""The tables of the api service. Times are seconds since the epoch, UTC."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from serving.idempotency import IdempotencyColumns

Json = dict[str, Any]


class Base(DeclarativeBase):
    type_annotation_map = {str: String(200), float: Float(53), Json: JSON, list[Json]: JSON}  # noqa: RUF012  (SQLAlchemy's own idiom)


class Run(Base):
    """`fence` is the highest one given to an attempt of this run; `attempt_count` numbers them. `wish`: how a stopping run is to end.
    `fruitless`: attempts in a row that failed without having committed a new checkpoint. `not_before`: until then it is not tried again.
    """

    __tablename__ = "runs"
    __table_args__ = (Index("runs_by_state", "state"), Index("runs_by_age", "created_at", "id"))
    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    project: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str] = mapped_column(Text, default="")
    wish: Mapped[str] = mapped_column(default="")
    created_at: Mapped[float]
    created_by: Mapped[str]
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]
    spec: Mapped[Json]
    resolved: Mapped[Json]
    prepared_id: Mapped[str | None]
    priority: Mapped[int]
    processes: Mapped[int]
    device: Mapped[str]
    fence: Mapped[int] = mapped_column(default=0)
    attempt_count: Mapped[int] = mapped_column(default=0)
    fruitless: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[float | None]
    current_attempt_id: Mapped[str | None]
    step: Mapped[int] = mapped_column(default=0)
    tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    loss: Mapped[float | None]
    tokens_per_second: Mapped[float | None]
    summary: Mapped[Json] = mapped_column(default=dict)


class Attempt(Base):
    """One try at a run. `state`: placed, claimed, running, then how it ended: succeeded, failed, stopped, killed or lost.

    `slots` are SlotReports as they were when it was placed; `fence` and `instance` are set by the claim.
    """

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("run_id", "number"), Index("attempts_by_worker", "worker", "ended_at"))
    id: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    number: Mapped[int]
    state: Mapped[str]
    worker: Mapped[str]
    instance: Mapped[str | None]
    fence: Mapped[int | None]
    slots: Mapped[list[Json]]
    reason: Mapped[str] = mapped_column(Text, default="")
    resume_step: Mapped[int] = mapped_column(default=0)
    placed_at: Mapped[float]
    hinted: Mapped[bool] = mapped_column(default=False)
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]


class Worker(Base):
    """`draining`: a person wants nothing new placed on it; its state does not matter."""

    __tablename__ = "workers"
    name: Mapped[str] = mapped_column(primary_key=True)
    instance: Mapped[str]
    host: Mapped[str]
    state: Mapped[str]
    started_at: Mapped[float]
    last_heartbeat: Mapped[float | None]
    draining: Mapped[bool] = mapped_column(default=False, server_default=false())


class Slot(Base):
    """Free where `attempt_id` is null. No foreign key to the attempt: only placement and the end of an attempt write it."""

    __tablename__ = "slots"
    __table_args__ = (Index("slots_by_worker", "worker"), Index("slots_by_attempt", "attempt_id"))
    id: Mapped[str] = mapped_column(primary_key=True)
    worker: Mapped[str] = mapped_column(ForeignKey("workers.name"))
    device: Mapped[str]
    name: Mapped[str]
    attempt_id: Mapped[str | None]


class Command(Base):
    """`state`: requested, accepted (told to the worker), applied or rejected."""

    __tablename__ = "commands"
    __table_args__ = (Index("commands_by_run", "run_id"), Index("commands_by_state", "state"))
    id: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    type: Mapped[str]
    state: Mapped[str]
    step: Mapped[int | None]
    ranks: Mapped[int | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    by: Mapped[str]
    created_at: Mapped[float]
    hinted: Mapped[bool] = mapped_column(default=False)


class Checkpoint(Base):
    """`damaged_at`: found wrong, and not offered. `damage_confirmed_at`: storage read it and it differs, so retention leaves it out.
    `looked_at`: storage was asked last. `expires_at`: nothing keeps it, and then it goes. `deleted_by`: it is being deleted.
    """

    __tablename__ = "checkpoints"
    __table_args__ = (
        Index("checkpoints_by_run", "run_id", "step"),
        Index("checkpoints_by_age", "created_at", "id"),
        Index("checkpoints_by_expiry", "expires_at"),
        Index("checkpoints_by_deletion", "deleted_by"),
        Index("checkpoints_by_verification", "verified_at"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id"))
    attempt: Mapped[int]
    fence: Mapped[int]
    step: Mapped[int]
    tokens: Mapped[int] = mapped_column(BigInteger)
    metrics: Mapped[Json]
    bytes: Mapped[int] = mapped_column(BigInteger)
    files: Mapped[list[Json]]
    created_at: Mapped[float]
    verified_at: Mapped[float | None]
    damaged_at: Mapped[float | None]
    damage_confirmed_at: Mapped[float | None]
    looked_at: Mapped[float | None]
    damage: Mapped[str] = mapped_column(Text, default="", server_default="")
    pinned_at: Mapped[float | None]
    pinned_by: Mapped[str | None]
    expires_at: Mapped[float | None]
    deleted_by: Mapped[str | None]
    delete_reason: Mapped[str] = mapped_column(Text, default="", server_default="")

    @property
    def usable(self) -> bool:
        return self.damaged_at is None and self.deleted_by is None

    @property
    def counts(self) -> bool:
        return self.damage_confirmed_at is None and self.deleted_by is None


class CheckpointAlias(Base):
    """A name for one checkpoint of a project, which may move to another."""

    __tablename__ = "checkpoint_aliases"
    __table_args__ = (Index("aliases_by_checkpoint", "checkpoint_id"),)
    project: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    checkpoint_id: Mapped[str] = mapped_column(ForeignKey("checkpoints.id"))
    moved_at: Mapped[float]
    moved_by: Mapped[str]


class DeletedCheckpoint(Base):
    """What is left of one: its id, so that a repeated commit does not bring it back without its objects."""

    __tablename__ = "deleted_checkpoints"
    __table_args__ = (Index("deleted_checkpoints_by_run", "run_id"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str]
    attempt_id: Mapped[str]
    deleted_at: Mapped[float]


class StorageLevel(Base):
    """One row: what was told last of the room that is left."""

    __tablename__ = "storage_level"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    level: Mapped[str]
    message: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[float]


class Token(Base):
    """`kind`: token (a bearer token, whose `name` is its principal's and unique) or session (a browser's, of that principal)."""

    __tablename__ = "tokens"
    __table_args__ = (Index("tokens_by_name", "name"),)
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[float]
    created_by: Mapped[str]
    expires_at: Mapped[float | None]
    last_used_at: Mapped[float | None]


class LoginCode(Base):
    __tablename__ = "login_codes"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    expires_at: Mapped[float]
    used_at: Mapped[float | None]


class AuditRow(Base):
    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[float]
    who: Mapped[str]
    role: Mapped[str]
    method: Mapped[str]
    path: Mapped[str] = mapped_column(Text)
    status: Mapped[int]


class OutboxRow(Base):
    """An event of the platform on its way to Redis. Sent rows stay, so that an emptied Redis can be told again."""

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_by_sent_at", "sent_at"),)
    topic: Mapped[str] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float]
    event: Mapped[Json]
    sent_at: Mapped[float | None]


class OutboxCounter(Base):
    __tablename__ = "outbox_counters"
    topic: Mapped[str] = mapped_column(primary_key=True)
    last: Mapped[int]


class IdempotencyKey(IdempotencyColumns, Base):
    __tablename__ = "idempotency_keys"
