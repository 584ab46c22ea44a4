import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from services.trainer.gaps import Gap
from services.trainer.spool import SpoolWriter, blocks, read_spool, segment_bytes, segments
from shared.events import AnyEvent, Record
from shared.names import Metric
from shared.training_events import (
    CheckpointSaved,
    CommandApplied,
    EvaluationCompleted,
    EventsDropped,
    LogWritten,
    StepCompleted,
    StepSkipped,
    TrainingEnded,
)

WHOSE: Any = {"run_id": "run_a", "attempt": 1, "fence": 1, "producer": "p"}
LIMIT = 64 << 10


def step(number: int) -> StepCompleted:
    return StepCompleted(step=number, tokens=number * 8, metrics=dict.fromkeys(Metric, 1 / number))


def told(path: Path) -> list[AnyEvent]:
    records = read_spool(path, 0)[0]
    assert [record.producer_seq for record in records] == list(range(1, len(records) + 1))
    return [record.event for record in records]


def complete(events: list[AnyEvent]) -> list[int]:
    """Steps, those that are told to be missing among them."""
    steps: list[int] = []
    for event in events:
        if isinstance(event, StepCompleted):
            steps.append(event.step)
        elif isinstance(event, EventsDropped):
            assert event.first_step is not None
            assert event.last_step is not None
            steps += range(event.first_step, event.last_step + 1)
            assert event.count == event.last_step - event.first_step + 1
    return steps


def test_without_room_nothing_half_written_stays_and_no_number_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    spool = SpoolWriter(path, **WHOSE)
    spool.emit(LogWritten(rank=0, lines=["first"]))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, hard))  # a full disk, in small
    try:
        with pytest.raises(OSError, match="no room"):
            spool.emit(LogWritten(rank=0, lines=["there is no room for this"]))
        spool_size = path.stat().st_size
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    spool.emit(LogWritten(rank=0, lines=["second"]))
    spool.close()
    records, end = read_spool(path, 0)
    assert [(record.producer_seq, record.event) for record in records] == [
        (1, LogWritten(rank=0, lines=["first"])),
        (2, LogWritten(rank=0, lines=["second"])),
    ]
    assert spool_size < end == path.stat().st_size


def test_a_torn_record_is_cut_off_when_it_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    for text in ("first", "second"):
        spool = SpoolWriter(path, **WHOSE)
        spool.emit(LogWritten(rank=0, lines=[text]))
        spool.close()
        with path.open("ab") as file:
            file.write(b"\x99\x00\x00\x00torn")
    records, _ = read_spool(path, 0)
    assert [record.producer_seq for record in records] == [1, 2]


@pytest.mark.parametrize(
    "event",
    [
        step(7),
        StepCompleted(step=2, tokens=3, metrics={Metric.TRAIN_LOSS: float("inf"), "a/b": 2}),
        TrainingEnded(step=3, outcome="failed", reason="ü"),
        EvaluationCompleted(step=1, tokens=2, metrics={"val/loss": 0.1}),
        LogWritten(rank=0, lines=["a", ""], offset=None),
        StepSkipped(step=1, reason="non_finite", loss=1.5, grad_norm=float("inf"), consecutive=1),
    ],
    ids=lambda event: event.type,
)
def test_its_bytes_are_those_of_a_record(tmp_path: Path, event: AnyEvent) -> None:
    spool = SpoolWriter(tmp_path / "spool", **WHOSE)
    assert spool.packed(event, 1.25) == Record(**WHOSE, producer_seq=1, at=1.25, event=event).pack()
    spool.close()


def test_it_goes_on_in_segments_from_every_one_of_which_it_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    for first in (1, 41, 81):
        spool = SpoolWriter(path, **WHOSE, limit=LIMIT)
        for number in range(first, first + 40):
            spool.emit(step(number))
        spool.close()
    found = segments(path)
    assert found[0] == (0, path)
    assert len(found) > 5
    assert all(file.stat().st_size <= segment_bytes(LIMIT) for _, file in found)
    records, end = read_spool(path, 0)
    assert complete(told(path)) == list(range(1, 121))
    assert [record for records, _ in blocks(path, 0) for record in records] == records
    for base, _ in found:
        rest, behind = read_spool(path, base)
        assert behind == end
        assert rest == records[len(records) - len(rest) :]
    found[0][1].unlink()
    found[1][1].unlink()
    left, behind = read_spool(path, 0)
    assert (left, behind) == (records[len(records) - len(left) :], end)
    again = SpoolWriter(path, **WHOSE, limit=LIMIT)
    again.emit(step(121))
    assert again.producer_seq == 121
    again.close()


