"""What a training child tells: events into the spool, and at last how it ended."""

import logging
from collections import deque
from threading import Lock
from typing import Final

from services.trainer.rundir import AttemptOrder, Outcome, RunDirectory, write_whole
from services.trainer.spool import SpoolWriter
from services.trainer.world import World
from shared.events import AnyEvent
from shared.training_events import TrainingEnded

log = logging.getLogger(__name__)
UNTOLD: Final = 100_000


class Report:
    """Rank 0 speaks for all; the other ranks compute the same and say nothing. Several threads may speak.

    On a full disk events wait in memory and are told, in order, as soon as there is room.
    """

    def __init__(self, folder: RunDirectory, order: AttemptOrder, world: World) -> None:
        self.folder, self.spool = folder, None
        self.untold: deque[AnyEvent] = deque(maxlen=UNTOLD)
        self.lock = Lock()
        if world.rank == 0:
            producer = f"attempt-{order.attempt}"
            self.spool = SpoolWriter(folder.spool, run_id=order.run_id, attempt=order.attempt, fence=order.fence, producer=producer)

    def emit(self, event: AnyEvent) -> None:
        if self.spool is None:
            return
        with self.lock:
            self.untold.append(event)
            try:
                self._tell(self.spool)
            except OSError as error:
                self.spool.touch()
                if len(self.untold) == 1:
                    log.error("events wait in memory: %s", error)

    def _tell(self, spool: SpoolWriter) -> None:
        while self.untold:
            spool.emit(self.untold[0])
            self.untold.popleft()

    def close(self, outcome: Outcome) -> None:
        """Raises OSError where there is no room for what is still to be told."""
        log.info("%s at step %d %s", outcome.state, outcome.step, outcome.reason)
        if self.spool is not None:
            if not outcome.damage:  # with an older checkpoint it goes on
                self.emit(TrainingEnded(step=outcome.step, outcome=outcome.state, reason=outcome.reason))
            self._tell(self.spool)
            self.spool.close()
            write_whole(self.folder.outcome, outcome.model_dump_json(indent=2))
