import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from services.trainer.checkpoint import load_model, read_state, restore
from services.trainer.optimizer import make_optimizer
from services.trainer.randomness import seed_all
from services.trainer.soundness import DamagedCheckpoint, verify
from services.trainer.world import World
from tests.trainer.checkpoints import COMMAND, SPEC, Checkpoints, parts_of, six_steps
from tests.trainer.runs import tiny_spec
from tests.trainer.trainings import Training

FILES = {"model.safetensors", "optimizer.safetensors", "rng.safetensors", "state.json", "tokenizer.json"}
OLD = Path(__file__).parent / "format1"


@dataclass(frozen=True)
class Saved:
    run: Checkpoints
    checkpoint: Path
    shards: Path
    next_draws: list[float]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """A run of six steps, then a checkpoint, and one of the same state in small shards."""
    run = six_steps(tmp_path_factory.mktemp("run"))
    random.gauss(0, 1), np.random.normal()  # each holds a second number back
    checkpoint, shards = run.save(), run.save(7, shard_bytes=3000)
    return Saved(run, checkpoint, shards, draws())


def draws() -> list[float]:
    """From every generator, those numbers first that one holds back."""
    return [random.gauss(0, 1), random.random(), np.random.normal(), np.random.rand(), *torch.rand(5).tolist()]


@pytest.fixture
def copy(saved: Saved, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved.checkpoint, tmp_path / "copy"))


def assert_same_state(ours: Training, theirs: Training) -> None:
    for (name, parameter), other in zip(ours.model.named_parameters(), theirs.model.parameters(), strict=True):
        assert torch.equal(parameter, other), name
        assert ours.optimizer.state[parameter].keys() == theirs.optimizer.state[other].keys()
        for key, value in ours.optimizer.state[parameter].items():
            assert torch.equal(value, theirs.optimizer.state[other][key]), f"{name} {key}"


def test_what_is_in_it(saved: Saved) -> None:
    assert {path.name for path in saved.checkpoint.iterdir()} == FILES | {"manifest.json"}
    manifest = verify(saved.checkpoint)
    facts = (manifest.format, manifest.run_id, manifest.step, manifest.tokens, manifest.metrics)
    assert facts == (2, "run_test", 6, 768, {"train/loss": 3.0})  # the validation loss is an earlier step's
    assert {file.name for file in manifest.files} == FILES
    assert sorted(path.name for path in saved.run.folder.checkpoints.iterdir()) == ["step_00000006", "step_00000007"]


def test_its_state_is_readable(saved: Saved) -> None:
    state = json.loads((saved.checkpoint / "state.json").read_text())
    # six steps of eight samples, of which there are so many in an epoch
    per_epoch = saved.run.training.windows.per_epoch
    assert state["data"] == {"epoch": 48 // per_epoch, "index": 48 % per_epoch}
    assert state["schedule"] == {"step": 6}
    assert (state["tokens"], state["world_size"], state["scaler"], state["skipped_steps"]) == (768, 1, None, 0)
    command = {"step": 3, "command_id": "cmd_1", "type": "set_hyperparameters", "arguments": {"train.optimizer.lr": 0.1}}
    assert state["journal"] == [command]
    assert read_state(saved.checkpoint).journal == [COMMAND]


@pytest.mark.parametrize("which", ["checkpoint", "shards"])
def test_restore_brings_all_state_back(saved: Saved, which: str, tmp_path: Path) -> None:
    fresh = Training(SPEC, tmp_path)
    seed_all(99)
    state = restore(getattr(saved, which), parts_of(fresh), World())
    assert (state.step, state.spec) == (6 if which == "checkpoint" else 7, SPEC)
    assert draws() == saved.next_draws
    assert_same_state(fresh, saved.run.training)


def test_no_shard_is_larger_than_it_may_be(saved: Saved) -> None:
    names = {path.name for path in saved.shards.glob("optimizer*")}
    assert names == {f"optimizer-{index:05d}-of-{len(names):05d}.safetensors" for index in range(1, len(names) + 1)}
    tensors = {name: tensor.nbytes for part in parts_of(saved.run.training) for name, tensor in part.tensors().items()}
    for file in verify(saved.shards).files:
        if file.name.endswith(".safetensors"):
            assert file.bytes < 3000 + 1000 or max(tensors.values()) > 3000  # with its header; but for one larger tensor alone
    assert len(names) > 3


@pytest.mark.parametrize("which", ["checkpoint", "shards"])
def test_load_model(saved: Saved, which: str) -> None:
    model, spec = load_model(getattr(saved, which))
    tokens = torch.arange(10)[None]
    assert spec == SPEC
    assert not model.training
    assert torch.equal(model(tokens), saved.run.training.model.eval()(tokens))


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_flipped_bit_is_named(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(DamagedCheckpoint, match=rf"{name}: expected \d+ bytes with SHA-256 [0-9a-f]+, found \d+ bytes with [0-9a-f]+"):
        verify(copy)
    with pytest.raises(DamagedCheckpoint):
        load_model(copy)


def test_format_1_is_read(tmp_path: Path) -> None:
    """Written by the code before format 2, which noted what it was about to do."""
    expected, folder = json.loads((OLD / "expected.json").read_text()), OLD / "step_00000006"
    spec = tiny_spec(steps=6, model={"n_layer": 1, "n_embd": 8, "sequence_length": 8, "dropout": 0.1})
    fresh = Training(spec, tmp_path)
    seed_all(99)
    state = restore(folder, parts_of(fresh), World())
    assert (state.step, state.tokens, state.data, state.scaler, state.journal) == (6, 384, None, None, [])
    assert state.spec == spec
    assert torch.rand(3).tolist() == expected["next_draw"]
    optimizer = fresh.optimizer
    for name, parameter in fresh.model.named_parameters():
        assert float(optimizer.state[parameter]["exp_avg"].double().abs().sum()) == pytest.approx(expected["moments"][name], rel=1e-12)
        assert optimizer.state[parameter]["step"] == expected["steps"]
    assert load_model(folder)[1] == spec


def test_a_larger_world_keeps_its_seeds(saved: Saved, tmp_path: Path) -> None:
    fresh = Training(SPEC, tmp_path)
    seed_all(5)
    expected = draws()
    seed_all(5)
    parts = parts_of(fresh)
    parts[2].world = SecondRank()  # type: ignore[attr-defined]
    restore(saved.checkpoint, parts, World())
    assert draws() == expected
    assert_same_state(fresh, saved.run.training)


class SecondRank(World):
    def __init__(self) -> None:
        super().__init__(rank=1, size=1)


def test_an_optimizer_that_took_no_step_yet_can_be_restored(saved: Saved, tmp_path: Path) -> None:
    fresh = Training(SPEC, tmp_path)
    fresh.optimizer = make_optimizer(fresh.model, SPEC.train.optimizer)
    assert not fresh.optimizer.state
    restore(saved.checkpoint, parts_of(fresh), World())
    assert len(fresh.optimizer.state) == len(list(fresh.model.parameters()))
