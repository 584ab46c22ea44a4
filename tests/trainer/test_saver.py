"""Writing in the background: what training waits for, what it does not, and what a full disk leaves."""

import errno
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from services.trainer import saver as saver_module
from services.trainer.checkpoint import restore
from services.trainer.container import write_bytes, write_tensors
from services.trainer.saver import SPARE_BYTES, Room, check_room
from services.trainer.soundness import flush, verify
from services.trainer.world import World
from shared.internal import FileRef
from shared.training_events import CheckpointFailed, CheckpointSaved
from tests.trainer.checkpoints import SPEC, Checkpoints, parts_of, six_steps
from tests.trainer.trainings import Training


@pytest.fixture
def run(tmp_path: Path) -> Checkpoints:
    return six_steps(tmp_path)


class Gate:
    """Stands in for the disk: tensors are written only while it is open, and not where it is full."""

    def __init__(self) -> None:
        self.open, self.reached, self.full_after = threading.Event(), threading.Event(), -1

    def write_tensors(self, path: Path, tensors: dict[str, torch.Tensor]) -> FileRef:
        self.reached.set()
        assert self.open.wait(30)
        if self.full_after == 0:
            path.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        self.full_after -= 1
        return write_tensors(path, tensors)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate = Gate()
    monkeypatch.setattr(saver_module, "write_tensors", gate.write_tensors)
    monkeypatch.setattr(saver_module, "SETTLE_SECONDS", 0.0)
    yield gate
    gate.open.set()


def folders(run: Checkpoints) -> list[str]:
    return sorted(path.name for path in run.folder.checkpoints.iterdir())


def test_training_goes_on_while_it_is_written(run: Checkpoints, gate: Gate, tmp_path: Path) -> None:
    """What is written is the state at the snapshot, whatever happens to the model meanwhile."""
    before = {name: tensor.clone() for name, tensor in run.training.model.state_dict().items()}
    saver = run.saver()
    saver.snapshot(run.state())
    saver.write(wait=False)
    assert gate.reached.wait(30)
    with torch.no_grad():
        for parameter in run.training.model.parameters():
            parameter.zero_()
    assert folders(run) == ["step_00000006.tmp"]
    gate.open.set()
    saver.settle(needed=True)
    assert folders(run) == ["step_00000006"]
    fresh = Training(SPEC, tmp_path / "fresh")
    restore(run.folder.checkpoints / "step_00000006", parts_of(fresh), World())
    assert all(torch.equal(tensor, before[name]) for name, tensor in fresh.model.state_dict().items())
    (told,) = run.told
    assert isinstance(told, CheckpointSaved)
    assert told.seconds > told.stall_seconds > 0
    assert told.bytes == sum(file.bytes for file in verify(run.folder.checkpoints / "step_00000006").files)


def test_the_next_snapshot_waits_and_counts_it(run: Checkpoints, gate: Gate) -> None:
    saver = run.saver()
    quick = saver.snapshot(run.state(6))
    saver.write(wait=False)
    assert gate.reached.wait(30)
    opener = threading.Timer(0.3, gate.open.set)
    opener.start()
    stall = saver.snapshot(run.state(7))
    assert stall > 0.25 > quick
    assert folders(run) == ["step_00000006"]
    saver.write(wait=True)
    assert [event.stall_seconds for event in run.told if isinstance(event, CheckpointSaved)] == [
        pytest.approx(quick, abs=0.05),
        pytest.approx(stall, abs=0.05),
    ]


def test_room_is_made_once() -> None:
    room, tensors = Room(), {"a": torch.rand(100), "b": torch.rand(3)}
    places = {name: copy.data_ptr() for name, copy in room.hold(tensors).items()}
    tensors["a"].zero_()
    assert {name: copy.data_ptr() for name, copy in room.hold(tensors).items()} == places
    assert torch.equal(room.copies["a"], torch.zeros(100))
    assert set(room.hold({"b": torch.rand(4)})) == {"b"}
    assert room.copies["b"].shape == (4,)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_disk_that_fills_up_is_told_and_left_as_it_was(run: Checkpoints, gate: Gate, after: int) -> None:
    gate.open.set()
    gate.full_after = after
    saver = run.saver()
    saver.snapshot(run.state(6))
    saver.write(wait=False)  # nothing is raised here: the run goes on
    saver.snapshot(run.state(7))
    assert folders(run) == []
    assert run.told == [CheckpointFailed(step=6, reason="[Errno 28] No space left on device")]
    gate.full_after = -1  # there is room again
    saver.write(wait=False)
    saver.settle(needed=True)
    assert folders(run) == ["step_00000007"]
    assert isinstance(run.told[-1], CheckpointSaved)


