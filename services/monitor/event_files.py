"""Points of a run as TensorBoard's event files, in a zip that is made while it is sent.

An event file is a row of TFRecords (https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details): the length (8 bytes,
little endian) and its masked CRC-32C, the payload and its masked CRC-32C. A payload is a protobuf message `Event`
(https://github.com/tensorflow/tensorboard/blob/master/tensorboard/compat/proto/event.proto), of which scalars need five fields; those are
written here, for all points of a block at once. TensorBoard keeps a value in 32 bits, and has no place for tokens.
"""

import zipfile
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.monitor.checksums import crc32c
from services.monitor.columns import Columns
from services.monitor.tables import Block, Pipe

Octets = NDArray[np.uint8]
"""Shape (records, bytes): one after the other they are what is sent."""
# A field's number, shifted by 3, and how it is coded: 0 a varint, 1 eight bytes, 2 a length and so many bytes, 5 four bytes.
_EVENT_WALL_TIME, _EVENT_STEP, _EVENT_VERSION, _EVENT_SUMMARY = 1 << 3 | 1, 2 << 3, 3 << 3 | 2, 5 << 3 | 2
_SUMMARY_VALUE, _VALUE_TAG, _VALUE_SIMPLE = 1 << 3 | 2, 1 << 3 | 2, 2 << 3 | 5
_VERSION: Final = b"brain.Event:2"


def archive(blocks: Iterable[Block], folder_of: Callable[[Block], str]) -> Iterator[bytes]:
    """A zip with an event file per folder; blocks of one folder must come together. It has its directory at its end."""
    pipe: Any = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for folder, members in groupby(blocks, key=folder_of):
            yield from _event_file(out, pipe, folder, members)
    yield pipe.taken()


def _event_file(out: zipfile.ZipFile, pipe: Pipe, folder: str, blocks: Iterator[Block]) -> Iterator[bytes]:
    first = next(blocks)
    began = first.points.at[:1]
    with out.open(f"{folder}/events.out.tfevents.{int(began[0])}.groundup", "w", force_zip64=True) as file:
        file.write(framed(_beside(_wall_time(began), _same(_bytes_field(_EVENT_VERSION, _VERSION), 1))).tobytes())
        for block in _with(first, blocks):
            for records in _scalars(block):
                file.write(framed(records).tobytes())
            yield pipe.taken()


def framed(payloads: Octets) -> Octets:
    """A TFRecord of each."""
    count, size = payloads.shape
    length = _same(size.to_bytes(8, "little"), 1)
    return _beside(_same(_beside(length, masked(length)).tobytes(), count), payloads, masked(payloads))


def masked(records: Octets) -> Octets:
    """Their CRC-32C, turned and moved, so that the checksum of data that holds checksums is a good one, too. Shape (records, 4)."""
    checksum = crc32c(records)
    return _octets(((checksum >> 15 | checksum << 17) + np.uint32(0xA282EAD8)).astype("<u4"))


def _scalars(block: Block) -> Iterator[Octets]:
    """Payloads, those of the same length together: steps rise, and take more bytes where they are large."""
    widths = _varint_widths(block.points.step)
    edges = [0, *(np.flatnonzero(np.diff(widths)) + 1).tolist(), len(widths)]
    for first, behind in pairwise(edges):
        yield _payloads(block.name, block.points[first:behind], int(widths[first]))


def _payloads(name: str, points: Columns, step_bytes: int) -> Octets:
    tag, count = _bytes_field(_VALUE_TAG, name.encode()), len(points)
    with np.errstate(over="ignore"):  # what is beyond 32 bits becomes infinite
        value = _octets(points.value.astype("<f4"))
    size = len(tag) + 1 + value.shape[1]
    inner = bytes((_SUMMARY_VALUE,)) + _varint(size)
    outer = bytes((_EVENT_SUMMARY,)) + _varint(len(inner) + size)
    head = _same(outer + inner + tag + bytes((_VALUE_SIMPLE,)), count)
    return _beside(_wall_time(points.at), _same(bytes((_EVENT_STEP,)), count), _varints(points.step, step_bytes), head, value)


def _wall_time(at: NDArray[np.float64]) -> Octets:
    return _beside(_same(bytes((_EVENT_WALL_TIME,)), len(at)), _octets(at.astype("<f8")))


def _bytes_field(key: int, content: bytes) -> bytes:
    return bytes((key,)) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    numbers = np.array([value])
    return _varints(numbers, int(_varint_widths(numbers)[0])).tobytes()


def _varints(values: NDArray[np.int64], width: int) -> Octets:
    """Seven bits at a time, the lowest first; all but the last byte have the highest bit set. Negative numbers are their complement."""
    shifts = np.arange(width, dtype=np.uint64) * np.uint64(7)
    sevens = (values.astype(np.uint64)[:, None] >> shifts & np.uint64(0x7F)).astype(np.uint8)
    sevens[:, :-1] |= 0x80
    return sevens


def _varint_widths(values: NDArray[np.int64]) -> NDArray[np.int64]:
    limits = np.uint64(1) << np.arange(7, 64, 7, dtype=np.uint64)
    return 1 + np.searchsorted(limits, values.astype(np.uint64), side="right")


def _octets(numbers: NDArray[Any]) -> Octets:
    return np.ascontiguousarray(numbers)[:, None].view(np.uint8)


def _same(data: bytes, count: int) -> Octets:
    return np.tile(np.frombuffer(data, np.uint8), (count, 1))


def _beside(*parts: Octets) -> Octets:
    return np.hstack(parts)


def _with(first: Block, others: Iterator[Block]) -> Iterator[Block]:
    yield first
    yield from others
