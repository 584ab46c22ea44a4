"""`python -m infra.backup [FILE or FOLDER]`: all that cannot be made again, in one file, while everything runs.

In it: the three databases as of one moment (infra/snapshot.py), every object that storage has verified, the secrets and the first admin
token. Not in it: Redis (the databases tell an empty one everything it needs), workers' folders (copies, and the last seconds of attempts
that a restore ends), logs, and what `up` writes anew.

Objects are immutable, but retention deletes. So all of them get a second name (a hard link) before the databases are read, and once more
after: what a row speaks of was there at one of the two times, and stays until it has been copied.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from infra import snapshot
from infra.archive import BackupError, Contents, Head, Writer
from infra.layout import ROOT, Layout
from serving.database import database_url

CATCH_UP_SECONDS: Final = 15.0
"""So long the history of runs under way may take to reach their newest checkpoint."""
LOOK_AGAIN_SECONDS: Final = 0.5
_TOLD: Final = 3
_SQLITE: Final = "sqlite:///"


@dataclass(frozen=True)
class Backup:
    """behind: runs whose history did not catch up with their newest checkpoint. missing: objects that were not there, or were damaged."""

    path: Path
    bytes: int
    objects: int
    seconds: float
    behind: list[str]
    missing: list[str]


def back_up(layout: Layout, environ: Mapping[str, str], target: Path, *, patience: float = CATCH_UP_SECONDS) -> Backup:
    """Write `target`, or a new file in the folder `target`. Raises BackupError; then there is no such file."""
    began = time.monotonic()
    databases = local_databases(layout, environ)
    snapshot.must_exist(databases)
    path = _file_in(target, layout)
    with _alone(layout), tempfile.TemporaryDirectory(prefix="backup-", dir=layout.data_dir) as scratch:
        store = layout.data_dir / "s3" / layout.bucket if has_own_store(layout, environ) else None
        held = Held(store, Path(scratch) / "objects")
        copies, behind = _consistent(databases, Path(scratch), held, patience)
        snapshot.tell_again(copies)
        wanted = snapshot.objects(copies) if store else {}
        missing = [key for key in wanted if held.find(key) is None]
        revisions = {service: snapshot.revision(copy) for service, copy in copies.items()}
        head = Head(groundup_version(), time.time(), layout.bucket if store else "", revisions, missing)
        _need_room(path, sum(map(_size, copies.values())) + sum(contents.bytes for contents in wanted.values()))
        with _whole_or_not_at_all(path) as out, Writer(out, head) as archive:
            for name, file in {**_private_files(layout), **{copy.name: copy for copy in copies.values()}}.items():
                archive.add(name, file)
            damaged = [key for key in wanted if key not in set(missing) and not _add_object(archive, held, key, wanted[key])]
    objects = len(wanted) - len(missing) - len(damaged)
    return Backup(path, path.stat().st_size, objects, time.monotonic() - began, behind, missing + damaged)


def _consistent(databases: Mapping[str, Path], scratch: Path, held: "Held", patience: float) -> tuple[dict[str, Path], list[str]]:
    """Copies whose objects are held and whose runs' histories have caught up, if that comes to pass; with the runs that have not."""
    deadline = time.monotonic() + patience
    while True:
        held.hold()
        copies = snapshot.copy_databases(databases, scratch)
        held.hold()
        behind = snapshot.runs_behind(copies)
        vanished = held.store is not None and any(held.find(key) is None for key in snapshot.objects(copies))
        if (not behind and not vanished) or time.monotonic() > deadline:
            return copies, behind
        time.sleep(LOOK_AGAIN_SECONDS)


@dataclass(frozen=True)
class Held:
    """Second names of all objects in `store`. Where the file system has none, the objects themselves; then what is deleted is missing."""

    store: Path | None
    folder: Path

    def hold(self) -> None:
        for folder, _, names in os.walk(self.store) if self.store else ():
            mine = self.folder / Path(folder).relative_to(self.store or "")
            mine.mkdir(parents=True, exist_ok=True)
            for name in names:
                with contextlib.suppress(OSError):  # held already, deleted just now, or there are no links here
                    os.link(Path(folder) / name, mine / name)

    def find(self, key: str) -> Path | None:
        """The object itself first: what was written anew is right, and its old link may not be."""
        places = [self.store / key, self.folder / key] if self.store else []
        return next((place for place in places if place.is_file()), None)


