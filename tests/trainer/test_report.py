import errno
import os
import shutil
import signal
import threading
from pathlib import Path

import msgpack
import pytest

from services.monitor.detectors.watch import Watch
from services.trainer import report as report_module
from services.trainer.progress import SpoolWatch
from services.trainer.report import Report
from services.trainer.rundir import AttemptOrder, Outcome, RunDirectory
from services.trainer.spool import SpoolWriter, read_spool
from services.trainer.world import World
from shared.alerts import AlertsSpec
from shared.training_events import CheckpointSaved, EventsDropped, LogWritten, StepCompleted, TrainingEnded
from tests.trainer.runs import events, ranks, run_directory, tiny_spec


class Disk:
    """Full until somebody makes room."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full, plain = True, SpoolWriter.emit

        def emit(writer: SpoolWriter, event: LogWritten) -> None:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")
            plain(writer, event)

        monkeypatch.setattr(SpoolWriter, "emit", emit)


@pytest.fixture
def folder(tmp_path: Path) -> RunDirectory:
    return run_directory(tmp_path / "run", tiny_spec())


def report(folder: RunDirectory, rank: int = 0) -> Report:
    return Report(folder, AttemptOrder.model_validate_json(folder.order.read_bytes()), World(rank, 2))


def lines(folder: RunDirectory) -> list[str]:
    return [line for record in read_spool(folder.spool, 0)[0] if isinstance(record.event, LogWritten) for line in record.event.lines]


ENDED = Outcome(state="succeeded", step=3, tokens=9, summary={})


def test_on_a_full_disk_events_wait_and_come_in_order(folder: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, ours = Disk(monkeypatch), report(folder)
    ours.emit(LogWritten(rank=0, lines=["one"]))
    ours.emit(LogWritten(rank=0, lines=["two"]))
    assert lines(folder) == []
    disk.full = False
    ours.emit(LogWritten(rank=0, lines=["three"]))
    assert lines(folder) == ["one", "two", "three"]
    assert [record.producer_seq for record in read_spool(folder.spool, 0)[0]] == [1, 2, 3]


def test_a_full_disk_is_no_silence(folder: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watchdog would end a training that goes on."""
    Disk(monkeypatch)
    ours, watch = report(folder), SpoolWatch(folder.spool)
    os.utime(folder.spool, (1, 1))
    watch.read()
    known = watch.signs
    ours.emit(LogWritten(rank=0, lines=["one"]))
    watch.read()
    assert watch.signs > known
    known = watch.signs
    watch.read()
    assert watch.signs == known


