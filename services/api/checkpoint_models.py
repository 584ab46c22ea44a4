"""The tables of checkpoints. Times are seconds since the epoch, UTC."""

from sqlalchemy import BigInteger, ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from services.api.models import Base, Json


class Checkpoint(Base):
    """`damaged_at`: found wrong, and not offered. `damage_confirmed_at`: storage read it and it differs, so retention leaves it out.
    `looked_at`: storage was asked last. `expires_at`: nothing keeps it, and then it goes. `deleted_by`: it is being deleted.
    `left_behind_at`: since then it is no longer part of its run, which was rolled back to before it; it is not offered.
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
    left_behind_at: Mapped[float | None]

    @property
    def usable(self) -> bool:
        return self.damaged_at is None and self.deleted_by is None and self.left_behind_at is None

    @property
    def counts(self) -> bool:
        return self.damage_confirmed_at is None and self.deleted_by is None and self.left_behind_at is None


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
