"""The room of a spool is kept: its oldest segment goes when it comes near its limit, and only if the history has all of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import redis

from services.trainer.spool import segment_bytes, segments
from shared import bus
from shared.crash import crash_point


@dataclass
class Pruning:
    """Of one spool, by the one that ships it; the last two segments always stay. As much is kept as the limit allows, for a history that
    is lost and wanted again.

    noted: everything before this place is in the history once this epoch's `committed` has reached that seq.
    """

    spool: Path
    limit: int
    noted: tuple[int, str, int] | None = None

    def look(self, client: redis.Redis, topic: str, shipped: int, confirm: Callable[[], bool]) -> bool:
        """Whether a segment was removed. shipped: the place up to which Redis took all; confirm: asks it whether it still has that, which
        is only sure of what it told about itself before. Raises redis.RedisError.
        """
        found = segments(self.spool)
        if len(found) < 3:
            return False
        used = found[-1][0] - found[0][0] + found[-1][1].stat().st_size
        end = found[1][0]
        if used <= self.limit - 2 * segment_bytes(self.limit) or shipped < end:
            return False
        place = bus.read_range(client, topic, 0, 1)
        if self.noted is None or self.noted[:2] != (end, place.epoch):
            self.noted = (end, place.epoch, place.newest) if confirm() else None
        if self.noted is None or place.committed < self.noted[2]:
            return False
        crash_point("spool.before_removal")
        found[0][1].unlink()
        self.noted = None
        return True
