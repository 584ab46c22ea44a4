"""Spools that a disk, a power cut or a bad event has damaged: what can be read goes on, and what is missing is told at its place."""

import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from services.trainer.archive import archive_of
from services.trainer.records import HEADER, Damaged, decode
from services.trainer.recovery import recover
from services.trainer.rundir import AttemptOrder, RunDirectory, TokenFiles
from services.trainer.shipper import Shipper
from services.trainer.spool import SpoolWriter, blocks, read_spool, segments, sound_records
from services.trainer.tail import Tail
from shared import bus
from shared.events import Envelope, Record, pack, unpack
from shared.spec import RunSpec
from shared.training_events import EvaluationCompleted, EventsDropped, LogWritten, ProcessDied, StepCompleted
from tests.servers import wait_until
from tests.trainer.platform import SPEC

WHOSE: Any = {"run_id": "run_a", "attempt": 1, "fence": 3, "producer": "attempt-1"}
LIMIT = 64 << 10
DAMAGED = "the worker's spool is damaged here"


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with bus.connect(redis_url) as client:
        yield client


def step(number: int) -> StepCompleted:
    return StepCompleted(step=number, tokens=number, metrics={f"group/metric{index}": 1.0 / number for index in range(12)})


def write(path: Path, first: int, last: int, limit: int = LIMIT) -> list[int]:
    """Steps; the places of their records."""
    writer, places = SpoolWriter(path, **WHOSE, limit=limit), []
    for number in range(first, last + 1):
        writer.emit(step(number))
        places.append(writer.end)
    writer.close()
    return [0, *places[:-1]]


def flip(path: Path, place: int) -> None:
    """One bit, at a place of all segments or counted from the end."""
    base, file = [(base, file) for base, file in segments(path) if place < 0 or base <= place][-1]
    content = bytearray(file.read_bytes())
    content[place - base if place >= 0 else place] ^= 1
    file.write_bytes(content)


def ship_all(tail: Tail, client: redis.Redis) -> None:
    """Also when Redis asks it to go back."""
    tail.close()
    wait_until(lambda: tail.ship(client) == 0 and tail.shipped.is_set(), "the end")


def tail_of(path: Path) -> Tail:
    return Tail(path, lambda: None)


def in_redis(client: redis.Redis) -> list[Record]:
    return [Envelope(**unpack(packed), epoch="e", seq=seq) for seq, packed in bus.read_range(client, "run_a", 0, 10_000).entries]


def told(client: redis.Redis) -> list[int | tuple[int, int]]:
    """Steps, and of each gap how many are missing and its number."""
    return [
        (record.event.count, record.producer_seq) if isinstance(record.event, EventsDropped) else record.producer_seq
        for record in in_redis(client)
    ]


@pytest.mark.parametrize("end", [b"\0" * 4096, b"\0" * 5, b"\xff" * 300, b"\x20\0\0\0torn"], ids=["zeros", "few zeros", "garbage", "torn"])
def test_whatever_a_power_cut_leaves_at_the_end_costs_nothing_before_it(tmp_path: Path, client: redis.Redis, end: bytes) -> None:
    path = tmp_path / "spool"
    write(path, 1, 5)
    with path.open("ab") as file:
        file.write(end)
    records, place = read_spool(path, 0)
    assert [record.producer_seq for record in records] == [1, 2, 3, 4, 5]
    assert read_spool(path, place) == ([], place)
    tail = tail_of(path)
    assert tail.ship(client) == 5
    write(path, 6, 7)
    assert tail.ship(client) >= 2
    steps = [record.event.step for record in in_redis(client) if isinstance(record.event, StepCompleted)]
    assert steps == list(range(1, 8))


def test_numbers_of_a_damaged_end_are_not_given_twice(tmp_path: Path, client: redis.Redis) -> None:
    """Redis has had them, and would take the next events for these."""
    path = tmp_path / "spool"
    write(path, 1, 5)
    ship_all(tail_of(path), client)
    flip(path, -1)
    write(path, 6, 7)
    ship_all(tail_of(path), client)
    assert told(client) == [1, 2, 3, 4, 5, 6, 7]
    client.flushall()
    ship_all(tail_of(path), client)
    assert told(client) == [1, 2, 3, 4, (1, 5), 6, 7]


