"""One record of a spool: its length, its CRC-32 (each 4 bytes, little endian) and the packed `shared.events.Record`."""

import struct
import zlib
from typing import BinaryIO, Final

from pydantic import Field

from shared.events import Record, unpack
from shared.packing import MAX_EVENT_BYTES

HEADER: Final = struct.Struct("<II")
_BEGINNING: Final = b"\x87\xa6run_id"
"""Of every packed record: a map of seven, and its first name. No text holds these bytes, since they are no UTF-8."""
_SURE_BYTES: Final = 8 << 10
"""What is shorter has no more entries than are read: each takes two bytes."""
_SHORTEST: Final = 64
"""No record has fewer bytes."""


class Spooled(Record):
    """As it was read from a spool; it goes on as the same bytes."""

    packed: bytes = Field(exclude=True, repr=False)

    def pack(self) -> bytes:
        return self.packed


class Damaged(ValueError):
    """Something sound lies behind what cannot be read. before: what was read until there. place: of the damage. sound: where it ends."""

    def __init__(self, message: str, before: list[Record], place: int, sound: int) -> None:
        super().__init__(message)
        self.before, self.place, self.sound = before, place, sound


def framed(payload: bytes) -> bytes:
    """The bytes of a record. Raises ValueError for one that its readers would refuse: it is too long, or has too many entries."""
    if len(payload) > _SURE_BYTES:
        unpack(payload)
    return HEADER.pack(len(payload), zlib.crc32(payload)) + payload


def read_record(file: BinaryIO) -> tuple[Spooled | None, int]:
    """The next one, and how many bytes it takes. None where the file ends, or where it cannot be read."""
    header = file.read(HEADER.size)
    if len(header) < HEADER.size:
        return None, len(header)
    size, checksum = HEADER.unpack(header)
    payload = file.read(min(size, MAX_EVENT_BYTES + 1))
    return (_decoded(payload, checksum) if 0 < size == len(payload) else None), HEADER.size + len(payload)


def first_sound(data: bytes) -> int | None:
    """Where the first record begins that can be read, whatever lies before it."""
    found = data.find(_BEGINNING)
    while found >= 0:
        if found >= HEADER.size:
            size, checksum = HEADER.unpack_from(data, found - HEADER.size)
            if size <= len(data) - found and _decoded(data[found : found + size], checksum):
                return found - HEADER.size
        found = data.find(_BEGINNING, found + 1)
    return None


def lost_records(end: bytes) -> int:
    """How many at most were whole once in an end that cannot be read. What a kill has cut short never was."""
    count = place = 0
    while place + HEADER.size <= len(end):
        size, _ = HEADER.unpack_from(end, place)
        if not 0 < size <= MAX_EVENT_BYTES:
            return count + (len(end) - place) // _SHORTEST + 1
        place += HEADER.size + size
        count += place <= len(end)
    return count


def decode(payload: bytes) -> Spooled:
    """Raises ValueError for bytes that are no record of ours."""
    content = unpack(payload)
    if not isinstance(content, dict) or "packed" in content:
        raise ValueError("no record of an event")
    return Spooled.model_validate({**content, "packed": payload})


def consecutive(records: list[Record], end: int, begin: int) -> tuple[list[Record], int]:
    """Those of `records`, which lie between two places, before the first hole in their numbers, and the place behind them."""
    for index, record in enumerate(records):
        if record.producer_seq != records[0].producer_seq + index:
            return records[:index], begin + sum(HEADER.size + len(known.pack()) for known in records[:index])
    return records, end


def _decoded(payload: bytes, checksum: int) -> Spooled | None:
    if zlib.crc32(payload) != checksum:
        return None
    try:
        return decode(payload)
    except ValueError:
        return None
