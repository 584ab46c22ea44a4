"""What a training child tells: events into the spool, and at last how it ended."""

import logging
from collections import deque
from threading import Lock
from typing import Final

from services.trainer.gaps import DROPPABLE, Gap
from services.trainer.room import with_room
from services.trainer.rundir import AttemptOrder, Outcome, RunDirectory, write_whole
from services.trainer.spool import SpoolWriter
from services.trainer.world import World
from shared.events import AnyEvent
from shared.training_events import StepCompleted, TrainingEnded

log = logging.getLogger(__name__)
UNTOLD: Final = 10_000
"""So many events wait in memory; of the steps and log lines behind them there is only a count."""


class Report:
    """Rank 0 speaks for all; the other ranks compute the same and say nothing. Several threads may speak.

    An event is in the file when `emit` returns, so a kill of this process loses none. On a full disk events wait in memory and are told,
    in order, as soon as there is room.
    """

    def __init__(self, folder: RunDirectory, order: AttemptOrder, world: World) -> None:
        self.folder, self.spool = folder, None
        self.untold: deque[AnyEvent] = deque()
        self.gap = Gap()  # behind the last of them
        self.lock = Lock()
        if world.rank == 0:
            self.spool = SpoolWriter(
                folder.spool,
                run_id=order.run_id,
                attempt=order.attempt,
                fence=order.fence,
                producer=f"attempt-{order.attempt}",
                limit=order.spool_bytes,
            )

    def emit(self, event: AnyEvent) -> None:
        if self.spool is None:
            return
        if isinstance(event, StepCompleted):
            event = with_room(event, self.folder.root)
        with self.lock:
            try:
                if self.untold or self.gap:
                    self._tell(self.spool)
                self.spool.emit(event)
            except OSError as error:
                self.spool.touch()
                if not self.untold:
                    log.error("events wait in memory: %s", error)
                self._wait(event)

    def _wait(self, event: AnyEvent) -> None:
        if len(self.untold) >= UNTOLD and isinstance(event, DROPPABLE):
            self.gap.add(event, "the worker's disk had no room for more, nor its memory")
            return
        if self.gap:
            self.untold.append(self.gap.told())
            self.gap = Gap()
        self.untold.append(event)

    def _tell(self, spool: SpoolWriter) -> None:
        while self.untold:
            spool.emit(self.untold[0])
            self.untold.popleft()
        if self.gap:
            spool.emit(self.gap.told())
            self.gap = Gap()

    def close(self, outcome: Outcome) -> None:
        """Raises OSError where there is no room for what is still to be told."""
        log.info("%s at step %d %s", outcome.state, outcome.step, outcome.reason)
        if self.spool is not None:
            if not outcome.damage:  # with an older checkpoint it goes on
                self.emit(TrainingEnded(step=outcome.step, outcome=outcome.state, reason=outcome.reason))
            self._tell(self.spool)
            self.spool.close()
            write_whole(self.folder.outcome, outcome.model_dump_json(indent=2))
