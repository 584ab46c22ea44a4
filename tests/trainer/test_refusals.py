"""What is no checkpoint of this run is refused, with what was expected and what was found, and never loaded in part."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from services.trainer.checkpoint import load_model, restore
from services.trainer.soundness import DamagedCheckpoint, UnfitCheckpoint, describe
from services.trainer.world import World
from tests.trainer.checkpoints import SPEC, parts_of, seal, six_steps
from tests.trainer.runs import tiny_spec
from tests.trainer.trainings import Training


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return six_steps(tmp_path_factory.mktemp("run")).save(shard_bytes=3000)


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "copy"))


def refuse(folder: Path, scratch: Path, error: type[Exception], words: str, training: Training | None = None) -> None:
    """Nothing of the model, the optimiser or the random numbers has changed afterwards."""
    training = training or Training(SPEC, scratch)
    before = {name: tensor.clone() for name, tensor in training.model.state_dict().items()}
    drawn = torch.get_rng_state()
    with pytest.raises(error, match=words):
        restore(folder, parts_of(training), World())
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(torch.equal(tensor, before[name]) for name, tensor in training.model.state_dict().items())
    assert not training.optimizer.state


def first_shard(folder: Path, part: str) -> Path:
    return min(folder.glob(f"{part}-*"))


EVIL = b"cbuiltins\nexit\n(I3\ntR."
"""A pickle: whoever reads it leaves with exit code 3."""


def test_a_renamed_pickle(copy: Path, tmp_path: Path) -> None:
    first_shard(copy, "model").write_bytes(EVIL)
    seal(copy)
    refuse(copy, tmp_path, DamagedCheckpoint, r"model-00001-of-\d+.safetensors: expected a safetensors file, found ")


def test_a_torch_file_in_the_optimizers_place(copy: Path, tmp_path: Path) -> None:
    torch.save({"exp_avg": torch.zeros(3)}, first_shard(copy, "optimizer"))
    seal(copy)
    refuse(copy, tmp_path, DamagedCheckpoint, "expected a safetensors file, found ")


def test_a_foreign_shard_that_the_manifest_does_not_know(copy: Path, tmp_path: Path) -> None:
    shard = first_shard(copy, "optimizer")
    save_file({name: torch.zeros_like(tensor) for name, tensor in load_file(shard).items()}, shard)
    refuse(copy, tmp_path, DamagedCheckpoint, r"optimizer-00001-of-\d+.safetensors: expected \d+ bytes with SHA-256")


def test_a_foreign_shard_that_the_manifest_knows(copy: Path, tmp_path: Path) -> None:
    save_file({"another.weight": torch.zeros(2, 3)}, first_shard(copy, "model"))
    seal(copy)
    words = r"model: another.weight: expected no such tensor, found F32 of shape \[2, 3\] \(and \d+ more differences\)"
    refuse(copy, tmp_path, UnfitCheckpoint, words)


def test_a_tensor_that_comes_twice(copy: Path, tmp_path: Path) -> None:
    first, second = sorted(copy.glob("model-*"))[:2]
    shutil.copy(second, first)
    seal(copy)
    refuse(copy, tmp_path, DamagedCheckpoint, "expected new tensors, found .*, which another shard has too")


def test_a_missing_shard(copy: Path, tmp_path: Path) -> None:
    first_shard(copy, "optimizer").unlink()
    refuse(copy, tmp_path / "a", DamagedCheckpoint, r"optimizer-00001-of-\d+.safetensors: expected \d+ bytes, found no such file")
    seal(copy)
    refuse(copy, tmp_path / "b", DamagedCheckpoint, "expected all shards of optimizer.safetensors, found optimizer-00002")


@pytest.mark.parametrize("part", ["model", "optimizer", "rng"])
def test_a_missing_part(copy: Path, tmp_path: Path, part: str) -> None:
    for path in copy.glob(f"{part}*"):
        path.unlink()
    seal(copy)
    refuse(copy, tmp_path, DamagedCheckpoint, f"expected all shards of {part}.safetensors, found none")


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_truncated_manifest(copy: Path, tmp_path: Path, share: float) -> None:
    whole = (copy / "manifest.json").read_bytes()
    (copy / "manifest.json").write_bytes(whole[: int(share * len(whole))])
    refuse(copy, tmp_path, DamagedCheckpoint, "manifest.json: expected a manifest, found ")


@pytest.mark.parametrize("manifest", [None, b"{}", b"[]", b'{"format": 1}', b'{"format": "two"}'])
def test_no_manifest(copy: Path, tmp_path: Path, manifest: bytes | None) -> None:
    (copy / "manifest.json").unlink()
    if manifest is not None:
        (copy / "manifest.json").write_bytes(manifest)
    refuse(copy, tmp_path, DamagedCheckpoint, "manifest.json: expected ")


@pytest.mark.parametrize(("right", "wrong"), [('"run_id": "run_test"', '"run_id": "run_tesu"'), ('"format": 2', '"format": 3')])
def test_a_manifest_that_went_bad_since_the_commit(copy: Path, tmp_path: Path, right: str, wrong: str) -> None:
    """No other file vouches for it: whoever knows what was committed compares it with that. Another format is then no other version's."""
    committed = [describe(path) for path in sorted(copy.iterdir())]
    restore(copy, parts_of(Training(SPEC, tmp_path / "whole")), World(), committed=committed)
    manifest = copy / "manifest.json"
    assert manifest.read_text().count(right) == 1
    manifest.write_text(manifest.read_text().replace(right, wrong))
    with pytest.raises(DamagedCheckpoint, match=r"manifest.json: expected \d+ bytes with SHA-256"):
        restore(copy, parts_of(Training(SPEC, tmp_path / "flipped")), World(), committed=committed)


