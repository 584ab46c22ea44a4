"""`python -m services.trainer.main_emergency [--reason R] [--reopen]`: the emergency stop of one host, by hand.

Kills every training process here and lets no new one start until `--reopen`. It needs no network, no agent and no other service.
"""

import argparse
import logging
import os
import sys
import time
from pathlib import Path

import psutil

from services.trainer.children import kill_all
from services.trainer.halting import reopen, stop_by_hand
from services.trainer.held_gpus import still_held
from services.trainer.launchers import is_alive
from services.trainer.settings import worker_name
from shared.settings import data_dir

log = logging.getLogger("services.trainer.main_emergency")


def main() -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    options = _parsed()
    folders = [path for path in (data_dir(os.environ) / "worker").glob("*") if path.is_dir()]
    folders = folders or [data_dir(os.environ) / "worker" / worker_name(os.environ)]
    return _reopen(folders) if options.reopen else _stop(folders, options.reason)


def _parsed() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--reason", default="emergency stop", help="what the cluster is told")
    arguments.add_argument("--reopen", action="store_true", help="let this host take runs again")
    return arguments.parse_args()


def _stop(folders: list[Path], reason: str) -> int:
    """The file first: what is killed must not be started again. But a full disk keeps nothing from being killed."""
    begun, refused = time.monotonic(), 0
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stop_by_hand(folder, reason)
        except OSError as error:
            refused += 1
            log.error("%s: the stop could not be noted (%s); stop its agent, or it goes on with other runs", folder.name, error)
    killed = kill_all()
    left = [pid for pid in killed if _lives(pid)]
    log.info("%d training process(es) killed in %.1f s on worker(s) %s", len(killed), time.monotonic() - begun, _names(folders))
    if left:
        log.error("these do not die: %s", ", ".join(map(str, left)))
    if held := still_held(killed):
        log.error("the GPUs still count these as theirs: %s", ", ".join(map(str, held)))
    return 1 if left or refused or held else 0


def _lives(pid: int) -> bool:
    try:
        return is_alive(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


def _reopen(folders: list[Path]) -> int:
    opened = [folder for folder in folders if reopen(folder)]
    log.info("worker(s) reopened: %s", _names(opened) or "none had been stopped")
    return 0


def _names(folders: list[Path]) -> str:
    return ", ".join(sorted(folder.name for folder in folders))


if __name__ == "__main__":
    sys.exit(main())
