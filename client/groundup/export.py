"""Unpacking an exported checkpoint: a tar that is made while it is sent, and whose last file tells the hashes of the others."""

import hashlib
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from groundup.problems import LocalProblem

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_SUMS: Final = "SHA256SUMS"
_CHUNK: Final = 1 << 20


class _Reader:
    """Chunks as the file that tarfile reads from, in pieces as large as they are: every read copies what is left of one."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks, self.left = chunks, b""

    def read(self, count: int) -> bytes:
        while len(self.left) < count and (chunk := next(self.chunks, b"")):
            self.left += chunk
        data, self.left = self.left[:count], self.left[count:]
        return data


def unpack(chunks: Iterator[bytes], folder: Path) -> Path:
    """The one folder in the tar, below `folder`. Raises LocalProblem where it is no export, differs from its hashes, or exists already."""
    folder.mkdir(parents=True, exist_ok=True)
    incoming = Path(tempfile.mkdtemp(prefix=".incoming-", dir=folder))
    try:
        name = _extract(chunks, incoming)
        target = folder / name
        if target.exists():
            raise LocalProblem(f"{target} exists already", remedy="remove it, or export to another folder")
        (incoming / name).rename(target)
        return target
    except tarfile.TarError as error:
        remedy = "try again; if it stays so, the stored checkpoint is damaged: `groundup checkpoint verify` tells"
        raise LocalProblem(f"the export broke off: {error}", remedy=remedy) from error
    finally:
        shutil.rmtree(incoming, ignore_errors=True)


def _extract(chunks: Iterator[bytes], into: Path) -> str:
    reader = _Reader(chunks)
    digests: dict[str, str] = {}
    root = ""
    with tarfile.open(fileobj=reader, mode="r|", bufsize=_CHUNK) as archive:  # type: ignore[call-overload]
        for member in archive:
            folder, _, name = member.name.partition("/")
            root = root or folder
            if not member.isreg() or folder != root or not _NAME.fullmatch(folder) or not _NAME.fullmatch(name):
                raise LocalProblem(f"the server sent '{member.name}', which is no file of an export", remedy="do not trust this server")
            (into / folder).mkdir(exist_ok=True)
            content = archive.extractfile(member)
            assert content is not None, "a regular file has content"
            digests[name] = _write(content, into / folder / name)
    if _SUMS not in digests:
        raise LocalProblem("the export has no SHA256SUMS: it broke off", remedy="try again")
    _check(into / root / _SUMS, digests)
    return root


def _write(content: IO[bytes], target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("xb") as out:
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()


def _check(sums: Path, found: dict[str, str]) -> None:
    told = {line[66:]: line[:64] for line in sums.read_text().splitlines()}
    if told.keys() != found.keys() - {_SUMS}:
        raise LocalProblem(f"SHA256SUMS names {sorted(told)}, the export has {sorted(found)}", remedy="try again")
    for name, digest in told.items():
        if found[name] != digest:
            raise LocalProblem(f"{name} arrived damaged: its SHA-256 is not {digest[:12]}...", remedy="export again, or take another one")
