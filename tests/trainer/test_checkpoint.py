import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from services.trainer.checkpoint import DamagedCheckpoint, State, load_model, restore, save, verify
from services.trainer.model import GPT
from services.trainer.optimizer import make_optimizer
from services.trainer.rundir import Manifest, RunDirectory
from services.trainer.world import World
from tests.trainer.runs import VOCABULARY, tiny_spec, tokenizer
from tests.trainer.trainings import Training

SPEC = tiny_spec(steps=6, model={"dropout": 0.1})


@dataclass(frozen=True)
class Saved:
    training: Training
    folder: RunDirectory
    checkpoint: Path
    next_draw: torch.Tensor


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """A run of six steps, then a checkpoint."""
    root = tmp_path_factory.mktemp("run")
    training, folder = Training(SPEC, root), RunDirectory(root)
    training.run()
    tokenizer().save(str(folder.tokenizer))
    state = State(step=6, tokens=768, metrics={"val/loss": 3.5}, spec=SPEC, vocab_size=VOCABULARY)
    save(folder, "run_test", state, (training.model, training.optimizer), World())
    return Saved(training, folder, folder.checkpoints / "step_00000006", torch.rand(5))


@pytest.fixture
def copy(saved: Saved, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved.checkpoint, tmp_path / "copy"))


def test_what_is_in_it(saved: Saved) -> None:
    names = {"model.safetensors", "optimizer.safetensors", "rng.safetensors", "state.json", "tokenizer.json", "manifest.json"}
    assert {path.name for path in saved.checkpoint.iterdir()} == names
    manifest = verify(saved.checkpoint)
    assert (manifest.run_id, manifest.step, manifest.tokens, manifest.metrics) == ("run_test", 6, 768, {"val/loss": 3.5})
    assert {file.name for file in manifest.files} == names - {"manifest.json"}
    assert [path.name for path in saved.folder.checkpoints.iterdir()] == ["step_00000006"]


def test_restore_brings_all_state_back(saved: Saved) -> None:
    torch.manual_seed(99)
    model = GPT(SPEC.model, VOCABULARY)
    optimizer = make_optimizer(model, SPEC.train.optimizer)
    state = restore(saved.checkpoint, model, optimizer, World())
    assert (state.step, state.spec) == (6, SPEC)
    assert torch.equal(torch.rand(5), saved.next_draw)
    for (name, ours), theirs in zip(model.named_parameters(), saved.training.model.parameters(), strict=True):
        assert torch.equal(ours, theirs), name
        assert optimizer.state[ours].keys() == saved.training.optimizer.state[theirs].keys()
        for key, value in optimizer.state[ours].items():
            assert torch.equal(value, saved.training.optimizer.state[theirs][key]), f"{name} {key}"


def test_load_model(saved: Saved) -> None:
    model, spec = load_model(saved.checkpoint)
    tokens = torch.arange(10)[None]
    assert spec == SPEC
    assert not model.training
    assert torch.equal(model(tokens), saved.training.model.eval()(tokens))


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "rng.safetensors", "state.json", "tokenizer.json"])
def test_a_flipped_bit_is_named(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(DamagedCheckpoint, match=rf"{name}: expected \d+ bytes with SHA-256 [0-9a-f]+, found \d+ bytes with [0-9a-f]+"):
        verify(copy)
    with pytest.raises(DamagedCheckpoint):
        load_model(copy)


def test_a_missing_file_is_named(copy: Path) -> None:
    (copy / "rng.safetensors").unlink()
    with pytest.raises(DamagedCheckpoint, match=r"rng.safetensors: expected \d+ bytes, found no such file"):
        verify(copy)


@pytest.mark.parametrize("manifest", [None, b"{", b'{"format": 1}'])
def test_without_its_manifest_it_is_none(copy: Path, manifest: bytes | None) -> None:
    (copy / "manifest.json").unlink()
    if manifest is not None:
        (copy / "manifest.json").write_bytes(manifest)
    with pytest.raises(DamagedCheckpoint, match=r"manifest.json: expected"):
        restore(copy, model := GPT(SPEC.model, VOCABULARY), make_optimizer(model, SPEC.train.optimizer), World())


def test_a_torn_one_is_written_over(saved: Saved, tmp_path: Path) -> None:
    folder = RunDirectory(tmp_path)
    torn = folder.checkpoints / "step_00000006.tmp"
    torn.mkdir(parents=True)
    (torn / "leftover").write_text("of an attempt that died")
    shutil.copy(saved.checkpoint / "tokenizer.json", folder.tokenizer)
    state = State(step=6, tokens=768, metrics={}, spec=SPEC, vocab_size=VOCABULARY)
    manifest = save(folder, "run_test", state, (saved.training.model, saved.training.optimizer), World())
    assert isinstance(manifest, Manifest)
    assert [path.name for path in folder.checkpoints.iterdir()] == ["step_00000006"]
    assert "leftover" not in {path.name for path in (folder.checkpoints / "step_00000006").iterdir()}


def test_what_could_not_be_written_leaves_nothing(saved: Saved, tmp_path: Path) -> None:
    folder = RunDirectory(tmp_path)  # without a tokenizer to copy
    state = State(step=6, tokens=768, metrics={}, spec=SPEC, vocab_size=VOCABULARY)
    with pytest.raises(FileNotFoundError):
        save(folder, "run_test", state, (saved.training.model, saved.training.optimizer), World())
    assert list(folder.checkpoints.iterdir()) == []
