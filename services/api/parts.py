"""What the endpoints work with, put together by `create_app`."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import BoundedSemaphore
from typing import Final, cast

import redis
from flask import current_app

from services.api.settings import DEFAULTS, KeepingSettings
from serving.database import Database
from shared.settings import Settings
from shared.storage_client import StorageClient

CONVERSATIONS: Final = 8
"""So many of a process's sixteen threads may wait for the generator; the others stay free for workers and people."""


@dataclass(frozen=True)
class Parts:
    """`clock`: seconds since the epoch. `conversations`: seats at the generator."""

    settings: Settings
    database: Database
    storage: StorageClient
    redis: redis.Redis
    clock: Callable[[], float] = time.time
    keeping: KeepingSettings = DEFAULTS
    conversations: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(CONVERSATIONS))


def parts() -> Parts:
    return cast(Parts, current_app.extensions["parts"])
