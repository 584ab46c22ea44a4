"""The tables of what people decide about the queue, and indices for what schedulers and heartbeats ask all the time."""

from sqlalchemy import Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.api.models import Attempt, Base, Run


class QueuePause(Base):
    """One row while the queue is paused, none while it is open. `paused_at`: since when nothing is placed."""

    __tablename__ = "queue_pause"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reason: Mapped[str] = mapped_column(Text)
    paused_by: Mapped[str]
    paused_at: Mapped[float]


class EmergencyStop(Base):
    """One row while an emergency stop stands: nothing is placed and nothing may be claimed."""

    __tablename__ = "emergency_stop"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stop_id: Mapped[str]
    reason: Mapped[str] = mapped_column(Text)
    stopped_by: Mapped[str]
    stopped_at: Mapped[float]
    attempts: Mapped[int]


class EmergencyAttempt(Base):
    """An attempt that an emergency stop has ended, until its worker's heartbeat no longer reports it: its processes are gone."""

    __tablename__ = "emergency_attempts"
    attempt_id: Mapped[str] = mapped_column(primary_key=True)
    worker: Mapped[str]


class ProjectShare(Base):
    """A project's weight; one without a row has 1."""

    __tablename__ = "project_shares"
    project: Mapped[str] = mapped_column(primary_key=True)
    weight: Mapped[float]
    changed_at: Mapped[float]
    changed_by: Mapped[str]


Index("runs_by_attempt", Run.current_attempt_id)
Index("runs_by_preparation", Run.state, Run.prepared_id)
Index("attempts_by_state", Attempt.state)
