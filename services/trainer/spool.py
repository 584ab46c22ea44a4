"""The spool: files of events that one producer appends to and never waits on (records.py has their bytes).

    spool                       the first segment
    spool.000000000067108864    a later one, named by how many bytes all segments before it had

A place in a spool is counted in bytes over all its segments, so it stays right when old ones are removed (pruning.py).
"""

import contextlib
import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgpack

from services.trainer.gaps import DROPPABLE, Gap
from services.trainer.records import Damaged, first_sound, framed, lost_records, read_record
from services.trainer.rundir import AttemptOrder, RunDirectory
from services.trainer.settings import SPOOL_BYTES
from shared.conversation import Claim
from shared.crash import crash_point
from shared.events import AnyEvent, Record
from shared.training_events import StepCompleted

BLOCK_BYTES: Final = 1 << 20
SEGMENT_BYTES: Final = 64 << 20
THINNED: Final = 100
"""Beyond the limit one step of so many is still told, until the limit is exceeded by an eighth."""


def segment_bytes(limit: int) -> int:
    """Of a spool of `limit` bytes: small enough that removing one keeps most of it."""
    return max(1, min(SEGMENT_BYTES, limit // 16))


def segments(path: Path) -> list[tuple[int, Path]]:
    """Those that are there, in order, each with the place of its first byte."""
    later = [(int(file.suffix[1:]), file) for file in path.parent.glob(f"{path.name}.[0-9]*")]
    return [*([(0, path)] if path.exists() else []), *sorted(later)]


class SpoolWriter:
    """Appends events. A record goes out in one write, so a kill leaves at most one torn record, at the end, which reopening cuts off. Of a
    damaged end the numbers are left out, since Redis may know them: whoever ships the spool tells of the hole.

    Beyond `limit` bytes steps and log lines are left out, but for one in a hundred, and counted: an EventsDropped tells of them at their
    place. All other events are always written, but for what no reader would take.
    """

    def __init__(self, path: Path, *, run_id: str, attempt: int, fence: int, producer: str, limit: int = SPOOL_BYTES) -> None:
        self.path, self.limit, self.run_id = path, limit, run_id
        self.head = {"run_id": run_id, "attempt": attempt, "fence": fence, "producer": producer}
        self.packer = msgpack.Packer(use_bin_type=True)
        found = segments(path) or [(0, path)]
        self.first, (self.base, newest) = found[0][0], found[-1]
        self.producer_seq, self.end = 0, self.base
        for base, _ in reversed(found):  # the newest may be empty still
            for records, end in sound_blocks(path, base) if self.producer_seq == 0 else ():
                self.producer_seq, self.end = records[-1].producer_seq, max(self.base, end)
        self.file = os.open(newest, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        unread = os.fstat(self.file).st_size - (self.end - self.base)
        self.producer_seq += lost_records(os.pread(self.file, unread, self.end - self.base))
        os.ftruncate(self.file, self.end - self.base)
        self.gap, self.dropping = Gap(), False

    def emit(self, event: AnyEvent) -> None:
        """Raises OSError where there is no room; then nothing of it is in the file and its number is not used up."""
        full = self.end - self.first >= self.limit
        if full and isinstance(event, DROPPABLE) and not self._is_spared():
            self.drop(event, f"the worker's spool has reached its {self.limit} bytes, and the history does not catch up")
            return
        if self.gap:
            self._tell_gap()
        try:
            self._write(event)
        except ValueError as error:
            self.drop(event, f"{event.type} is too large for an event: {error}")
            return
        if not full:
            self.dropping = False

    def drop(self, event: AnyEvent, reason: str) -> None:
        """Count it among those that are left out. The first is told at once, so that no kill leaves a gap that nobody knows of."""
        self.gap.add(event, reason)
        if not self.dropping:
            self.dropping = True
            with contextlib.suppress(OSError):  # told with the next event that finds room
                self._tell_gap()

    def _is_spared(self) -> bool:
        """Whether an event finds a place after all: the agent has made room, or enough were left out before it."""
        found = segments(self.path)
        self.first = found[0][0] if found else self.base
        size = self.end - self.first
        return size < self.limit or (self.gap.count >= THINNED - 1 and size < self.limit + self.limit // 8)

    def _tell_gap(self) -> None:
        self._write(self.gap.told())
        self.gap = Gap()

    def _write(self, event: AnyEvent) -> None:
        data = framed(self.packed(event, time.time()))
        if self.end > self.base and self.end + len(data) > self.base + segment_bytes(self.limit):
            self._begin_segment()
        written = os.write(self.file, data)
        if written < len(data):
            os.ftruncate(self.file, self.end - self.base)
            raise OSError(errno.ENOSPC, "no room for an event in the spool")
        self.end += written
        self.producer_seq += 1

    def packed(self, event: AnyEvent, at: float) -> bytes:
        """The next record's bytes, those of Record.pack. Steps are most of all events and are flat: their fields are packed as they are."""
        fields: dict[str, Any] = event.__dict__ if isinstance(event, StepCompleted) else event.model_dump()
        packed: bytes = self.packer.pack({**self.head, "producer_seq": self.producer_seq + 1, "at": at, "event": fields})
        return packed

    def _begin_segment(self) -> None:
        crash_point("spool.before_segment")
        path = self.path.with_name(f"{self.path.name}.{self.end:018d}")
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.close(self.file)
        self.file, self.base = file, self.end
        crash_point("spool.after_segment")

    def touch(self) -> None:
        """A sign of life that needs no room: whoever watches the file sees its time."""
        with contextlib.suppress(OSError):  # a disk that takes nothing at all any more
            os.utime(self.file)

    def close(self) -> None:
        """What was left out last is told, if there is room."""
        if self.gap:
            with contextlib.suppress(OSError):
                self._tell_gap()
        os.close(self.file)


def notes_of(directory: RunDirectory, whose: AttemptOrder | Claim, limit: int) -> SpoolWriter:
    """What the agent itself says about an attempt."""
    producer = f"agent-{whose.attempt}"
    return SpoolWriter(directory.agent_spool, run_id=whose.run_id, attempt=whose.attempt, fence=whose.fence, producer=producer, limit=limit)


def read_spool(path: Path, offset: int, limit: int = 1 << 62) -> tuple[list[Record], int]:
    """Up to about `limit` bytes of records from a place on, and the place behind them. A torn end is left for the next read; what is not
    there any more is passed over.

    Torn is an end behind which nothing can be read, whatever a kill or a power cut has made of it. Raises Damaged where there is more.
    """
    records: list[Record] = []
    found = segments(path)
    offset = max(offset, found[0][0]) if found else offset
    stop = offset + limit
    for number, (base, file) in enumerate(found, 1):
        end = found[number][0] if number < len(found) else None
        if (end is None or offset < end) and offset < stop:
            taken, offset, whole = _read_segment(file, base, max(offset, base), stop)
            records += taken
            if not whole or (end is not None and offset < min(end, stop)):
                sound = _first_sound(found, offset)
                if sound is not None and sound > offset:  # or it was being written just now
                    raise Damaged(f"{path}: what begins at byte {offset} is damaged", records, offset, sound)
                break
    return records, offset


def read_sound(path: Path, offset: int, limit: int) -> tuple[list[Record], int]:
    """As `read_spool`, but no further than to what is damaged."""
    try:
        return read_spool(path, offset, limit)
    except Damaged as damage:
        return damage.before, damage.place


def _read_segment(path: Path, base: int, offset: int, stop: int) -> tuple[list[Record], int, bool]:
    """And whether nothing was found that cannot be read."""
    records: list[Record] = []
    with path.open("rb") as file:
        file.seek(offset - base)
        while offset < stop:
            record, size = read_record(file)
            if record is None:
                return records, offset, size == 0
            records.append(record)
            offset += size
    return records, offset, True


def _first_sound(found: list[tuple[int, Path]], offset: int) -> int | None:
    """The place of the first record from `offset` on that can be read, None where there is none, or none yet."""
    for number, (base, file) in enumerate(found, 1):
        if number == len(found) or offset < found[number][0]:
            begin = max(offset, base)
            with file.open("rb") as opened:
                opened.seek(begin - base)
                place = first_sound(opened.read())
            if place is not None:
                return begin + place
    return None


def blocks(path: Path, offset: int) -> Iterator[tuple[list[Record], int]]:
    """All that `read_spool` would give, some at a time: the spool of weeks does not fit into memory."""
    while (block := read_spool(path, offset, BLOCK_BYTES))[0]:
        yield block
        offset = block[1]


def sound_blocks(path: Path, offset: int) -> Iterator[tuple[list[Record], int]]:
    """As `blocks`, but what is damaged is passed over."""
    while True:
        try:
            records, end = read_spool(path, offset, BLOCK_BYTES)
            following = end
        except Damaged as damage:
            records, end, following = damage.before, damage.place, damage.sound
        if records:
            yield records, end
        if following == offset:
            return
        offset = following


def sound_records(path: Path) -> Iterator[Record]:
    return (record for records, _ in sound_blocks(path, 0) for record in records)