def test_damage_inside_costs_what_it_has_hit_and_is_told_there(tmp_path: Path, client: redis.Redis) -> None:
    path = tmp_path / "spool"
    places = write(path, 1, 400, limit=1 << 20)
    assert len(segments(path)) > 2
    for number in (1, 50, 51, 300):
        flip(path, places[number - 1] + 40)  # in its bytes
    flip(path, places[99] + 3)  # in its length
    with pytest.raises(Damaged, match="what begins at byte 0 is damaged"):
        read_spool(path, 0)
    tail = tail_of(path)
    ship_all(tail, client)
    missing = {1: (1, 1), 51: (2, 51), 100: (1, 100), 300: (1, 300)}
    expected = [missing.get(number, number) for number in range(1, 401) if number != 50]
    assert told(client) == expected
    assert {record.event.reason for record in in_redis(client) if isinstance(record.event, EventsDropped)} == {DAMAGED}
    assert [record.producer_seq for record in sound_records(path)] == [number for number in expected if isinstance(number, int)]
    ship_all(tail_of(path), client)
    assert told(client) == expected, "an agent that is started anew doubles nothing"


@pytest.mark.parametrize("lost_at", [1, 60, 150, 399])
def test_a_redis_that_loses_all_gets_all_again_over_damage(tmp_path: Path, client: redis.Redis, lost_at: int) -> None:
    path = tmp_path / "spool"
    places = write(path, 1, 400, limit=1 << 20)
    for number in (50, 51, 300):
        flip(path, places[number - 1] + 40)
    tail = tail_of(path)
    while (tail.last.producer_seq if tail.last else 0) < lost_at:
        assert tail.ship(client)
    client.flushall()
    ship_all(tail, client)
    missing = {51: (2, 51), 300: (1, 300)}
    assert told(client) == [missing.get(number, number) for number in range(1, 401) if number != 50]


def test_a_segment_that_is_gone_is_told(tmp_path: Path, client: redis.Redis) -> None:
    path = tmp_path / "spool"
    write(path, 1, 100)
    (base, lost), after = segments(path)[1], segments(path)[2][0]
    first, last = (read_spool(path, place, 1)[0][0].producer_seq for place in (base, after))
    lost.unlink()
    ship_all(tail_of(path), client)
    assert told(client) == [*range(1, first), (last - first, last - 1), *range(last, 101)]


