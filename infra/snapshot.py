"""Copies of the services' SQLite databases as of one moment, while everything goes on writing.

A row is written after what it speaks of: an object before its row in storage, that before the checkpoint's row in api, an event into api's
outbox before the monitor hears of it. So databases that were copied one after the other could contradict each other in either order. Here
all of them are closed to writers for some milliseconds, in which a reader in each fixes what it sees; what is copied afterwards is that.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from infra.archive import BackupError, Contents
from services.storage.keys import checkpoint_key, part_key, shard_key, tokenizer_key
from shared.names import FINAL_STATES

SERVICES: Final = ("api", "storage", "monitor")
"""In the order in which they are closed to writers: who is called while its caller writes comes later."""
LOCK_SECONDS: Final = 0.5
WAIT_SECONDS: Final = 60.0


def copy_databases(sources: Mapping[str, Path], into: Path) -> dict[str, Path]:
    """The copies, as `into`/SERVICE.db. Raises BackupError where a database is damaged, or never free for a moment."""
    copies = {service: into / f"{service}.db" for service in sources}
    with _at_one_moment(sources) as readers:
        for service, copy in copies.items():
            copy.unlink(missing_ok=True)
            with contextlib.closing(sqlite3.connect(copy)) as target:
                readers[service].backup(target, pages=4096)
                found = target.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found != "ok":
                raise BackupError(f"the database of {service} is damaged ({found}); mend it or go back to an older backup")
            copy.chmod(0o600)
    return copies


@contextlib.contextmanager
def _at_one_moment(sources: Mapping[str, Path]) -> Iterator[dict[str, sqlite3.Connection]]:
    deadline = time.monotonic() + WAIT_SECONDS
    with ExitStack() as stack:
        readers = {service: stack.enter_context(contextlib.closing(_connect(path))) for service, path in sources.items()}
        while not _fix(sources, readers):
            if time.monotonic() > deadline:
                raise BackupError(f"the databases were never free for a moment within {WAIT_SECONDS:g} s; try again when less is written")
            time.sleep(LOCK_SECONDS)
        yield readers


def _fix(sources: Mapping[str, Path], readers: Mapping[str, sqlite3.Connection]) -> bool:
    """Whether all could be closed to writers at once. Nobody is kept waiting long for a database that another one's writer needs."""
    with ExitStack() as stack:
        for path in sources.values():
            writer = stack.enter_context(contextlib.closing(_connect(path)))
            try:
                writer.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                    return False
                raise
        for reader in readers.values():
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM sqlite_master").fetchone()  # a transaction begins to read here, not before
    return True


def must_exist(sources: Mapping[str, Path]) -> None:
    for path in sources.values():
        if not path.exists():
            raise BackupError(f"there is no database {path}; `./run up` makes it")


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)


def revision(copy: Path) -> str:
    """Of its tables: the migration that made them what they are."""
    return str(_rows(copy, "SELECT version_num FROM alembic_version")[0][0])


def objects(copies: Mapping[str, Path]) -> dict[str, Contents]:
    """By key: every object that storage has verified, with what it found. An upload that is under way is not among them."""
    found: dict[str, Contents] = {}
    for sha256, size in _rows(copies["storage"], "SELECT sha256, bytes FROM parts WHERE verified_at IS NOT NULL"):
        found[part_key(sha256)] = Contents(size, sha256)
    for sha256, size in _rows(copies["storage"], "SELECT sha256, bytes FROM shards"):
        found[shard_key(sha256)] = Contents(size, sha256)
    for identity, size, sha256 in _rows(copies["storage"], "SELECT id, bytes, sha256 FROM tokenizers WHERE sha256 IS NOT NULL"):
        found[tokenizer_key(identity)] = Contents(size, sha256)
    for run, checkpoint, name, size, sha256 in _rows(
        copies["storage"], "SELECT run_id, checkpoint_id, name, bytes, sha256 FROM checkpoint_files"
    ):
        found[checkpoint_key(run, checkpoint, name)] = Contents(size, sha256)
    return found


def runs_behind(copies: Mapping[str, Path]) -> list[str]:
    """Runs under way whose newest checkpoint is newer than their history. What the history does not have yet, a worker's disk and Redis
    have, and a backup has neither.
    """
    usable = "damaged_at IS NULL AND deleted_by IS NULL AND left_behind_at IS NULL"
    ended = {run for run, state in _rows(copies["api"], "SELECT id, state FROM runs") if state in FINAL_STATES}
    saved = dict(_rows(copies["api"], f"SELECT run_id, max(step) FROM checkpoints WHERE {usable} GROUP BY run_id"))
    told = dict(_rows(copies["monitor"], "SELECT run_id, max(last_step) FROM metric_chunks GROUP BY run_id"))
    return sorted(run for run, step in saved.items() if run not in ended and told.get(run, 0) < step)


def tell_again(copies: Mapping[str, Path]) -> int:
    """What Redis had taken and the history not yet, api's outbox is to send again; how many events. Redis is not part of a backup."""
    heard = _rows(copies["monitor"], "SELECT topic, producer_seq FROM producers WHERE producer = 'api'")
    with contextlib.closing(sqlite3.connect(copies["api"])) as api, api:
        api.execute("CREATE TEMP TABLE heard (topic TEXT PRIMARY KEY, seq INTEGER)")
        api.executemany("INSERT INTO heard VALUES (?, ?)", heard)
        last = "coalesce((SELECT heard.seq FROM heard WHERE heard.topic = outbox.topic), 0)"
        return api.execute(f"UPDATE outbox SET sent_at = NULL WHERE sent_at IS NOT NULL AND seq > {last}").rowcount


def _rows(copy: Path, query: str) -> list[Any]:
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        return connection.execute(query).fetchall()
