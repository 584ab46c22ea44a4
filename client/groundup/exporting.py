"""Exporting a run's metric points: a stream into a file that is there only when it is whole."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from groundup.problems import LocalProblem

SUFFIXES: Final = {"csv": ".csv", "jsonl": ".jsonl", "parquet": ".parquet", "tensorboard": "-tensorboard.zip"}
"""By format: how the file's name ends."""


@contextmanager
def whole_file(path: Path, *, force: bool) -> Iterator[IO[bytes]]:
    """A file to write to, which becomes `path` when the block ends well; else nothing is left of it.

    Raises LocalProblem where `path` exists, unless `force`, or where it cannot be written.
    """
    try:
        must_be_new(path, force=force)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".incoming-", delete=False) as file:
            incoming = Path(file.name)
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                incoming.chmod(0o666 & ~_umask())
                must_be_new(path, force=force)  # it may have come meanwhile
                incoming.replace(path)
            finally:
                incoming.unlink(missing_ok=True)
    except OSError as error:
        raise LocalProblem(f"{path} cannot be written: {error.strerror or error}", remedy="choose another file or folder") from error


def must_be_new(path: Path, *, force: bool) -> None:
    """Raises LocalProblem."""
    if path.is_dir():
        raise LocalProblem(f"{path} is a folder", remedy="name a file in it")
    if path.exists() and not force:
        raise LocalProblem(f"{path} exists already", remedy="give another name, or --force to replace it (`force=True` in Python)")


def _umask() -> int:
    """Which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
