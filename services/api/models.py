"""The tables of the api service. Times are seconds since the epoch, UTC."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from serving.audit import AuditColumns
from serving.idempotency import IdempotencyColumns

Json = dict[str, Any]


class Base(DeclarativeBase):
    type_annotation_map = {str: String(200), float: Float(53), Json: JSON, list[Json]: JSON}  # noqa: RUF012  (SQLAlchemy's own idiom)


class Run(Base):
    """`fence` is the highest one given to an attempt of this run; `attempt_count` numbers them. `wish`: how a stopping run is to end.
    `fruitless`: attempts in a row that failed without having committed a new checkpoint. `not_before`: until then it is not tried again.
    `failure`: what its last attempt died of (shared.failures.Failure), while that is of interest. `train`: the spec's section as it is now,
    null where nothing was changed. `origin_checkpoint_id`: another run's, from which a forked run begins (`parent_id` is that run; its
    checkpoint is kept while this may begin from it). `journal`: what a replay was given at birth; its own commands come after those.
    """

    __tablename__ = "runs"
    __table_args__ = (
        Index("runs_by_state", "state"),
        Index("runs_by_age", "created_at", "id"),
        Index("runs_by_origin", "origin_checkpoint_id"),
    )
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
    failure: Mapped[Json | None] = mapped_column(JSON(none_as_null=True))
    train: Mapped[Json | None] = mapped_column(JSON(none_as_null=True))
    parent_id: Mapped[str | None]
    origin_checkpoint_id: Mapped[str | None]
    origin_step: Mapped[int | None]
    replay_of: Mapped[str | None]
    journal: Mapped[list[Json]] = mapped_column(default=list, server_default="[]")


class Attempt(Base):
    """One try at a run. `state`: placed, claimed, running, then how it ended: succeeded, failed, stopped, killed, lost, paused, preempted
    or rolled_back.

    `slots` are SlotReports as they were when it was placed; `fence` and `instance` are set by the claim. `held`: it stands still and keeps
    its slots. `preempted_at`: since then its worker is told to give them back.
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
    failure: Mapped[Json | None] = mapped_column(JSON(none_as_null=True))
    held: Mapped[bool] = mapped_column(default=False, server_default=false())
    preempted_at: Mapped[float | None]
    preempt_reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    resume_step: Mapped[int] = mapped_column(default=0)
    placed_at: Mapped[float]
    hinted: Mapped[bool] = mapped_column(default=False)
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]


class Worker(Base):
    """`draining`: a person wants nothing new placed on it; its state does not matter. `halted`: why it takes nothing, in its own words."""

    __tablename__ = "workers"
    name: Mapped[str] = mapped_column(primary_key=True)
    instance: Mapped[str]
    host: Mapped[str]
    state: Mapped[str]
    started_at: Mapped[float]
    last_heartbeat: Mapped[float | None]
    draining: Mapped[bool] = mapped_column(default=False, server_default=false())
    halted: Mapped[str] = mapped_column(Text, default="", server_default="")


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
    """`state`: requested, accepted (told to the worker), applied or rejected; `ended_at`: since when one of the last two.

    `undone_at`: it was applied, and the run was then rolled back to before that.
    """

    __tablename__ = "commands"
    __table_args__ = (Index("commands_by_run", "run_id"), Index("commands_by_state", "state"))
    id: Mapped[str] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"))
    type: Mapped[str]
    arguments: Mapped[Json] = mapped_column(default=dict, server_default="{}")
    state: Mapped[str]
    step: Mapped[int | None]
    ranks: Mapped[int | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    by: Mapped[str]
    created_at: Mapped[float]
    accepted_at: Mapped[float | None]
    ended_at: Mapped[float | None]
    undone_at: Mapped[float | None]
    hinted: Mapped[bool] = mapped_column(default=False)


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


class AuditRow(AuditColumns, Base):
    __tablename__ = "audit"


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
