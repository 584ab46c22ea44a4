"""TensorBoard's event files, read with its own messages; each record's checksums are compared with those of another writer."""

import io
import math
import struct
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.record_writer import masked_crc32c

from services.monitor.checksums import crc32c
from services.monitor.event_files import framed, masked
from serving.database import Database
from shared.training_events import StepCompleted
from tests.monitor.producing import Producer, step
from tests.monitor.test_export import attempt, download, ingest


def events(data: bytes) -> Iterator[Any]:
    """What an event file says, as far as every checksum is right."""
    while data:
        length, length_sum = struct.unpack("<QI", data[:12])
        payload, payload_sum = data[12 : 12 + length], struct.unpack("<I", data[12 + length : 16 + length])[0]
        assert (length_sum, payload_sum) == (masked_crc32c(data[:8]), masked_crc32c(payload))
        yield Event.FromString(payload)
        data = data[16 + length :]


def files(http: Any, editor: dict[str, str], **query: str) -> dict[str, list[Any]]:
    with zipfile.ZipFile(io.BytesIO(download(http, editor, format="tensorboard", **query).data)) as archive:
        assert archive.testzip() is None
        return {name: list(events(archive.read(name))) for name in archive.namelist()}


def scalars(found: list[Any]) -> list[tuple[str, int, float, float]]:
    return [(event.summary.value[0].tag, event.step, event.wall_time, event.summary.value[0].simple_value) for event in found[1:]]


def test_checksums() -> None:
    records = np.frombuffer(b"123456789" + b"\0" * 9 + b"\xff" * 9, np.uint8).reshape(3, 9)
    assert crc32c(records).tolist()[0] == 0xE3069283
    assert [int.from_bytes(row.tobytes(), "little") for row in masked(records)] == [masked_crc32c(row.tobytes()) for row in records]
    for size in (0, 1, 127, 128, 5000):
        payload = Event(file_version="v" * size).SerializeToString()
        assert [event.file_version for event in events(framed(np.frombuffer(payload, np.uint8)[None]).tobytes())] == ["v" * size]


@pytest.mark.parametrize("at", [0, 1, 127, 128, 16383, 16384, 2**35, 2**63 - 1])
def test_steps_of_every_size(http: Any, sqlite: Database, editor: dict[str, str], at: int) -> None:
    child = Producer()
    child.say(StepCompleted(step=at, tokens=0, metrics={"a/" + "b" * 190: 1.0}), StepCompleted(step=at, tokens=0, metrics={"a/b": 2.0}))
    ingest(sqlite, child)
    (only,) = files(http, editor).values()
    assert [(tag, step, value) for tag, step, _, value in scalars(only)] == [("a/b", at, 2.0), ("a/" + "b" * 190, at, 1.0)]


def test_scalars_by_tag(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    child = Producer()
    child.say(step(1, train_loss=0.5, val_loss=2.0), step(300, train_loss=math.nan), step(2**40, train_loss=-math.inf))
    ingest(sqlite, child)
    found = files(http, editor)
    assert list(found) == ["run_a/events.out.tfevents.1001.groundup"]
    (only,) = found.values()
    assert only[0].file_version == "brain.Event:2"
    first, nothing, infinite, validated = scalars(only)
    assert first == ("train/loss", 1, 1001.0, 0.5)
    assert nothing[:3] == ("train/loss", 300, 1002.0)
    assert math.isnan(nothing[3])
    assert infinite == ("train/loss", 2**40, 1003.0, -math.inf)
    assert validated == ("val/loss", 1, 1001.0, 2.0)


def test_a_folder_per_attempt_where_all_are_asked_for(http: Any, sqlite: Database, editor: dict[str, str]) -> None:
    ingest(sqlite, attempt(1, 1, 10, val_loss=1.0), attempt(2, 6, 8, val_loss=1.0))
    (latest,) = files(http, editor).values()
    steps = [at for tag, at, *_ in scalars(latest) if tag == "train/loss"]
    assert steps == list(range(1, 9))
    every = files(http, editor, attempts="all")
    assert [name.split("/")[1] for name in every] == ["attempt-1", "attempt-2"]
    assert [len(scalars(found)) for found in every.values()] == [20, 6]


@pytest.mark.parametrize(("value", "kept"), [(1e39, math.inf), (-1e300, -math.inf), (3.4028234e38, 3.4028234e38), (0.1, 0.1)])
def test_what_does_not_fit_in_32_bits_is_infinite(http: Any, sqlite: Database, editor: dict[str, str], value: float, kept: float) -> None:
    child = Producer()
    child.say(step(1, train_loss=value))
    ingest(sqlite, child)
    (only,) = files(http, editor).values()
    assert scalars(only)[0][3] == pytest.approx(kept, rel=1e-7)
