"""What every attempt on this host shares."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from services.trainer.halting import Halting
from services.trainer.settings import AgentSettings
from services.trainer.shipper import Shipper
from shared.api_client import ApiClient
from shared.storage_client import StorageClient

Command = Callable[[Path, int, str], list[str]]
"""(run directory, processes, attempt id) -> the command line of a child."""


@dataclass(frozen=True)
class Host:
    """`instance`: new with every start of the agent. `threads`: of one process. `poke`: asks for a heartbeat now."""

    settings: AgentSettings
    instance: str
    api: ApiClient
    storage: StorageClient
    http: httpx.Client
    shipper: Shipper
    environ: Mapping[str, str]
    threads: int
    command: Command
    poke: Callable[[], None]
    halting: Halting | None = None

    def stopped_by_hand(self) -> str:
        return self.halting.by_hand() if self.halting else ""

    def halted(self) -> str:
        """Why nothing is taken for now; empty where runs are welcome."""
        return self.halting.reason() if self.halting else ""

    @property
    def attempts_folder(self) -> Path:
        return self.settings.folder / "attempts"

    @property
    def cache(self) -> Path:
        return self.settings.folder / "cache"