def test_it_does_not_end_with_something_untold(folder: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    Disk(monkeypatch)
    with pytest.raises(OSError, match="No space left"):
        report(folder).close(ENDED)
    assert not folder.outcome.exists()


def test_several_threads_may_speak(folder: RunDirectory) -> None:
    ours = report(folder)

    def speak(name: str) -> None:
        for turn in range(200):
            ours.emit(LogWritten(rank=0, lines=[f"{name}{turn}"]))

    threads = [threading.Thread(target=speak, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = lines(folder)
    assert all([line for line in told if line[0] == name] == [f"{name}{turn}" for turn in range(200)] for name in "abcd")


def test_only_rank_0_speaks(folder: RunDirectory) -> None:
    ours = report(folder, rank=1)
    ours.emit(LogWritten(rank=1, lines=["x"]))
    ours.close(ENDED)
    assert not folder.spool.exists()
    assert not folder.outcome.exists()


@pytest.mark.parametrize(("damage", "told"), [("", 1), ("model: expected 1, found 2", 0)])
def test_a_damaged_checkpoint_is_no_end_of_training(folder: RunDirectory, damage: str, told: int) -> None:
    report(folder).close(ENDED.model_copy(update={"state": "failed", "damage": damage}))
    assert len([record for record in read_spool(folder.spool, 0)[0] if isinstance(record.event, TrainingEnded)]) == told
    assert Outcome.model_validate_json(folder.outcome.read_bytes()).damage == damage


def test_what_waits_is_bounded_and_the_rest_is_counted_in_its_place(folder: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_module, "UNTOLD", 3)
    disk, ours = Disk(monkeypatch), report(folder)
    saved = CheckpointSaved(step=6, bytes=1, seconds=1)
    for step in range(1, 10):
        ours.emit(StepCompleted(step=step, tokens=step, metrics={}))
        if step == 6:
            ours.emit(saved)
    disk.full = False
    ours.emit(StepCompleted(step=10, tokens=10, metrics={}))
    told = [record.event for record in read_spool(folder.spool, 0)[0]]
    assert [event.step for event in told if isinstance(event, StepCompleted)] == [1, 2, 3, 10]
    gaps = [(event.count, event.first_step, event.last_step) for event in told if isinstance(event, EventsDropped)]
    assert gaps == [(3, 4, 6), (3, 7, 9)]
    assert told[4] == saved
    ours.close(ENDED)


def test_killed_behind_a_checkpoint_all_steps_before_it_are_in_the_spool(tmp_path: Path) -> None:
    """Else a run that goes on from there would have lost points for good."""
    spec = tiny_spec(20, checkpoint={"every": 3}, sample={"every": 1000}, evaluate={"every": 1000, "batches": 1})
    folder = run_directory(tmp_path / "killed", spec)
    with ranks(folder, CRASH_AT="checkpoint.after_rename:2") as children:
        assert [child.wait(100) for child in children] == [-signal.SIGKILL]
    newest = max(int(path.name.removeprefix("step_")) for path in folder.checkpoints.iterdir() if not path.suffix)
    steps = [event.step for event in events(folder) if isinstance(event, StepCompleted)]
    assert newest == 6
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) >= newest


def test_a_training_without_room_for_its_steps_says_so_and_ends_well(tmp_path: Path) -> None:
    spec = tiny_spec(60, checkpoint={"every": 20}, sample={"every": 1000}, evaluate={"every": 1000, "batches": 1})
    folder = run_directory(tmp_path / "small", spec, spool_bytes=8 << 10)
    with ranks(folder, OMP_NUM_THREADS="1") as children:
        assert [child.wait(100) for child in children] == [0], folder.log(0).read_text()
    told = events(folder)
    gaps = [event for event in told if isinstance(event, EventsDropped)]
    assert gaps
    assert len([event for event in told if isinstance(event, StepCompleted)]) + sum(gap.count for gap in gaps) == 60
    assert [event.step for event in told if isinstance(event, CheckpointSaved)] == [20, 40, 60]
    assert told[-1] == TrainingEnded(step=60, outcome="succeeded")


def test_every_20th_step_tells_how_much_room_there_is_and_the_runs_detector_reads_it(folder: RunDirectory) -> None:
    """What the trainer tells is what `alerts.disk` looks at: with more asked for than there is, it fires."""
    ours = report(folder)
    for step in range(1, 42):
        ours.emit(StepCompleted(step=step, tokens=step, metrics={"train/loss": 1.0}))
    told = [event for event in events(folder) if isinstance(event, StepCompleted)]
    free = {event.step: event.metrics["perf/disk_free_bytes"] for event in told if len(event.metrics) > 1}
    assert list(free) == [20, 40]
    assert 0 < free[20] <= shutil.disk_usage(folder.root).total
    raw = [msgpack.unpackb(record.pack())["event"] for record in read_spool(folder.spool, 0)[0]]
    assert {type(value) for event in raw for value in event.get("metrics", {}).values()} == {float}, "clients are sent these bytes"
    watch = Watch(AlertsSpec.model_validate({"disk": {"free_bytes": 1 << 60}}))
    found = [finding for record in read_spool(folder.spool, 0)[0] for finding in watch.take(record, 0.0)]
    assert [(finding.key, finding.step) for finding in found] == [("disk", 20)]


def test_room_that_cannot_be_read_costs_no_step(folder: RunDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(_folder: Path) -> None:
        raise OSError(errno.EIO, "gone")

    monkeypatch.setattr(shutil, "disk_usage", unreadable)
    ours = report(folder)
    ours.emit(StepCompleted(step=20, tokens=1, metrics={"train/loss": 1.0}))
    assert [event.metrics for event in events(folder) if isinstance(event, StepCompleted)] == [{"train/loss": 1.0}]
