"""A service's tables, made as its migrations make them: these run once, and what they did is done again for each test."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import event

from serving.database import Database

_DONE: dict[Path, list[tuple[str, Any]]] = {}
"""By folder of migrations, what they tell PostgreSQL."""


def migrated(url: str, migrations: Path) -> Database:
    """`url`: of an empty database."""
    if url.startswith("sqlite"):
        file = Path(url.removeprefix("sqlite:///"))
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_file(migrations))
        return Database(url)
    database = Database(url)
    if migrations not in _DONE:
        _DONE[migrations] = _watched(database, migrations)
        return database
    with database.engine.begin() as connection:
        for statement, parameters in _DONE[migrations]:
            connection.exec_driver_sql(statement, parameters or None)
    return database


@cache
def _file(migrations: Path) -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "tables.db"
        database = Database(f"sqlite:///{file}")
        database.migrate(migrations)
        with database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        database.close()
        return file.read_bytes()


def _watched(database: Database, migrations: Path) -> list[tuple[str, Any]]:
    done: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if not statement.lstrip().upper().startswith(("SELECT", "SHOW")):
            done.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    database.migrate(migrations)
    event.remove(database.engine, "before_cursor_execute", note)
    return done