def _add_object(archive: Writer, held: Held, key: str, expected: Contents) -> bool:
    """Once more where it is not what it should be: it may have been written at that moment. False where it is damaged."""
    for _ in range(2):
        file = held.find(key)
        with contextlib.suppress(FileNotFoundError):
            if file and archive.add(f"s3/{held.store.name if held.store else ''}/{key}", file, expected):
                return True
    return False


def local_databases(layout: Layout, environ: Mapping[str, str]) -> dict[str, Path]:
    """Raises BackupError where one is elsewhere, a PostgreSQL say."""
    found = {}
    for service in snapshot.SERVICES:
        url = database_url(environ, service, layout.data_dir)
        if not url.startswith(_SQLITE) or Path(url.removeprefix(_SQLITE)).resolve() != layout.data_dir / f"{service}.db":
            raise BackupError(f"the database of {service} is not in {layout.data_dir}; docs/operations.md says how to back up others")
        found[service] = layout.data_dir / f"{service}.db"
    return found


def has_own_store(layout: Layout, environ: Mapping[str, str]) -> bool:
    return environ.get("S3_ENDPOINT_URL", layout.url("s3")) == layout.url("s3")


def groundup_version() -> str:
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])


def _private_files(layout: Layout) -> dict[str, Path]:
    files = {f"secrets/{file.name}": file for file in sorted(layout.secrets.glob("*")) if file.is_file()}
    return files | ({"admin-token": layout.admin_token} if layout.admin_token.exists() else {})


def _file_in(target: Path, layout: Layout) -> Path:
    name = f"groundup-{time.strftime('%Y%m%d-%H%M%S')}.tar"
    path = (target / name if target.is_dir() else target).resolve()
    if path.exists():
        raise BackupError(f"{path} exists already; name another file")
    if not path.parent.is_dir():
        raise BackupError(f"there is no folder {path.parent}")
    if path.is_relative_to(layout.data_dir):
        raise BackupError(f"{path} is inside the data folder and would be lost with it; name a place elsewhere, on another disk at best")
    return path


def _need_room(path: Path, size: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < size:
        raise BackupError(f"the backup needs {size / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free in {path.parent}")


def _size(path: Path) -> int:
    return path.stat().st_size


@contextlib.contextmanager
def _whole_or_not_at_all(path: Path) -> Iterator[IO[bytes]]:
    """A file with this name only once everything is on the disk; readable by us alone."""
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:  # noqa: PTH123  (a Path cannot set the mode)
            yield out
            out.flush()
            os.fsync(out.fileno())
        partial.rename(path)
    except OSError as error:
        raise BackupError(f"{path} could not be written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(layout: Layout) -> Iterator[None]:
    """One backup at a time; what a killed one left is removed."""
    layout.run_dir.mkdir(parents=True, exist_ok=True)
    with (layout.run_dir / "backup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BackupError("another backup of this data folder is under way") from error
        for left in layout.data_dir.glob("backup-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def main() -> None:
    if len(sys.argv) > 2 or any(word.startswith("-") for word in sys.argv[1:]):
        sys.exit("usage: ./run backup [FILE or FOLDER]")
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit("no backup: it was ended"))  # so that nothing is left behind
    try:
        done = back_up(Layout.read(os.environ), os.environ, Path(sys.argv[1] if len(sys.argv) == 2 else "."))
    except BackupError as error:
        sys.exit(f"no backup: {error}")
    for run in done.behind:
        print(f"the history of run {run} does not reach its newest checkpoint yet; after a restore it would lack the steps between")
    for key in done.missing[:_TOLD]:
        print(f"{key} is missing or damaged in the store; the backup is without it")
    if len(done.missing) > _TOLD:
        print(f"and {len(done.missing) - _TOLD} more")
    print(f"{done.path}: 3 databases, {done.objects:,} objects, {done.bytes / 1e6:,.1f} MB in {done.seconds:.1f} s. It holds secrets.")


if __name__ == "__main__":
    main()
