"""Lines of `logs/rank*.log` as LogWritten events."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from shared.event import Event
from shared.training_events import LogWritten

LINE_BYTES: Final = 8 << 10
EVENT_BYTES: Final = 64 << 10
_RANK: Final = re.compile(r"rank(\d+)\.log")


class LogTail:
    """Follows the log files of one folder. Not for several threads. `offsets`: where to begin, by rank."""

    def __init__(self, folder: Path, offsets: Mapping[int, int] | None = None) -> None:
        self.folder = folder
        self.offsets: dict[int, int] = dict(offsets or {})

    def read(self, *, ended: bool = False) -> Iterator[LogWritten]:
        """What was written since the last call, whole lines only; with `ended` also a last line without its end."""
        for path in sorted(self.folder.glob("rank*.log")):
            if match := _RANK.fullmatch(path.name):
                yield from self._read_rank(path, int(match[1]), ended)

    def _read_rank(self, path: Path, rank: int, ended: bool) -> Iterator[LogWritten]:
        with path.open("rb") as file:
            while True:
                offset = self.offsets.get(rank, 0)
                file.seek(offset)
                block = file.read(EVENT_BYTES)
                taken = block[: _complete(block, ended)]
                if not taken:
                    return
                lines = [_text(line) for line in taken.removesuffix(b"\n").split(b"\n")]
                yield LogWritten(rank=rank, lines=lines, offset=offset + len(taken))
                self.offsets[rank] = offset + len(taken)


def told_before(events: Iterable[Event]) -> dict[int, int]:
    """How far the logs had been read by an agent before us, by rank."""
    return {event.rank: event.offset for event in events if isinstance(event, LogWritten) and event.offset is not None}


def _complete(block: bytes, ended: bool) -> int:
    """How many bytes of a block to report. A line longer than a block is cut there, or nothing would ever move."""
    if ended and len(block) < EVENT_BYTES:
        return len(block)
    end = block.rfind(b"\n") + 1
    return len(block) if not end and len(block) == EVENT_BYTES else end


def _text(line: bytes) -> str:
    """Bytes that are not UTF-8 become U+FFFD; a long line loses its end. Of a progress bar redrawn in place the last state counts."""
    text = line.rstrip(b"\r").rsplit(b"\r", 1)[-1]
    cut = text[:LINE_BYTES].decode(errors="replace")
    return f"{cut} [...]" if len(text) > LINE_BYTES else cut
