"""What the endpoints work with, put together by `create_app`."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import redis
from flask import current_app

from serving.database import Database
from shared.settings import Settings
from shared.storage_client import StorageClient


@dataclass(frozen=True)
class Parts:
    """`clock`: seconds since the epoch."""

    settings: Settings
    database: Database
    storage: StorageClient
    redis: redis.Redis
    clock: Callable[[], float] = time.time


def parts() -> Parts:
    return cast(Parts, current_app.extensions["parts"])
