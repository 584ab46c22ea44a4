from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from services.monitor.app import create_app
from serving.database import Database
from shared import bus
from shared.settings import Settings
from tests.monitor.producing import migrated


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The history's tables, empty; on SQLite and on PostgreSQL."""
    with closing(migrated(database_url)) as database:
        yield database


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    """The same on SQLite only, where the difference cannot matter."""
    with closing(migrated(f"sqlite:///{tmp_path / 'monitor.db'}")) as database:
        yield database


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with closing(bus.connect(redis_url, blocking_seconds=1)) as client:
        yield client


@pytest.fixture
def http(settings: Settings, sqlite: Database, client: redis.Redis) -> Any:
    return create_app(settings, sqlite, client).test_client()
