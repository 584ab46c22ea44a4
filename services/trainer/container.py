"""Tensors in files: the safetensors container, written and hashed in one pass, and split into shards of a limited size.

A container is the length of its header (8 bytes, little endian), the header (JSON: dtype, shape and place of each tensor) and the tensors'
bytes, one behind the other (https://huggingface.co/docs/safetensors). The library reads it; it can only write a whole file from one call,
after which the file would have to be read once more to be hashed.
"""

import hashlib
import json
import os
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from services.trainer.soundness import DamagedCheckpoint
from shared.internal import FileRef
from shared.names import TENSOR_FILE

SHARD_BYTES: Final = 1 << 30
_PIECE: Final = 1 << 20
_DTYPES: Final = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}

Layout = tuple[str, tuple[int, ...]]
"""The name of a tensor's dtype, as safetensors has it, and its shape."""


def layout(tensor: Tensor) -> Layout:
    return _DTYPES[tensor.dtype], tuple(tensor.shape)


def split(part: str, tensors: Mapping[str, Tensor], limit: int) -> dict[str, dict[str, Tensor]]:
    """The shards of a part by file name. None holds more than `limit` bytes, but where a single tensor does."""
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, tensor in tensors.items():
        if shards[-1] and size + tensor.nbytes > limit:
            shards.append({})
            size = 0
        shards[-1][name] = tensor
        size += tensor.nbytes
    if len(shards) == 1:
        return {f"{part}.safetensors": shards[0]}
    return {f"{part}-{index:05d}-of-{len(shards):05d}.safetensors": shard for index, shard in enumerate(shards, 1)}


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> FileRef:
    """`tensors` must be in host memory and contiguous. The file is on the disk when this returns. Raises OSError."""
    # Wide types first keep every tensor aligned to its own width, so that readers may map the file.
    ordered = sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0]))
    return _write(path, _pieces(ordered))


def write_bytes(path: Path, content: bytes) -> FileRef:
    """On the disk when this returns. Raises OSError."""
    return _write(path, iter([memoryview(content)]))


def _write(path: Path, pieces: Iterator[memoryview]) -> FileRef:
    """Hash and write piece by piece; both let other threads run meanwhile."""
    digest, size = hashlib.sha256(), 0
    with path.open("wb", buffering=0) as file:
        for piece in pieces:
            digest.update(piece)
            written = 0
            while written < len(piece):
                written += file.write(piece[written:])
            size += len(piece)
        os.fsync(file.fileno())
    return FileRef(name=path.name, bytes=size, sha256=digest.hexdigest())


def _pieces(tensors: list[tuple[str, Tensor]]) -> Iterator[memoryview]:
    yield memoryview(_header(tensors))
    for _, tensor in tensors:
        if tensor.numel():
            content = tensor.reshape(-1).view(torch.uint8).numpy().data
            for start in range(0, len(content), _PIECE):
                yield content[start : start + _PIECE]


def _header(tensors: list[tuple[str, Tensor]]) -> bytes:
    entries, offset = {}, 0
    for name, tensor in tensors:
        dtype, shape = layout(tensor)
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": (offset, offset + tensor.nbytes)}
        offset += tensor.nbytes
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


class PartFiles:
    """The shards of one part in a checkpoint's folder, `names` being all files that its manifest lists. Raises DamagedCheckpoint."""

    def __init__(self, folder: Path, part: str, names: list[str]) -> None:
        matches = [match for name in names if (match := TENSOR_FILE.fullmatch(name)) and match["part"] == part]
        self.paths = sorted(folder / match[0] for match in matches)
        counts = {int(match["count"] or 1) for match in matches}
        indices = sorted(int(match["index"] or 1) for match in matches)
        if len(counts) != 1 or indices != list(range(1, counts.pop() + 1)):
            found = ", ".join(path.name for path in self.paths) or "none"
            raise DamagedCheckpoint(f"{folder}: expected all shards of {part}.safetensors, found {found}")

    def layouts(self) -> dict[str, Layout]:
        """Of every tensor, by name."""
        found: dict[str, Layout] = {}
        for path in self.paths:
            with _opened(path) as file:
                for name in file.keys():  # noqa: SIM118  (not a mapping)
                    if name in found:
                        raise DamagedCheckpoint(f"{path}: expected new tensors, found {name}, which another shard has too")
                    view = file.get_slice(name)
                    found[name] = (str(view.get_dtype()), tuple(view.get_shape()))
        return found

    def tensors(self) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        for path in self.paths:
            with _opened(path) as file:
                found |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return found


def _opened(path: Path) -> safe_open:
    try:
        return safe_open(path, framework="pt")
    except (SafetensorError, OSError) as error:
        raise DamagedCheckpoint(f"{path}: expected a safetensors file, found {error}") from error
