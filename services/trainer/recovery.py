"""What an earlier agent left on this host. What trains is adopted; other processes are ended, their events shipped, their folders
and unused tokens removed. And what earlier attempts left.
"""

import logging
import shutil
import time
from collections.abc import Collection
from pathlib import Path
from threading import Event, Thread
from typing import Final

from services.trainer.archive import retire
from services.trainer.children import kill_marked
from services.trainer.rundir import AttemptOrder, RunDirectory
from services.trainer.shipper import Shipper
from services.trainer.spool import notes_of, segments
from services.trainer.tail import Tail
from shared.conversation import Claim
from shared.training_events import ProcessDied

log = logging.getLogger(__name__)
LOOK_SECONDS: Final = 0.5
UNUSED_SECONDS: Final = 7 * 86_400.0


def adoptable(attempts_folder: Path) -> list[Claim]:
    """Of attempts that an agent before us had brought as far as starting their processes, whether these still run or have ended since. Not
    of those whose end the api knows.
    """
    found = []
    for folder in attempts_folder.glob("*"):
        directory = RunDirectory(folder)
        if directory.reported.exists() or not (directory.launcher.exists() and _order_of(directory)):
            continue
        try:
            found.append(Claim.model_validate_json(directory.claim.read_bytes()))
        except (OSError, ValueError) as error:
            log.warning("%s cannot be adopted: %s", folder.name, error)
    return found


def recover(attempts_folder: Path, shipper: Shipper, stopping: Event, adopted: Collection[str] = ()) -> Thread:
    """Nothing of an earlier agent runs when this returns, but what is `adopted`; shipping its events goes on in the returned thread, also
    those of attempts that are over.
    """
    attempts_folder.mkdir(parents=True, exist_ok=True)
    folders = [folder for folder in attempts_folder.iterdir() if folder.is_dir() and folder.name not in adopted]
    for folder in folders:
        kill_marked(folder.name)
    leftovers = [(folder, _ship(RunDirectory(folder), shipper)) for folder in folders]
    for folder in [folder for folder, tails in leftovers if not tails]:
        retire(folder)  # now: an attempt that is not claimed yet may be given to us again, with this folder
    thread = Thread(target=remove_when_shipped, args=(leftovers, shipper, stopping), name="recovery", daemon=True)
    thread.start()
    return thread


def prune(cache: Path) -> None:
    """Remove what no attempt has used for a week; every use renews a file's time. Attempts have names of their own for theirs."""
    for path in cache.glob("*"):
        try:
            if path.stat().st_mtime < time.time() - UNUSED_SECONDS:
                path.unlink()
        except OSError as error:
            log.warning("%s stays in the cache: %s", path.name, error)


def remove_earlier(attempts_folder: Path, claim: Claim, shipper: Shipper) -> None:
    """Folders of earlier attempts at a run, but for events that are still on their way. A later one may be at work already, where the last
    report of this one was long on its way.
    """
    for folder in attempts_folder.iterdir():
        order = _order_of(RunDirectory(folder))
        if order and order.run_id == claim.run_id and order.attempt < claim.attempt:
            if not shipper.ships(folder):
                retire(folder)
                continue
            for path in [path for path in folder.iterdir() if path.is_dir()]:
                shutil.rmtree(path, ignore_errors=True)


def _order_of(directory: RunDirectory) -> AttemptOrder | None:
    """None where it was never set up or cannot be read."""
    try:
        return AttemptOrder.model_validate_json(directory.order.read_bytes())
    except (OSError, ValueError):
        return None


def ship_rest(directory: RunDirectory, shipper: Shipper) -> list[Tail]:
    """What an attempt whose processes have ended has said; none where it has said nothing."""
    spools = (directory.spool, directory.agent_spool)
    if not any(file.stat().st_size for spool in spools for _, file in segments(spool)):
        return []
    tails = [shipper.add(Tail(spool, lambda: None)) for spool in spools]
    for tail in tails:
        tail.close()
    return tails


def _ship(directory: RunDirectory, shipper: Shipper) -> list[Tail]:
    if segments(directory.spool) and not directory.outcome.exists() and not directory.reported.exists():
        try:
            _note_death(directory)
        except (OSError, ValueError) as error:  # what it has said is sent all the same
            log.warning("%s: its end cannot be noted: %s", directory.root, error)
    return ship_rest(directory, shipper)


def _note_death(directory: RunDirectory) -> None:
    """Raises OSError, ValueError where nobody can tell whose the attempt was, or there is no room."""
    order = AttemptOrder.model_validate_json(directory.order.read_bytes())
    notes = notes_of(directory, order, order.spool_bytes)
    notes.emit(ProcessDied(reason="the worker's agent was started anew and ended what it found", after_seconds=0))
    notes.close()


def remove_when_shipped(leftovers: list[tuple[Path, list[Tail]]], shipper: Shipper, stopping: Event) -> None:
    """Returns when nothing is left, or `stopping`."""
    while leftovers and not stopping.is_set():
        for folder, tails in leftovers:
            if all(tail.shipped.is_set() for tail in tails):
                for tail in tails:
                    shipper.drop(tail)
                retire(folder)
        leftovers = [(folder, tails) for folder, tails in leftovers if folder.exists() and not all(tail.shipped.is_set() for tail in tails)]
        stopping.wait(LOOK_SECONDS)
