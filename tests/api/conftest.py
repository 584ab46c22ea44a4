import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import services.api
from services.api.app import create_app
from serving.database import Database
from shared.bus import connect
from shared.settings import Settings
from tests import tables
from tests.api.stage import Clock, FakeStorage, Stage

MIGRATIONS = Path(services.api.__file__).parent / "migrations"


@contextlib.contextmanager
def stage_on(url: str, settings: Settings) -> Iterator[Stage]:
    database, storage = Database(url), FakeStorage()
    with connect(settings.redis_url, blocking_seconds=2) as client:
        clock = Clock()
        app = create_app(settings, database, storage, client, clock=lambda: clock.now)
        yield Stage(app, database, storage, settings.lease_seconds, clock)
    database.close()


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, lease_seconds=60.0)


def migrate(url: str) -> None:
    tables.migrated(url, MIGRATIONS).close()


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With tables; to be copied."""
    file = tmp_path_factory.mktemp("api") / "empty.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture
def stage(tmp_path: Path, empty_database: Path, settings: Settings) -> Iterator[Stage]:
    file = shutil.copy(empty_database, tmp_path / "api.db")
    with stage_on(f"sqlite:///{file}", settings) as stage:
        yield stage


@pytest.fixture
def both(database_url: str, settings: Settings) -> Iterator[Stage]:
    """The stage, once on SQLite and once on PostgreSQL."""
    migrate(database_url)
    with stage_on(database_url, settings) as stage:
        yield stage
