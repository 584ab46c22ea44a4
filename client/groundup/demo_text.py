"""The demo's default text: Python's own standard library, of the interpreter that runs this. Real, there already, and several MB."""

import hashlib
import shutil
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from groundup.documents import Document, check
from groundup.problems import LocalProblem

MOST_BYTES: Final = 8_000_000
_LEFT_OUT: Final = frozenset(
    {"test", "tests", "idlelib", "lib2to3", "site-packages", "dist-packages", "__pycache__", "encodings", "pydoc_data"}
)
"""The last two are large tables rather than text."""


def collect(folder: Path, *, source: Path | None = None, most_bytes: int = MOST_BYTES) -> list[Document]:
    """Copy modules of the standard library into `folder`, which is emptied first; returns what it holds now. The same interpreter
    gives the same choice, spread over the library by the hash of the names.
    """
    library = source or Path(sysconfig.get_path("stdlib"))
    chosen = _up_to(most_bytes, _modules(library, library))
    if not chosen:
        raise LocalProblem(f"no Python sources in {library}", remedy="name text of your own with --text PATH")
    shutil.rmtree(folder, ignore_errors=True)
    for document in chosen:
        target = folder / document.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(document.source, target)
    return chosen


def _modules(folder: Path, library: Path) -> Iterator[Document]:
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and entry.name not in _LEFT_OUT:
            yield from _modules(entry, library)
        elif entry.suffix == ".py" and entry.is_file():
            yield Document(entry.relative_to(library).as_posix(), entry, entry.stat().st_size)


def _up_to(most_bytes: int, documents: Iterable[Document]) -> list[Document]:
    chosen, size = [], 0
    for document in sorted(documents, key=lambda document: hashlib.sha256(document.path.encode()).digest()):
        fits = size + document.size <= most_bytes
        if fits and check([document])[0]:
            chosen.append(document)
            size += document.size
    return chosen
