"""The file that a backup is: a tar whose first member says what it is, and whose last one lists all others with their SHA-256.

It is written and read in one go and never held in memory. What is read back is anybody's file until its list has been compared: members
are plain files below the few names that a backup has, and nothing else.
"""

import hashlib
import json
import os
import re
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Protocol

FORMAT: Final = 1
HEAD: Final = "backup.json"
LIST: Final = "manifest.json"
_PART: Final = r"(?!\.\.?(?:/|$))[^/\0]+"
NAMES: Final = re.compile(rf"(?:api|storage|monitor)\.db|admin-token|secrets/{_PART}|s3(?:/{_PART}){{2,}}")
"""What a backup may hold; nothing of it leads out of the folder it is unpacked in."""
SMALL: Final = 2 * 1024**3
"""The most bytes that a head or a list may have."""
_BLOCK: Final = 1024 * 1024


class BackupError(Exception):
    """Why there is no backup, or why one is not restored, in a sentence for the person who asked."""


@dataclass(frozen=True)
class Head:
    """revisions: of each database. bucket: empty where the objects are in another S3. missing: objects that the databases know and that
    were not to be found, or were damaged, when this was written."""

    groundup: str
    made_at: float
    bucket: str
    revisions: dict[str, str]
    missing: list[str]
    format: int = FORMAT


@dataclass(frozen=True)
class Contents:
    bytes: int
    sha256: str


class _Readable(Protocol):
    def read(self, size: int = 0, /) -> bytes: ...


@dataclass
class _Measured:
    """Hashes what is read. A file that has become shorter is filled up with zeros, since the tar has told its size already."""

    file: _Readable
    digest: Any = field(default_factory=hashlib.sha256)

    def read(self, size: int = 0, /) -> bytes:
        data = self.file.read(size)
        self.digest.update(data)
        return data + bytes(size - len(data))


class Writer:
    """`with Writer(out) as archive:`; what was added is listed when the block ends without an exception."""

    def __init__(self, out: IO[bytes], head: Head) -> None:
        self.tar = tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115  (closed by __exit__)
        self.listed: dict[str, Contents] = {}
        self._add_json(HEAD, asdict(head))

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._add_json(LIST, {name: asdict(contents) for name, contents in self.listed.items()})
            self.tar.close()

    def add(self, name: str, path: Path, expected: Contents | None = None) -> bool:
        """False, and not listed, where the bytes are not what was expected. A later member of the same name stands for it."""
        if not NAMES.fullmatch(name):
            raise BackupError(f"{name!r} could not be restored")
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            size = expected.bytes if expected else status.st_size
            measured = _Measured(file)
            self.tar.addfile(_member(name, size, int(status.st_mtime)), measured)
        found = Contents(size, measured.digest.hexdigest())
        if expected and (found != expected or status.st_size != size):
            return False
        self.listed[name] = found
        return True

    def _add_json(self, name: str, value: object) -> None:
        data = json.dumps(value).encode()
        measured = _Measured(_Bytes(data))
        self.tar.addfile(_member(name, len(data), 0), measured)


@dataclass
class _Bytes:
    data: bytes
    at: int = 0

    def read(self, size: int = 0, /) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]


def _member(name: str, size: int, mtime: int) -> tarfile.TarInfo:
    """Nobody's but its owner's, and the owner is whoever unpacks it."""
    member = tarfile.TarInfo(name)
    member.size, member.mtime, member.mode = size, mtime, 0o600
    return member


def read_head(path: Path) -> Head:
    """Raises BackupError where this is no backup, or one that a newer version has written."""
    with _opened(path) as tar:
        first = tar.next()
        if first is None or first.name != HEAD:
            raise BackupError(f"{path} is not a backup: it does not begin with {HEAD}")
        told = json.loads(_small(tar, first))
        if told["format"] > FORMAT:
            raise BackupError(
                f"{path} has format {told['format']}, this version of Groundup reads {FORMAT}; "
                f"it was written by version {told.get('groundup', '?')}, install that one"
            )
        return Head(**told)


def unpack(path: Path, into: Path | None) -> dict[str, Contents]:
    """Write every file below `into`, or nowhere, to look whether all is well. Raises BackupError where one is not what the list says."""
    found: dict[str, Contents] = {}
    listed: dict[str, Contents] | None = None
    with _opened(path) as tar:
        for member in tar:
            if member.name == HEAD:
                continue
            if member.name == LIST:
                listed = {name: Contents(**contents) for name, contents in json.loads(_small(tar, member)).items()}
            elif not member.isreg() or not NAMES.fullmatch(member.name):
                raise BackupError(f"{path} holds {member.name!r}, which no backup has")
            else:
                found[member.name] = _take(tar, member, into)
    if listed is None:
        raise BackupError(f"{path} ends before its list of files: it was cut off")
    for name in found.keys() - listed.keys():
        if into:
            (into / name).unlink()
    for name, contents in listed.items():
        if found.get(name) != contents:
            raise BackupError(f"{path} is damaged: {name} {'is missing' if name not in found else 'has other bytes than were written'}")
    return listed


def _take(tar: tarfile.TarFile, member: tarfile.TarInfo, into: Path | None) -> Contents:
    digest = hashlib.sha256()
    for block, out in _blocks(tar, member, into):
        digest.update(block)
        if out:
            out.write(block)
    if into:
        os.utime(into / member.name, (member.mtime, member.mtime))
    return Contents(member.size, digest.hexdigest())


def _blocks(tar: tarfile.TarFile, member: tarfile.TarInfo, into: Path | None) -> Iterator[tuple[bytes, IO[bytes] | None]]:
    """With each block where to write it, readable by us alone from its first byte."""
    source = tar.extractfile(member)
    assert source is not None, "a regular file"
    if into is None:
        while block := source.read(_BLOCK):
            yield block, None
        return
    target = into / member.name
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:  # noqa: PTH123  (a Path cannot set the mode)
        while block := source.read(_BLOCK):
            yield block, out


def _small(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member) if member.isreg() and member.size <= SMALL else None
    if file is None:
        raise BackupError(f"{member.name} is not what it should be")
    return file.read()


class _opened:  # noqa: N801  (a context manager, used as one)
    """A tar to read. What is wrong with its bytes becomes a BackupError."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> tarfile.TarFile:
        try:
            self.tar = tarfile.open(self.path, mode="r:")
        except tarfile.TarError as error:
            raise BackupError(f"{self.path} is not a backup: {error}") from error
        except OSError as error:
            raise BackupError(f"{self.path} cannot be read: {error.strerror}") from error
        return self.tar

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.tar.close()
        if isinstance(error, tarfile.TarError | EOFError | json.JSONDecodeError | UnicodeDecodeError | TypeError | KeyError):
            raise BackupError(f"{self.path} is damaged: {error}") from error