def test_beyond_its_limit_steps_are_left_out_counted_and_told_in_place(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    spool = SpoolWriter(path, **WHOSE, limit=LIMIT)
    important = CheckpointSaved(step=900, bytes=1, seconds=1.0)
    for number in range(1, 2001):
        spool.emit(step(number))
        if number == 900:
            spool.emit(important)
    spool.emit(TrainingEnded(step=2000, outcome="succeeded"))
    spool.close()
    events = told(path)
    assert complete(events) == list(range(1, 2001))
    gaps = [event for event in events if isinstance(event, EventsDropped)]
    assert gaps[0].count == 1  # at once
    assert f"has reached its {LIMIT} bytes" in gaps[0].reason
    place = events.index(important)
    before = events[place - 1]
    assert isinstance(before, EventsDropped)
    assert before.last_step == 900
    assert isinstance(events[-1], TrainingEnded)
    kept = [event.step for event in events if isinstance(event, StepCompleted) and event.step > 200]
    assert len(kept) >= 5  # the curve goes on
    assert sum(file.stat().st_size for _, file in segments(path)) < 1.2 * LIMIT


def test_with_room_again_all_are_told(tmp_path: Path) -> None:
    path = tmp_path / "spool"
    spool = SpoolWriter(path, **WHOSE, limit=LIMIT)
    for number in range(1, 401):
        spool.emit(step(number))
    for _, file in segments(path)[:5]:
        file.unlink()  # as pruning.py does
    for number in range(401, 421):
        spool.emit(step(number))
    spool.close()
    events = [record.event for record in read_spool(path, 0)[0]]
    assert isinstance(events[-21], EventsDropped)
    assert [event.step for event in events[-20:] if isinstance(event, StepCompleted)] == list(range(401, 421))


def test_what_a_full_disk_costs_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "agent.spool"
    spool = SpoolWriter(path, **WHOSE)
    spool.emit(LogWritten(rank=0, lines=["before"]))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
    try:
        for event in (LogWritten(rank=0, lines=["a"]), LogWritten(rank=1, lines=["b"])):
            with pytest.raises(OSError, match="File too large") as full:
                spool.emit(event)
            assert full.value.errno == errno.EFBIG
            spool.drop(event, "the disk is full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    spool.emit(CommandApplied(command_id="c", step=1, ranks=1))
    spool.close()
    assert told(path)[1:] == [EventsDropped(count=2, reason="the disk is full"), CommandApplied(command_id="c", step=1, ranks=1)]


def test_a_gap_knows_its_steps() -> None:
    gap = Gap()
    assert not gap
    gap.add(LogWritten(rank=0, lines=[]), "full")
    gap.add(step(4), "full")
    gap.add(step(5), "fuller")
    assert gap.told() == EventsDropped(count=3, first_step=4, last_step=5, reason="fuller")


WRITING = f"""
import sys
from pathlib import Path
from services.trainer.spool import SpoolWriter
from shared.crash import arm
from tests.trainer.test_spool import WHOSE, step
arm(sys.argv[2])
spool = SpoolWriter(Path(sys.argv[1]), **WHOSE, limit={LIMIT})
for number in range(spool.producer_seq + 1, spool.producer_seq + 61):
    spool.emit(step(number))
    print(number, flush=True)
"""


@pytest.mark.parametrize("point", ["spool.before_segment", "spool.after_segment", "spool.before_segment:3", "spool.after_segment:3"])
def test_killed_between_two_segments_nothing_is_lost(tmp_path: Path, point: str) -> None:
    path = tmp_path / "spool"

    def write(crash_at: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", WRITING, str(path), crash_at]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ), check=False, cwd=Path(__file__).parents[2])

    killed = write(point)
    assert killed.returncode == -signal.SIGKILL
    written = [int(line) for line in killed.stdout.split()]
    assert complete(told(path)) == written
    assert write("").returncode == 0
    assert complete(told(path)) == list(range(1, len(written) + 61))
