"""One database per service: SQLite (WAL) on one machine, PostgreSQL where there are several; the same code for both."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, Engine, MetaData, create_engine, event, text
from sqlalchemy.orm import Session


def database_url(environ: Mapping[str, str], service: str, data_dir: Path) -> str:
    return environ.get(f"GROUNDUP_{service.upper()}_DATABASE_URL", f"sqlite:///{data_dir / service}.db")


class Database:
    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _sqlite_engine(url) if url.startswith("sqlite") else create_engine(url, pool_pre_ping=True)
        self._writing_engine = self.engine.execution_options(writing=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads; it never waits for a writer."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction, committed unless something was raised. On SQLite it holds the one write lock from its first statement."""
        with Session(self._writing_engine, expire_on_commit=False) as session, session.begin():
            yield session

    def ping(self) -> None:
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        self.engine.dispose()

    def migrate(self, migrations: Path) -> None:
        """Bring the tables up to the newest revision in `migrations`."""
        config = Config()
        config.set_main_option("script_location", str(migrations))
        config.attributes["engine"] = self.engine
        command.upgrade(config, "head")


def run_migrations(metadata: MetaData) -> None:
    """The whole of a service's Alembic `env.py`."""
    engine: Engine = context.config.attributes["engine"]
    with engine.execution_options(writing=True).connect() as connection:
        context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()


def _sqlite_engine(url: str) -> Engine:
    """WAL, foreign keys, and BEGIN under our control: the driver's own would start write transactions as readers, which can deadlock."""
    engine = create_engine(url, connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=30000"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writing") else "BEGIN")

    return engine
