import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from services.trainer.container import PartFiles, layout, split, write_bytes, write_tensors


def all_kinds() -> dict[str, torch.Tensor]:
    kinds = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.uint8, torch.bool]
    made = {f"t{index}": (torch.rand(3, index + 1) * 9).to(kind) for index, kind in enumerate(kinds)}
    return made | {"nothing": torch.empty(0, 4), "number": torch.tensor(3.5), "large": torch.rand(1 << 19)}


def test_the_library_reads_what_is_written(tmp_path: Path) -> None:
    tensors = all_kinds()
    file = write_tensors(tmp_path / "x.safetensors", tensors)
    content = (tmp_path / "x.safetensors").read_bytes()
    assert (file.name, file.bytes, file.sha256) == ("x.safetensors", len(content), hashlib.sha256(content).hexdigest())
    found = load_file(tmp_path / "x.safetensors")
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor), name


def test_shards_are_filled_in_order() -> None:
    tensors = {name: torch.zeros(size, dtype=torch.uint8) for name, size in {"a": 40, "b": 60, "c": 1, "d": 500, "e": 2}.items()}
    assert {name: list(shard) for name, shard in split("model", tensors, 100).items()} == {
        "model-00001-of-00004.safetensors": ["a", "b"],
        "model-00002-of-00004.safetensors": ["c"],
        "model-00003-of-00004.safetensors": ["d"],  # alone, since it is larger than a shard may be
        "model-00004-of-00004.safetensors": ["e"],
    }
    assert list(split("model", tensors, 1000)) == ["model.safetensors"]
    assert list(split("model", {}, 1000)) == ["model.safetensors"]


def test_shards_are_read_as_one(tmp_path: Path) -> None:
    tensors = {f"t{index}": torch.rand(index, 2) for index in range(1, 9)}
    files = [write_tensors(tmp_path / name, shard) for name, shard in split("model", tensors, 64).items()]
    part = PartFiles(tmp_path, "model", [file.name for file in files])
    assert len(files) > 3
    assert part.layouts() == {name: layout(tensor) for name, tensor in tensors.items()}
    assert all(torch.equal(found, tensors[name]) for name, found in part.tensors().items())


def test_bytes(tmp_path: Path) -> None:
    file = write_bytes(tmp_path / "empty", b"")
    assert (file.bytes, file.sha256) == (0, hashlib.sha256(b"").hexdigest())
    with pytest.raises(FileNotFoundError):
        write_bytes(tmp_path / "no folder" / "x", b"x")