@pytest.mark.parametrize("found", [0, 3, 99])
def test_a_format_of_another_time(copy: Path, tmp_path: Path, found: int) -> None:
    manifest = json.loads((copy / "manifest.json").read_text()) | {"format": found, "unheard": "of"}
    (copy / "manifest.json").write_text(json.dumps(manifest))
    refuse(copy, tmp_path, UnfitCheckpoint, f"manifest.json: expected format 1 or 2, found {found}")
    with pytest.raises(UnfitCheckpoint):
        load_model(copy)


@pytest.mark.parametrize("content", [b"{}", b"[1]", b'{"step": 6'])
def test_a_state_that_is_none(copy: Path, tmp_path: Path, content: bytes) -> None:
    (copy / "state.json").write_bytes(content)
    seal(copy)
    refuse(copy, tmp_path, DamagedCheckpoint, "state.json: expected the run's state, found")


def test_another_models_shape(copy: Path, tmp_path: Path) -> None:
    wider = Training(tiny_spec(model={"n_embd": 32, "dropout": 0.1}), tmp_path)
    words = r"model: blocks.0.attention.out.weight: expected F32 of shape \[32, 32\], found F32 of shape \[16, 16\]"
    refuse(copy, tmp_path, UnfitCheckpoint, words, wider)


def test_another_models_depth(copy: Path, tmp_path: Path) -> None:
    deeper = Training(tiny_spec(model={"n_layer": 3, "dropout": 0.1}), tmp_path)
    refuse(
        copy, tmp_path, UnfitCheckpoint, r"blocks.2.attention.out.weight: expected F32 of shape \[16, 16\], found no such tensor", deeper
    )


@pytest.mark.parametrize("part", ["optimizer", "rng"])
def test_tensors_of_another_type(copy: Path, tmp_path: Path, part: str) -> None:
    for path in copy.glob(f"{part}*"):
        save_file({name: tensor.double() for name, tensor in load_file(path).items()}, path)
    seal(copy)
    refuse(copy, tmp_path, UnfitCheckpoint, rf"{part}: .*: expected (F32|U8|I64) of shape .*, found F64 of shape")


def test_what_the_state_says_can_be_refused_too(copy: Path, tmp_path: Path) -> None:
    training = Training(SPEC, tmp_path)
    with pytest.raises(UnfitCheckpoint, match=r"state\.json: other data"):
        restore(copy, parts_of(training), World(), lambda state: "other data" if state.step == 6 else "")
    assert not training.optimizer.state
