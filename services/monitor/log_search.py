"""Looking through a log's chunks for text or errors, a bounded piece at a time."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final, Protocol

from services.monitor.error_lines import is_error
from serving.times import iso

SEARCH_BYTES: Final = 16 << 20
"""What is read of the log for one page: where it is met before the page is full, the page ends there, and its cursor goes on."""
CHUNK_BYTES: Final = 1 << 10
"""What a chunk costs besides its text, since a log of many small chunks is slow as well."""
_TURN_BYTES: Final = 1 << 20


class Chunk(Protocol):
    """A row of `log_chunks`."""

    first_line: int
    count: int
    rank: int
    attempt: int
    at: float
    text: bytes
    errors: int | None


class Pattern:
    """Which lines are looked for.

    text: in upper or lower case; of ASCII letters only where it is ASCII itself. errors: only lines that tell one.
    """

    def __init__(self, text: str | None = None, *, errors: bool = False) -> None:
        self.fold = bytes.lower if text is None or text.isascii() else _casefold
        self.needle = self.fold((text or "").encode())
        self.errors = errors

    @property
    def takes_all(self) -> bool:
        return not self.needle and not self.errors

    def lines(self, chunk: Chunk) -> list[dict[str, Any]]:
        """Those of a chunk, in order."""
        folded = self.fold(chunk.text) if self.needle else chunk.text
        if self.needle not in folded:
            return []
        return list(self._matching(chunk, folded))

    def _matching(self, chunk: Chunk, folded: bytes) -> Iterator[dict[str, Any]]:
        at = iso(chunk.at)
        for number, line, searched in zip(count(chunk.first_line), chunk.text.split(b"\n"), folded.split(b"\n"), strict=False):
            if self.needle not in searched:
                continue
            text = line.decode()
            error = chunk.errors != 0 and is_error(text)
            if error or not self.errors:
                yield {"rank": chunk.rank, "line": number, "attempt": chunk.attempt, "at": at, "text": text, "error": error}


@dataclass
class Page:
    """At most `limit` lines from `first` on and before `end`; `newest_first`: back from `end`.

    next_line: where to go on, as the next page's `first` (or `end`); complete: there is no more for now.
    """

    first: int
    end: int
    limit: int
    newest_first: bool
    lines: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = False

    def __post_init__(self) -> None:
        self.next_line = self.end if self.newest_first else self.first

    def fill(self, chunks: Iterable[Chunk], pattern: Pattern) -> "Page":
        read, turn = 0, _TURN_BYTES
        for chunk in chunks:
            if not self._take(chunk, pattern.lines(chunk)) or read >= SEARCH_BYTES:
                return self
            read += len(chunk.text) + CHUNK_BYTES
            if read >= turn:
                turn = read + _TURN_BYTES
                time.sleep(0)  # takes turns with the sockets of the same process
        self.complete = True
        return self

    def _take(self, chunk: Chunk, found: list[dict[str, Any]]) -> bool:
        """Whether all of them had room."""
        found = [line for line in found if self.first <= line["line"] < self.end]
        room = self.limit - len(self.lines)
        taken = (found[::-1] if self.newest_first else found)[:room]
        self.lines += taken
        if len(taken) < len(found):
            last = self.lines[-1]["line"]
            self.next_line = last if self.newest_first else last + 1
            return False
        self.next_line = max(self.first, chunk.first_line if self.newest_first else chunk.first_line + chunk.count)
        return True


def _casefold(text: bytes) -> bytes:
    return text.decode().casefold().encode()
