"""Why this host takes nothing for now: it was stopped by hand, or it is about to go. Needs no network, so that it holds without one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

STOP_FILE = "emergency-stop"


def no_notice() -> str:
    return ""


@dataclass(frozen=True)
class Halting:
    """`folder`: the worker's, in which `python -m services.trainer.main_emergency` leaves its file. `notice`: of an interruption; empty
    where there is none.
    """

    folder: Path
    notice: Callable[[], str] = no_notice

    def by_hand(self) -> str:
        """Every process is to be dead; empty where the host was not stopped."""
        try:
            return f"stopped by hand on its host: {(self.folder / STOP_FILE).read_text().strip() or 'no reason given'}"
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"stopped by hand on its host ({error})"

    def reason(self) -> str:
        return self.by_hand() or self.notice()


def stop_by_hand(folder: Path, reason: str) -> None:
    """Raises OSError."""
    told = f"{reason} (at {time.strftime('%Y-%m-%d %H:%M:%S %Z')})"
    (folder / STOP_FILE).write_text(f"{told}\n")


def reopen(folder: Path) -> bool:
    """Whether it had been stopped. Raises OSError."""
    stopped = (folder / STOP_FILE).exists()
    (folder / STOP_FILE).unlink(missing_ok=True)
    return stopped
