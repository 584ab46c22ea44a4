"""A full disk on this worker: the host's fault and not the run's, and over when there is room again."""

import contextlib
import errno
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from shared.errors import EnvironmentFault
from shared.names import Metric
from shared.training_events import StepCompleted

log = logging.getLogger(__name__)
TOLD_EVERY: Final = 20
"""Steps between two looks at how much room there is."""
_MIB: Final = 1 << 20

NO_ROOM: Final = 73
"""The exit code (EX_CANTCREAT) of a training process that could not write what it had to."""


INTERRUPTED: Final = 75
"""Another one (EX_TEMPFAIL): it was asked to end, and has saved the run."""


class NoRoom(EnvironmentFault):
    """Worth another try, here or on another worker."""


def is_full(error: BaseException) -> bool:
    return isinstance(error, NoRoom) or (isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT})


@contextlib.contextmanager
def room_awaited(make_room: Callable[[], None]) -> Iterator[None]:
    """Raises NoRoom in the place of an OSError that says that the disk is full, after some room was made for the next try."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        make_room()
        raise NoRoom(f"no room on this worker: {error}", remedy="free some on the disk of GROUNDUP_DATA_DIR") from error


def with_room(event: StepCompleted, folder: Path) -> StepCompleted:
    """With every 20th step, the bytes that are free on the disk of `folder`, in whole MiB: what moves below that is noise."""
    if event.step % TOLD_EVERY:
        return event
    try:
        free = shutil.disk_usage(folder).free // _MIB * _MIB
    except OSError as error:
        log.warning("the room on this disk is not known: %s", error)
        return event
    return event.model_copy(update={"metrics": {**event.metrics, Metric.DISK_FREE_BYTES: float(free)}})