def test_who_waits_hears_of_it(run: Checkpoints, gate: Gate) -> None:
    gate.open.set()
    gate.full_after = 0
    saver = run.saver()
    saver.snapshot(run.state())
    with pytest.raises(OSError, match="No space left"):
        saver.write(wait=True)
    assert folders(run) == []


def test_the_last_one_is_tried_once_more(run: Checkpoints, gate: Gate) -> None:
    gate.open.set()
    gate.full_after = 0
    saver = run.saver()
    saver.snapshot(run.state())
    saver.write(wait=False)
    saver._join()
    with pytest.raises(OSError, match="No space left"):
        saver.settle(needed=True)
    gate.full_after = -1
    saver.settle(needed=True)
    assert folders(run) == ["step_00000006"]
    assert [type(event).__name__ for event in run.told] == ["CheckpointFailed", "CheckpointFailed", "CheckpointSaved"]


def test_what_can_be_seen_is_not_told_as_failed(run: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk refuses to flush the folder after the rename: the checkpoint is whole, and is not written again."""

    def refuse(path: Path) -> None:
        if path == run.folder.checkpoints:
            raise OSError(errno.EIO, "Input/output error")
        flush(path)

    monkeypatch.setattr(saver_module, "flush", refuse)
    saver = run.saver()
    saver.snapshot(run.state())
    saver.write(wait=False)
    saver.settle(needed=True)
    assert [type(event) for event in run.told] == [CheckpointSaved]
    assert folders(run) == ["step_00000006"]
    verify(run.folder.checkpoints / "step_00000006")


def test_a_run_that_has_failed_does_not_need_it(run: Checkpoints, gate: Gate) -> None:
    gate.open.set()
    gate.full_after = 0
    saver = run.saver()
    saver.snapshot(run.state())
    saver.write(wait=False)
    saver.settle(needed=False)
    assert folders(run) == []


def test_too_little_room_is_seen_before_anything_is_written(run: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(SPARE_BYTES + 1000))
    saver = run.saver()
    saver.snapshot(run.state())
    saver.write(wait=False)
    saver.settle(needed=False)
    (told,) = run.told
    assert isinstance(told, CheckpointFailed)
    assert "no room for a checkpoint: it needs 0 MB and 34 MB to spare, 34 MB are free" in told.reason
    assert folders(run) == []
    check_room(run.folder.root, 1000)


class Usage:
    def __init__(self, free: int) -> None:
        self.free = free


def test_a_torn_one_is_written_over(run: Checkpoints) -> None:
    torn = run.folder.checkpoints / "step_00000006.tmp"
    torn.mkdir(parents=True)
    (torn / "leftover").write_text("of an attempt that died")
    folder = run.save()
    assert folders(run) == ["step_00000006"]
    assert "leftover" not in {path.name for path in folder.iterdir()}


def test_what_is_missing_in_the_run_directory_leaves_nothing(run: Checkpoints) -> None:
    run.folder.tokenizer.unlink()
    with pytest.raises(FileNotFoundError):
        run.save()
    assert folders(run) == []


def test_the_manifest_comes_last(run: Checkpoints, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def note(path: Path, content: Any) -> FileRef:
        written.append(path.name)
        return (write_bytes if isinstance(content, bytes) else write_tensors)(path, content)

    monkeypatch.setattr(saver_module, "write_tensors", note)
    monkeypatch.setattr(saver_module, "write_bytes", note)
    run.save()
    names = ["model.safetensors", "optimizer.safetensors", "rng.safetensors", "state.json", "tokenizer.json", "manifest.json"]
    assert written == names
