"""How much room the checkpoints have: what they take, what is left of quota and disk, and whether the running runs' next ones fit."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session, defer

from services.api.checkpoint_models import Checkpoint, StorageLevel
from services.api.estimate import checkpoint_bytes
from services.api.models import Run
from services.api.outbox import record
from services.api.rows import rows_changed
from shared.cluster_events import StorageLevelChanged
from shared.errors import FieldError
from shared.internal import Resolved
from shared.names import CLUSTER_TOPIC, RunState
from shared.sizes import told as size
from shared.spec import RunSpec
from shared.storage_client import Capacity

Level = Literal["ok", "warning", "full"]
WARN_AT: Final = 0.8
_SAVING: Final = (RunState.STARTING, RunState.RUNNING, RunState.PAUSING, RunState.STOPPING)
_FIELD: Final = "train.checkpoint"
_FIRST_LEVEL: Final = text("INSERT INTO storage_level (id, level, message, changed_at) VALUES (1, 'ok', '', :now) ON CONFLICT DO NOTHING")


@dataclass(frozen=True)
class Room:
    """Bytes. `expiring`: of `used`, what goes by itself soon. `next_ones`: the next checkpoint of each run that saves at present."""

    count: int
    used: int
    expiring: int
    pinned: int
    quota: int | None
    disk_free: int | None
    next_ones: tuple[int, ...] = ()

    @property
    def left(self) -> int | None:
        """None where nothing limits it."""
        limits = [self.quota - self.used] if self.quota is not None else []
        limits += [self.disk_free] if self.disk_free is not None else []
        return max(0, min(limits)) if limits else None

    @property
    def level(self) -> Level:
        left = self.left
        if left is None:
            return "ok"
        if left == 0 or left < max(self.next_ones, default=0):
            return "full"
        return "warning" if left < sum(self.next_ones) or self.used >= WARN_AT * (self.used + left) else "ok"

    @property
    def message(self) -> str:
        left = self.left
        if left is None:
            return f"checkpoints take {size(self.used)}; nothing limits them"
        of = "the quota" if self.quota is not None and left == max(0, self.quota - self.used) else "the disk"
        told = f"checkpoints take {size(self.used)}, {size(left)} of {of} are left"
        if self.level == "ok":
            return told
        soon = f"; {size(self.expiring)} are deleted soon" if self.expiring else ""
        need = f"; the next ones of running runs need {size(sum(self.next_ones))}" if left < sum(self.next_ones) else ""
        return f"{told}{need}{soon}. Delete checkpoints, keep fewer of them, or make more room"


def measure(session: Session, quota: int | None, capacity: Capacity | None) -> Room:
    """`capacity`: what storage says; without, our own rows tell what is used, and the disk is not known."""
    expiring = func.sum(Checkpoint.bytes).filter((Checkpoint.expires_at.is_not(None)) | (Checkpoint.deleted_by.is_not(None)))
    pinned = func.sum(Checkpoint.bytes).filter(Checkpoint.pinned_by.is_not(None))
    totals = session.execute(select(func.count(), func.sum(Checkpoint.bytes), expiring, pinned).select_from(Checkpoint)).one()
    count, used, going, held = (int(value or 0) for value in totals)
    if capacity is not None and capacity.used_bytes is not None:
        used = capacity.used_bytes  # uploads that are not committed yet count too, as they do where an upload is refused
    disk_free = None if capacity is None else capacity.disk_free_bytes
    return Room(count, used, going, held, quota, disk_free, tuple(_next_ones(session)))


def _next_ones(session: Session) -> Iterable[int]:
    """As large as the run's last one, or as estimated."""
    saving = list(session.scalars(select(Run).where(Run.state.in_(_SAVING)).options(defer(Run.summary))))
    sizes = select(Checkpoint.run_id, func.max(Checkpoint.bytes)).where(Checkpoint.run_id.in_([run.id for run in saving]))
    known: dict[str, int] = dict(session.execute(sizes.group_by(Checkpoint.run_id)).all())
    for run in saving:
        yield known.get(run.id) or checkpoint_bytes(RunSpec.model_validate(run.spec), Resolved.model_validate(run.resolved).tokenizer)


def preflight(room: Room, spec: RunSpec, one: int) -> tuple[list[FieldError], list[FieldError]]:
    """What is wrong and what is to be warned of before a run whose checkpoints take `one` bytes each: errors, warnings."""
    left, kept = room.left, spec.train.checkpoint.keep_last + spec.train.checkpoint.keep_best
    if left is None:
        return [], []
    if one > left + room.expiring:
        message = f"a checkpoint takes {size(one)} and only {size(left)} are left; delete some, or make more room"
        return [FieldError(_FIELD, message)], []
    if one * kept > left:
        message = f"{kept} checkpoints of {size(one)} are kept ({size(one * kept)}) and {size(left)} are left; keep fewer, or make room"
        return [], [FieldError(_FIELD, message)]
    return [], []


def tell_level(session: Session, room: Room, now: float) -> bool:
    """Say it on the cluster's topic where the level is another than was told last; whether it was."""
    level, message = room.level, room.message
    session.execute(_FIRST_LEVEL, {"now": now})
    differs = update(StorageLevel).where(StorageLevel.id == 1, StorageLevel.level != level)
    if rows_changed(session, differs.values(level=level, message=message, changed_at=now)) != 1:
        return False
    record(session, CLUSTER_TOPIC, StorageLevelChanged(level=level, message=message), now)
    return True
