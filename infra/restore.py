"""`python -m infra.restore [--check] FILE`: make the data folder what it was when FILE was written; or only look whether one could.

The folder must be empty and nothing may run. Everything is unpacked and compared first, then moved into its place.
"""

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from alembic.script import ScriptDirectory

from infra.archive import BackupError, Contents, Head, read_head, unpack
from infra.backup import has_own_store, local_databases
from infra.embedded import our_processes
from infra.layout import ROOT, Layout


def restore(layout: Layout, environ: Mapping[str, str], path: Path) -> tuple[Head, dict[str, Contents]]:
    """Raises BackupError; then the data folder is as empty as it was."""
    head = read_head(path)
    must_fit(head, layout, environ)
    must_be_empty(layout)
    local_databases(layout, environ)
    layout.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    layout.data_dir.chmod(0o700)
    unpacked = layout.data_dir / "restoring"
    try:
        _need_room(path, layout)
        with _private():
            contents = unpack(path, unpacked)
        os.sync()
        for entry in sorted(unpacked.iterdir()):
            entry.rename(layout.data_dir / entry.name)
    except OSError as error:
        raise BackupError(f"{layout.data_dir} cannot be written: {error.strerror}") from error
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    return head, contents


@contextlib.contextmanager
def _private() -> Iterator[None]:
    """Folders that are made meanwhile are ours alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def must_fit(head: Head, layout: Layout, environ: Mapping[str, str]) -> None:
    """To the code that is here, and to its settings."""
    for service, revision in head.revisions.items():
        if revision not in known_revisions(service):
            told = f"its database of {service} is at revision {revision}, which this version of Groundup does not know"
            raise BackupError(f"the backup was made by a newer version ({head.groundup}): {told}; install that version, then restore")
    if head.bucket and has_own_store(layout, environ) and head.bucket != layout.bucket:
        raise BackupError(f"its objects are in bucket {head.bucket}, the settings say {layout.bucket}; set S3_BUCKET={head.bucket}")
    if head.bucket and not has_own_store(layout, environ):
        raise BackupError("the backup holds its objects, but S3_ENDPOINT_URL says that they are elsewhere; unset it")
    if not head.bucket and has_own_store(layout, environ):
        raise BackupError("the backup's objects are in an S3 of their own; set S3_ENDPOINT_URL and its keys as they were")


def known_revisions(service: str) -> set[str]:
    folder = ROOT / "services" / service / "migrations"
    return {script.revision for script in ScriptDirectory(str(folder)).walk_revisions()}


def must_be_empty(layout: Layout) -> None:
    if running := our_processes(layout):
        raise BackupError(f"Groundup runs on {layout.data_dir} ({len(running)} processes); `./run down` first")
    if layout.data_dir.exists() and {entry.name for entry in layout.data_dir.iterdir()} - {"lost+found"}:
        raise BackupError(f"{layout.data_dir} is not empty; move it away first, or set GROUNDUP_DATA_DIR to another folder")


def _need_room(path: Path, layout: Layout) -> None:
    size, free = path.stat().st_size, shutil.disk_usage(layout.data_dir).free
    if free < size:
        raise BackupError(f"the backup has {size / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free in {layout.data_dir}")


def main() -> None:
    check, files = "--check" in sys.argv[1:], [word for word in sys.argv[1:] if word != "--check"]
    if len(files) != 1 or files[0].startswith("-"):
        sys.exit("usage: ./run restore [--check] FILE")
    layout, path, began = Layout.read(os.environ), Path(files[0]), time.monotonic()
    try:
        if check:
            head, contents = read_head(path), unpack(path, None)
        else:
            head, contents = restore(layout, os.environ, path)
    except BackupError as error:
        sys.exit(f"not restored: {error}")
    made = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(head.made_at))
    size = sum(file.bytes for file in contents.values())
    print(f"{len(contents):,} files, {size / 1e6:,.1f} MB, as of {made}: every byte is right ({time.monotonic() - began:.1f} s)")
    if head.missing:
        print(f"{len(head.missing):,} objects were missing already when the backup was made, such as {head.missing[0]}")
    if not check:
        print(f"{layout.data_dir} is restored; start with `./run up`")


if __name__ == "__main__":
    main()
