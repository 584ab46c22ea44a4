"""The tables of the detectors: what they remember, what they found, and whom that is told. Times are seconds since the epoch, UTC."""

from typing import Any

from sqlalchemy import JSON, BigInteger, Dialect, Double, Index, Integer, LargeBinary, String, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from services.monitor.models import Base, Id
from shared.packing import pack, unpack


class Packed(TypeDecorator[Any]):
    """A small value as msgpack: JSON has no NaN."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes:  # noqa: ARG002
        return pack(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else unpack(value)


class WatchedTopic(Base):
    """How far a topic was watched, and the detectors' memory there: written in the transaction of what they found."""

    __tablename__ = "watched_topics"
    topic: Mapped[str] = mapped_column(String(200), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(100))
    seq: Mapped[int] = mapped_column(BigInteger)
    producers: Mapped[Any] = mapped_column(Packed)
    memory: Mapped[Any] = mapped_column(Packed)
    missed: Mapped[int] = mapped_column(BigInteger, default=0)
    """Events that Redis had forgotten before they were watched."""


class Lease(Base):
    """Who watches. Every write of the detectors is conditional on it."""

    __tablename__ = "detector_leases"
    name: Mapped[str] = mapped_column(String(50), primary_key=True)
    holder: Mapped[str] = mapped_column(String(200))
    expires_at: Mapped[float] = mapped_column(Double)


class Alert(Base):
    """`alert_id` follows from what was found (topic, attempt, detector, step), so that nothing found twice is here twice. `body`: the
    DetectorFired event. `action_state`: none, pending, requested or refused; `action_at`: when it is tried (again).
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index("ix_alerts_run", "run_id", "id"),
        Index("ix_alerts_open", "cleared_at", "id"),
        Index("ix_alerts_action", "action_state"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    alert_id: Mapped[str] = mapped_column(String(300), unique=True)
    run_id: Mapped[str] = mapped_column(String(200))
    run_name: Mapped[str] = mapped_column(String(200))
    attempt: Mapped[int]
    key: Mapped[str] = mapped_column(String(100))
    severity: Mapped[str] = mapped_column(String(20))
    fired_at: Mapped[float] = mapped_column(Double)
    body: Mapped[Any] = mapped_column(Packed)
    cleared_at: Mapped[float | None] = mapped_column(Double)
    cleared: Mapped[str] = mapped_column(Text, default="")
    acknowledged_at: Mapped[float | None] = mapped_column(Double)
    acknowledged_by: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    action: Mapped[str] = mapped_column(String(20))
    action_state: Mapped[str] = mapped_column(String(20), default="none")
    action_at: Mapped[float | None] = mapped_column(Double)
    action_reason: Mapped[str] = mapped_column(Text, default="")
    max_rollbacks: Mapped[int] = mapped_column(default=0)
    command_id: Mapped[str] = mapped_column(String(200), default="")


class AlertOutboxRow(Base):
    """An event of the detectors on its way to Redis."""

    __tablename__ = "alert_outbox"
    __table_args__ = (Index("ix_alert_outbox_sent_at", "sent_at"),)
    topic: Mapped[str] = mapped_column(String(200), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[float] = mapped_column(Double)
    event: Mapped[Any] = mapped_column(Packed)
    sent_at: Mapped[float | None] = mapped_column(Double)


class AlertOutboxCounter(Base):
    __tablename__ = "alert_outbox_counters"
    topic: Mapped[str] = mapped_column(String(200), primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)


class NotificationTarget(Base):
    """Where notifications go. `url` and `secret` are never shown again."""

    __tablename__ = "notification_targets"
    id: Mapped[str] = mapped_column(String(100), primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(20))
    url: Mapped[str] = mapped_column(Text)
    secret: Mapped[str] = mapped_column(String(200))
    events: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[float] = mapped_column(Double)
    created_by: Mapped[str] = mapped_column(String(200))


class Delivery(Base):
    """One notification to one target. `state`: pending, delivered, dead (given up), or dropped (its target's queue was full)."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("target_id", "subject"),
        Index("ix_deliveries_due", "state", "next_at"),
        Index("ix_deliveries_target", "target_id", "id"),
    )
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    target_id: Mapped[str] = mapped_column(String(100))
    subject: Mapped[str] = mapped_column(String(300))
    type: Mapped[str] = mapped_column(String(50))
    body: Mapped[Any] = mapped_column(Packed)
    state: Mapped[str] = mapped_column(String(20))
    tries: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[float] = mapped_column(Double)
    next_at: Mapped[float | None] = mapped_column(Double)
    ended_at: Mapped[float | None] = mapped_column(Double)
    error: Mapped[str] = mapped_column(Text, default="")
