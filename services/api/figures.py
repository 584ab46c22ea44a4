"""What `/metrics` of api tells of the platform: runs, the queue, workers, slots, checkpoints. It is in the database, whoever wrote it."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import redis
from prometheus_client.registry import Collector
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.orm import Session

from services.api.checkpoint_models import Checkpoint
from services.api.models import Attempt, Command, OutboxRow, Run, Slot, Worker
from services.api.queue_models import EmergencyStop, QueuePause
from serving.figures import gauge, gauges
from shared.names import GENERATOR_ALIVE, RunState

_UNDER_WAY: Final = ("placed", "claimed", "running")
_ENDED: Final = ("succeeded", "failed", "stopped", "killed", "lost", "paused", "preempted", "rolled_back")
_WORKERS: Final = ("online", "draining", "halted", "refused", "lost")
_DEVICES: Final = ("cpu", "cuda")


class PlatformFigures:
    """`clock`: seconds since the epoch. A worker that was silent for `lease_seconds` is lost."""

    def __init__(self, clock: Callable[[], float], lease_seconds: float) -> None:
        self.clock, self.lease_seconds = clock, lease_seconds

    def read(self, session: Session) -> Iterator[Any]:
        yield gauges("groundup_runs", "Runs", "state", _counts(session, Run.state, tuple(RunState)))
        yield gauges("groundup_attempts", "Attempts of the runs that exist", "state", _counts(session, Attempt.state, _UNDER_WAY + _ENDED))
        yield from self._queue(session)
        yield from self._cluster(session)
        yield from _checkpoints(session)
        open_ones = _counts(session, Command.state, ("requested", "accepted"))
        yield gauges("groundup_commands_open", "Commands that are neither applied nor rejected", "state", open_ones)
        waiting, oldest = session.execute(select(func.count(), func.min(OutboxRow.at)).where(OutboxRow.sent_at.is_(None))).one()
        yield gauge("groundup_outbox_waiting", "Events of the platform that Redis does not have yet", waiting)
        yield gauge("groundup_outbox_oldest_seconds", "Age of the oldest one", self._age(oldest))

    def _queue(self, session: Session) -> Iterator[Any]:
        oldest = session.scalar(select(func.min(Run.created_at)).where(Run.state == RunState.QUEUED))
        yield gauge("groundup_queue_oldest_seconds", "Age of the oldest queued run", self._age(oldest))
        paused, stopped = (session.scalar(select(func.count(table.id))) or 0 for table in (QueuePause, EmergencyStop))
        yield gauge("groundup_queue_paused", "1 while nothing is placed", paused)
        yield gauge("groundup_emergency_stop", "1 while an emergency stop stands", stopped)

    def _cluster(self, session: Session) -> Iterator[Any]:
        silent = func.coalesce(Worker.last_heartbeat, Worker.started_at) < self.clock() - self.lease_seconds
        state = case(
            (Worker.state == "refused", "refused"),
            (silent | (Worker.state != "online"), "lost"),
            (Worker.halted != "", "halted"),
            (Worker.draining, "draining"),
            else_="online",
        )
        yield gauges("groundup_workers", "Workers", "state", _counts(session, state, _WORKERS))
        yield gauges("groundup_slots", "Slots that workers have told of", "device", _counts(session, Slot.device, _DEVICES))
        busy = _counts(session, Slot.device, _DEVICES, Slot.attempt_id.is_not(None))
        yield gauges("groundup_slots_busy", "Slots that an attempt holds", "device", busy)

    def _age(self, at: float | None) -> float:
        return 0.0 if at is None else max(0.0, self.clock() - at)


class GeneratorFigures(Collector):
    """What Redis knows. A Redis that does not answer is no generator either."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client

    def collect(self) -> Iterator[Any]:
        try:
            alive = bool(self.client.exists(GENERATOR_ALIVE))
        except redis.RedisError:
            alive = False
        yield gauge("groundup_generator_up", "1 while a generator serves requests", alive)

    def describe(self) -> list[Any]:
        return []


def _counts(session: Session, what: Any, known: tuple[str, ...], *where: ColumnElement[bool]) -> Mapping[str, float]:
    """Rows by a column of few values; those that have none, too, so that a graph does not end where a count becomes 0."""
    found: dict[str, int] = dict(session.execute(select(what, func.count()).where(*where).group_by(what)).all())
    return {name: found.get(name, 0) for name in known}


def _checkpoints(session: Session) -> Iterator[Any]:
    state = case((Checkpoint.deleted_by.is_not(None), "deleting"), (Checkpoint.damaged_at.is_not(None), "damaged"), else_="committed")
    yield gauges("groundup_checkpoints", "Checkpoints", "state", _counts(session, state, ("committed", "damaged", "deleting")))
    size = session.scalar(select(func.sum(Checkpoint.bytes)))
    yield gauge("groundup_checkpoint_bytes", "Bytes of all checkpoints", float(size or 0))
    newest = session.scalar(select(func.max(Checkpoint.created_at)))
    yield gauge("groundup_checkpoint_newest_timestamp_seconds", "When the newest checkpoint was committed; 0: never", newest or 0)
