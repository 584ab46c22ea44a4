"""The spool: a file of events that one producer appends to and never waits on. A record is its length, its CRC-32 (each 4 bytes, little
endian) and the packed `shared.events.Record`."""

import contextlib
import errno
import os
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from shared.events import AnyEvent, Record, unpack

_HEADER: Final = struct.Struct("<II")
BLOCK_BYTES: Final = 1 << 20


class SpoolWriter:
    """Appends events. A record goes out in one write, so a kill leaves at most one torn record, at the end, which reopening cuts off."""

    def __init__(self, path: Path, *, run_id: str, attempt: int, fence: int, producer: str) -> None:
        count = end = 0
        for records, behind in blocks(path, 0) if path.exists() else ():
            count, end = count + len(records), behind
        self.run_id, self.attempt, self.fence, self.producer = run_id, attempt, fence, producer
        self.producer_seq = count
        self.file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.ftruncate(self.file, end)

    def emit(self, event: AnyEvent) -> None:
        """Raises OSError where there is no room; then nothing of it is in the file and its number is not used up."""
        record = Record(
            run_id=self.run_id,
            attempt=self.attempt,
            fence=self.fence,
            producer=self.producer,
            producer_seq=self.producer_seq + 1,
            at=time.time(),
            event=event,
        )
        payload = record.pack()
        data = _HEADER.pack(len(payload), zlib.crc32(payload)) + payload
        written = os.write(self.file, data)
        if written < len(data):
            os.ftruncate(self.file, os.fstat(self.file).st_size - written)
            raise OSError(errno.ENOSPC, "no room for an event in the spool")
        self.producer_seq += 1

    def touch(self) -> None:
        """A sign of life that needs no room: whoever watches the file sees its time."""
        with contextlib.suppress(OSError):  # a disk that takes nothing at all any more
            os.utime(self.file)

    def close(self) -> None:
        os.close(self.file)


def read_spool(path: Path, offset: int, limit: int = 1 << 62) -> tuple[list[Record], int]:
    """Up to about `limit` bytes of complete records from a byte offset, and the offset behind them. A torn end is left for the next read.

    Raises ValueError where a complete record is damaged.
    """
    records = []
    with path.open("rb") as file:
        file.seek(offset)
        stop = offset + limit
        while offset < stop and len(header := file.read(_HEADER.size)) == _HEADER.size:
            size, checksum = _HEADER.unpack(header)
            payload = file.read(size)
            if len(payload) < size:
                break
            if zlib.crc32(payload) != checksum:
                raise ValueError(f"{path}: the record at byte {offset} is damaged")
            records.append(Record(**unpack(payload)))
            offset += _HEADER.size + size
    return records, offset


def blocks(path: Path, offset: int) -> Iterator[tuple[list[Record], int]]:
    """All that `read_spool` would give, some at a time: the spool of weeks does not fit into memory."""
    while (block := read_spool(path, offset, BLOCK_BYTES))[0]:
        yield block
        offset = block[1]
