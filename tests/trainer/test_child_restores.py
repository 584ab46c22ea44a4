"""What a training child, as two real processes, does with a checkpoint it is given, and leaves where it dies while it makes one."""

import json
import shutil
import signal
import sys
from pathlib import Path

import pytest

from services.trainer.room import NO_ROOM
from services.trainer.rundir import Outcome, RunDirectory
from services.trainer.soundness import DamagedCheckpoint, verify
from shared.spec import RunSpec
from shared.training_events import TrainingEnded
from tests.trainer.checkpoints import seal
from tests.trainer.runs import events, process, ranks, run_directory, tiny_spec

SPEC = tiny_spec(steps=12, processes=2, checkpoint={"every": 4})
WITHOUT_ROOM = """
import errno
from services.trainer import main_child, saver

def refuse(*_arguments):
    raise OSError(errno.ENOSPC, "No space left on device")

def write(path, text, plain=main_child.write_whole):
    (refuse if path.name.startswith("failure") else plain)(path, text)

saver.check_room, saver.SETTLE_SECONDS, main_child.write_whole = refuse, 0, write
main_child.leave(main_child.main())
"""
pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = run_directory(tmp_path_factory.mktemp("runs") / "whole", SPEC)
    with ranks(folder) as children:
        assert [child.wait(120) for child in children] == [0, 0], folder.log(0).read_text()
    return folder.checkpoints / "step_00000004"


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


def go_on(root: Path, copy: Path, spec: RunSpec = SPEC) -> tuple[RunDirectory, Outcome]:
    root.mkdir(exist_ok=True)
    folder = run_directory(root / "rest", spec, attempt=2, restore=copy)
    with ranks(folder) as children:
        assert [child.wait(120) for child in children] == [0, 0], folder.log(1).read_text()
    return folder, Outcome.model_validate_json(folder.outcome.read_bytes())


def test_damage_is_told_apart_from_a_failure(copy: Path, tmp_path: Path) -> None:
    """Also on the ranks that could not see it: only the first one hashes."""
    content = bytearray((copy / "optimizer.safetensors").read_bytes())
    content[-1] ^= 1
    (copy / "optimizer.safetensors").write_bytes(content)
    folder, outcome = go_on(tmp_path, copy)
    assert "optimizer.safetensors: expected" in outcome.damage
    assert not [event for event in events(folder) if isinstance(event, TrainingEnded)]
    assert "DamagedCheckpoint" not in folder.log(1).read_text()  # no rank died of it


def test_a_pickle_is_damage_too(copy: Path, tmp_path: Path) -> None:
    (copy / "model.safetensors").write_bytes(b"\x80\x04")
    seal(copy)
    _, outcome = go_on(tmp_path, copy)
    assert "model.safetensors: expected a safetensors file" in outcome.damage


def test_other_conditions_are_told_and_no_obstacle(copy: Path, tmp_path: Path) -> None:
    content = json.loads((copy / "state.json").read_text())
    assert content["conditions"]["device"] == "cpu"
    folder, outcome = go_on(tmp_path / "same", copy)
    assert outcome.state == "succeeded"
    assert "rounded otherwise" not in folder.log(0).read_text()
    content["conditions"]["threads"] = 77
    (copy / "state.json").write_text(json.dumps(content))
    seal(copy)
    folder, outcome = go_on(tmp_path / "other", copy)
    assert outcome.state == "succeeded"
    assert "77 threads a process" in folder.log(0).read_text()
    assert "rounded otherwise" in folder.log(0).read_text()


def test_another_runs_checkpoint_fails_the_run_with_a_sentence(copy: Path, tmp_path: Path) -> None:
    folder, outcome = go_on(tmp_path, copy, tiny_spec(steps=12, processes=2, batch_size=16))
    assert (outcome.state, outcome.damage) == ("failed", "")
    assert "expected a run of 16 sequences a batch, found one of 8" in outcome.reason
    assert isinstance(events(folder)[-1], TrainingEnded)


@pytest.mark.parametrize("point", ["checkpoint.between_shards:4", "checkpoint.before_manifest:2", "checkpoint.before_rename:2"])
def test_a_kill_while_it_is_written_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    monkeypatch.setenv("CRASH_AT", point)
    folder = run_directory(tmp_path / "run", SPEC)
    with ranks(folder) as children:
        assert children[0].wait(120) == -signal.SIGKILL
    assert sorted(path.name for path in folder.checkpoints.iterdir()) == ["step_00000004", "step_00000008.tmp"]
    assert verify(folder.checkpoints / "step_00000004").step == 4
    if point != "checkpoint.before_rename:2":
        with pytest.raises(DamagedCheckpoint):
            verify(folder.checkpoints / "step_00000008.tmp")


def test_want_of_room_for_the_last_checkpoint_has_an_exit_code_of_its_own(tmp_path: Path) -> None:
    folder = run_directory(tmp_path / "run", tiny_spec(steps=6))
    with process([sys.executable, "-c", WITHOUT_ROOM, str(folder.root)], folder, {}) as child:
        assert child.wait(120) == NO_ROOM, folder.log(0).read_text()
    assert not folder.outcome.exists()
    assert not list(folder.checkpoints.iterdir())
    assert "No space left on device" in folder.log(0).read_text()
