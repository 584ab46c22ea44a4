"""Cutting documents, laid end to end, into parts that storage keeps under their SHA-256.

A part ends between two documents where it can, and inside one only where that one is larger than a part; then between two characters.
So equal files mostly make equal parts, which are stored and sent once.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from groundup.documents import Document
from groundup.problems import LocalProblem

PART_BYTES: Final = 64 << 20
"""Largest part that storage takes."""
_LONGEST_CHARACTER: Final = 4


@dataclass(frozen=True)
class Piece:
    document: Document
    offset: int
    size: int


@dataclass(frozen=True)
class Part:
    sha256: str
    size: int
    pieces: tuple[Piece, ...]

    def read(self) -> bytes:
        """Raises LocalProblem where a file is no longer what it was when the part was cut."""
        content = _read(self.pieces)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            names = ", ".join(sorted({str(piece.document.source) for piece in self.pieces})[:3])
            raise LocalProblem(f"changed while it was pushed: one of {names}", remedy="push again when nothing writes to it")
        return content


def cut(documents: Iterable[Document], limit: int = PART_BYTES) -> list[Part]:
    """Parts of at most `limit` bytes (at least 4) that joined are the documents joined."""
    return [_hashed(pieces) for pieces in _grouped(_pieces(documents, limit), limit)]


def _pieces(documents: Iterable[Document], limit: int) -> Iterator[Piece]:
    for document in documents:
        offset = 0
        while document.size - offset > limit:
            size = _between_characters(document, offset, limit)
            yield Piece(document, offset, size)
            offset += size
        yield Piece(document, offset, document.size - offset)


def _between_characters(document: Document, offset: int, limit: int) -> int:
    """The largest size up to `limit` after which a character begins."""
    first = limit - _LONGEST_CHARACTER + 1
    following = document.read(offset + first, _LONGEST_CHARACTER)
    for back in range(len(following) - 1, -1, -1):
        if following[back] & 0b1100_0000 != 0b1000_0000:
            return first + back
    raise LocalProblem(f"{document.source}: not UTF-8 near offset {offset + limit}", remedy="convert it to UTF-8, or --skip-bad")


def _grouped(pieces: Iterable[Piece], limit: int) -> Iterator[tuple[Piece, ...]]:
    group: list[Piece] = []
    size = 0
    for piece in pieces:
        if group and size + piece.size > limit:
            yield tuple(group)
            group, size = [], 0
        group.append(piece)
        size += piece.size
    if group:
        yield tuple(group)


def _hashed(pieces: tuple[Piece, ...]) -> Part:
    content = _read(pieces)
    return Part(hashlib.sha256(content).hexdigest(), len(content), pieces)


def _read(pieces: tuple[Piece, ...]) -> bytes:
    return b"".join(piece.document.read(piece.offset, piece.size) for piece in pieces)