def test_a_writer_goes_on_behind_damage(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    places = write(path, 1, 100)
    newest = segments(path)[-1][1]
    newest.write_bytes(b"\0" * newest.stat().st_size)
    flip(path, places[10] + 40)
    writer = SpoolWriter(path, **WHOSE, limit=LIMIT)
    assert writer.producer_seq >= 100
    writer.emit(step(1))
    writer.close()
    assert list(sound_records(path))[-1].producer_seq > 100


@pytest.mark.parametrize(
    "event",
    [
        StepCompleted(step=4, tokens=4, metrics={f"m/{index}": 1.0 for index in range(5000)}),
        EvaluationCompleted(step=4, tokens=4, metrics={f"m/{index}": 1.0 for index in range(5000)}),
        LogWritten(rank=0, lines=["x" * (1 << 20)]),
    ],
    ids=["step", "evaluation", "log"],
)
def test_what_no_reader_would_take_is_left_out_and_told(tmp_path: Path, event: Any) -> None:
    writer = SpoolWriter(tmp_path / "spool", **WHOSE)
    for told in (step(3), event, event, step(5), event):
        writer.emit(told)
    writer.close()
    events = [record.event for records, _ in blocks(tmp_path / "spool", 0) for record in records]
    gaps = [event for event in events if isinstance(event, EventsDropped)]
    assert [gap.count for gap in gaps] == [1, 1, 1]
    assert f"{event.type} is too large for an event" in gaps[0].reason
    assert [type(event).__name__ for event in events] == [
        "StepCompleted",
        "EventsDropped",
        "EventsDropped",
        "StepCompleted",
        "EventsDropped",
    ]


def test_a_record_of_an_earlier_version_that_is_too_large_costs_itself_only(tmp_path: Path, client: redis.Redis) -> None:
    path = tmp_path / "spool"
    writer = SpoolWriter(path, **WHOSE)
    for number in (1, 2, 3):
        record = Record(**WHOSE, producer_seq=number, at=1.0, event=step(number))
        metrics = {f"m/{index}": 1.0 for index in range(5000 if number == 2 else 1)}
        payload = record.model_copy(update={"event": StepCompleted(step=number, tokens=1, metrics=metrics)}).pack()
        with path.open("ab") as file:
            file.write(HEADER.pack(len(payload), zlib.crc32(payload)) + payload)
    writer.close()
    ship_all(tail_of(path), client)
    assert told(client) == [1, (1, 2), 3]


@pytest.mark.parametrize("content", [[1], "text", None, {"packed": b""}, {"more": 1}], ids=str)
def test_what_is_no_record_is_a_value_error(content: Any) -> None:
    whole = Record(**WHOSE, producer_seq=1, at=1.0, event=step(1)).model_dump()
    with pytest.raises(ValueError, match=r"(?i)record|spooled"):
        decode(pack({**whole, **content} if isinstance(content, dict) else content))


def test_one_topic_with_a_foreign_key_stops_nobody_else(tmp_path: Path, client: redis.Redis, caplog: pytest.LogCaptureFixture) -> None:
    client.set(bus.stream_key("run_bad"), "not ours")
    shipper = Shipper(client)
    for run in ("run_bad", "run_a"):
        (tmp_path / run).mkdir()
        writer = SpoolWriter(tmp_path / run / "spool", **{**WHOSE, "run_id": run})
        writer.emit(step(1))
        writer.close()
    bad, good = (shipper.add(tail_of(tmp_path / run / "spool")) for run in ("run_bad", "run_a"))
    shipper.start()
    good.close()
    wait_until(good.shipped.is_set, "the other one")
    wait_until(lambda: bad.failing, "its failure is told")
    assert told(client) == [1]
    client.delete(bus.stream_key("run_bad"))
    bad.close()
    wait_until(bad.shipped.is_set, "it goes on when the key is gone")
    shipper.stop()
    assert bus.read_range(client, "run_bad", 0, 10).newest == 1, "no number is used up by what failed"
    assert len([record for record in caplog.records if "its events wait" in record.message]) == 1


@pytest.mark.parametrize("agent_spool", ["flipped", "zeros", "unreadable order"])
def test_a_damaged_agent_spool_costs_no_event_of_the_training(tmp_path: Path, client: redis.Redis, agent_spool: str) -> None:
    directory = RunDirectory(tmp_path / "attempts" / "att_1")
    directory.root.mkdir(parents=True)
    tokens = TokenFiles(dtype="uint16", tokens=1, vocab_size=1, end_of_text=0, token_bytes=[1], files=["shard"])
    order = AttemptOrder(run_id="run_a", attempt=1, fence=3, spec=RunSpec.model_validate(SPEC), device="cpu", data=tokens)
    directory.order.write_text("?" if agent_spool == "unreadable order" else order.model_dump_json())
    write(directory.spool, 1, 30)
    notes = SpoolWriter(directory.agent_spool, **{**WHOSE, "producer": "agent-1"})
    for line in ("one", "two"):
        notes.emit(LogWritten(rank=0, lines=[line]))
    notes.close()
    if agent_spool == "flipped":
        flip(directory.agent_spool, -1)
    elif agent_spool == "zeros":
        with directory.agent_spool.open("ab") as file:
            file.write(b"\0" * 4096)
    shipper = Shipper(client)
    recover(tmp_path / "attempts", shipper, threading.Event())
    assert directory.root.exists(), "until all is sent"
    shipper.start()
    wait_until(lambda: not directory.root.exists(), "the folder is gone")
    shipper.stop()
    events = [record.event for record in in_redis(client)]
    assert [event.step for event in events if isinstance(event, StepCompleted)] == list(range(1, 31))
    lines = [line for event in events if isinstance(event, LogWritten) for line in event.lines]
    assert lines == (["one"] if agent_spool == "flipped" else ["one", "two"])
    assert any(isinstance(event, ProcessDied) for event in events) == (agent_spool != "unreadable order")
    assert {path.name for path in (archive_of(tmp_path / "attempts") / "att_1").iterdir()} >= {"spool", "agent.spool"}
