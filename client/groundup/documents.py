"""Which text files a push takes, under which names, and whether they are text."""

import codecs
import glob
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from groundup.problems import LocalProblem

_CHUNK: Final = 1 << 20


@dataclass(frozen=True)
class Document:
    """A file as it will be in the dataset: under `path`, which uses '/'."""

    path: str
    source: Path
    size: int

    def read(self, offset: int, size: int) -> bytes:
        with self.source.open("rb") as file:
            file.seek(offset)
            return file.read(size)


@dataclass(frozen=True)
class BadFile:
    source: Path
    why: str


def find_documents(paths: Sequence[str]) -> list[Document]:
    """Files, folders (all files below, without hidden ones) and globs, in the order of their names in the dataset.

    A file keeps its name; below a folder names are relative to it, and begin with its name where several paths are given.
    Raises LocalProblem where a path is not there or two files would have the same name.
    """
    found: dict[str, Path] = {}
    for name, source in (pair for path in paths for pair in _expand(path, several=len(paths) > 1)):
        if name in found and found[name] != source:
            raise LocalProblem(f"{found[name]} and {source} would both be '{name}'", remedy="push the folder above them, or rename one")
        found[name] = source
    if not found:
        raise LocalProblem(f"no files in {', '.join(paths)}", remedy="name text files, or folders with text files")
    return [Document(name, source, _size(source)) for name, source in sorted(found.items())]


def check(documents: Iterable[Document]) -> tuple[list[Document], list[BadFile]]:
    """Split into those that can be trained on and those that cannot: empty ones, and what is not UTF-8. Reads every byte."""
    good, bad = [], []
    for document in documents:
        if why := _fault(document.source):
            bad.append(BadFile(document.source, why))
        else:
            good.append(document)
    return good, bad


def _expand(path: str, *, several: bool) -> Iterator[tuple[str, Path]]:
    given = Path(path).expanduser()
    if given.is_dir():
        prefix = f"{given.resolve().name}/" if several else ""
        yield from ((prefix + name, source) for name, source in _below(given))
    elif given.exists():
        yield given.name, given
    elif glob.has_magic(path):
        yield from _matching(str(given))
    else:
        raise LocalProblem(f"{path}: no such file or folder", remedy="give files, folders or a quoted pattern like 'books/*.txt'")


def _matching(pattern: str) -> Iterator[tuple[str, Path]]:
    """Names are relative to the part of the pattern in front of the first wildcard."""
    plain = []
    for part in Path(pattern).parts:
        if glob.has_magic(part):
            break
        plain.append(part)
    top = Path(*plain)
    files = [file for file in top.glob(str(Path(pattern).relative_to(top))) if _visible(file, top)]
    if not files:
        raise LocalProblem(f"{pattern}: no file matches", remedy="check the pattern; '**' matches folders of any depth")
    yield from ((file.relative_to(top).as_posix(), file) for file in files)


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    for source in folder.rglob("*"):
        if _visible(source, folder):
            yield source.relative_to(folder).as_posix(), source


def _visible(file: Path, top: Path) -> bool:
    return file.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in file.relative_to(top).parts)


def _size(source: Path) -> int:
    try:
        return source.stat().st_size
    except OSError as error:
        raise LocalProblem(f"{source}: {error.strerror}") from error


def _fault(source: Path) -> str:
    """Why a file cannot be trained on; '' where it can."""
    decoder, size, decoded = codecs.getincrementaldecoder("utf-8")(), 0, 0
    try:
        with source.open("rb") as file:
            while chunk := file.read(_CHUNK):
                decoder.decode(chunk)
                size += len(chunk)
                decoded = size - len(decoder.getstate()[0])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return f"not UTF-8 (byte {error.object[error.start]:#04x} at offset {decoded + error.start})"
    except OSError as error:
        return f"not readable: {error.strerror}"
    return "" if size else "empty"
