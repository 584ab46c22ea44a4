"""A checkpoint as one folder that others can read (weights, tokenizer, config, card, hashes), in an uncompressed tar made while it is sent.

Every object is compared with its hash on the way, and the last piece of each is held back until it has been: a damaged one breaks the
stream, which then is shorter than its Content-Length and has no end-of-archive mark. SHA256SUMS comes last.
"""

import hashlib
import json
import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from services.storage.card import config_of, model_card
from services.storage.keys import checkpoint_key
from services.storage.models import CheckpointFile
from services.storage.objects import DamagedObject, ObjectStore
from shared.errors import Conflict
from shared.names import TENSOR_FILE

_PLAIN: Final = "model.safetensors"
_END: Final = b"\0" * (2 * tarfile.BLOCKSIZE)
_MAX_HEADER: Final = 100 << 20
"""What the safetensors library reads at most."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True)
class Entry:
    """A file of the archive: made here (`made`), or an object of the checkpoint under a name of its own."""

    name: str
    size: int
    sha256: str
    made: bytes | None = None
    source: CheckpointFile | None = None


@dataclass(frozen=True)
class Archive:
    """`folder` holds all entries."""

    folder: str
    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        return sum(tarfile.BLOCKSIZE + entry.size + _padding(entry.size) for entry in self.entries) + len(_END)


def plan(objects: ObjectStore, files: Iterable[CheckpointFile], *, everything: bool) -> Archive:
    """What the archive will hold. Reads the small files now. Raises DamagedObject, and Conflict where it is no checkpoint of ours."""
    stored = {file.name: file for file in files}
    state = _read_json(objects, stored, "state.json")
    manifest = _read_json(objects, stored, "manifest.json")
    _must_be_whole(stored, manifest)
    weights = _weights(objects, stored)
    rest = [file for name, file in sorted(stored.items()) if name not in {each.source.name for each in weights if each.source}]
    others = [_of(file) for file in rest if everything or file.name == "tokenizer.json"]
    config = made("config.json", json.dumps(config_of(state), indent=2).encode() + b"\n")
    card = made("README.md", model_card(state, manifest, weights).encode())
    entries = [card, config, *others, *weights]
    sums = made("SHA256SUMS", "".join(f"{entry.sha256}  {entry.name}\n" for entry in entries).encode())
    return Archive(_folder(state, manifest), (*entries, sums))


def stream(objects: ObjectStore, archive: Archive) -> Iterator[bytes]:
    """Raises DamagedObject in the middle where an object is not what it was."""
    for entry in archive.entries:
        yield _header(f"{archive.folder}/{entry.name}", entry.size)
        if entry.source is None:
            yield entry.made or b""
        else:
            yield from _held_back(objects.stream_verified(_key(entry.source), entry.sha256, entry.size))
        yield b"\0" * _padding(entry.size)
    yield _END


def made(name: str, content: bytes) -> Entry:
    return Entry(name, len(content), hashlib.sha256(content).hexdigest(), made=content)


def _must_be_whole(stored: dict[str, CheckpointFile], manifest: dict[str, Any]) -> None:
    """Every file that the manifest lists, and every shard that a shard's name speaks of, is there. Raises Conflict."""
    missing = {str(file["name"]) for file in manifest.get("files", ())} - stored.keys()
    for match in filter(None, map(TENSOR_FILE.fullmatch, stored)):
        if match["count"]:
            every = {f"{match['part']}-{index:05d}-of-{match['count']}.safetensors" for index in range(1, int(match["count"]) + 1)}
            missing |= every - stored.keys()
    if missing:
        detail = f"this checkpoint is not whole: {', '.join(sorted(missing)[:5])} is missing"
        raise Conflict(detail, remedy="choose another", code="not-exportable")


def _weights(objects: ObjectStore, stored: dict[str, CheckpointFile]) -> list[Entry]:
    """One file, or shards and the index that says which tensor is in which."""
    if _PLAIN in stored:
        return [_of(stored[_PLAIN])]
    shards = [file for name, file in sorted(stored.items()) if (match := TENSOR_FILE.fullmatch(name)) and match["part"] == "model"]
    if len(shards) == 1:
        return [Entry(_PLAIN, shards[0].bytes, shards[0].sha256, source=shards[0])]
    if not shards:
        raise Conflict("this checkpoint has no model weights", remedy="choose another", code="not-exportable")
    places: dict[str, str] = {}
    size = 0
    for shard in shards:
        for tensor, about in _tensors(objects, shard).items():
            places[tensor] = shard.name
            size += about["data_offsets"][1] - about["data_offsets"][0]
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(places.items()))}
    return [*(_of(shard) for shard in shards), made(f"{_PLAIN}.index.json", json.dumps(index, indent=2).encode() + b"\n")]


def _tensors(objects: ObjectStore, shard: CheckpointFile) -> dict[str, Any]:
    """The header of a safetensors file: what it says of each tensor."""
    key = _key(shard)
    length = int.from_bytes(objects.read_range(key, 0, 8), "little")
    if not 0 < length <= min(_MAX_HEADER, shard.bytes - 8):
        raise DamagedObject(f"{key}: expected a safetensors header, found one of {length} bytes")
    try:
        header: dict[str, Any] = json.loads(objects.read_range(key, 8, 8 + length))
    except ValueError as error:
        raise DamagedObject(f"{key}: expected a safetensors header, found {error}") from None
    header.pop("__metadata__", None)
    return header


def _read_json(objects: ObjectStore, stored: dict[str, CheckpointFile], name: str) -> dict[str, Any]:
    file = stored.get(name)
    if file is None:
        raise Conflict(f"this checkpoint has no {name}", remedy="choose another", code="not-exportable")
    content = json.loads(objects.read_verified(_key(file), file.sha256, file.bytes))
    return content if isinstance(content, dict) else {}


def _folder(state: dict[str, Any], manifest: dict[str, Any]) -> str:
    name = str(state.get("spec", {}).get("name", ""))
    step = int(manifest.get("step", state.get("step", 0)))
    return f"{name if _NAME.fullmatch(name) else 'checkpoint'}-step-{step}"


def _header(name: str, size: int) -> bytes:
    """The same for the same checkpoint: no times, no owners."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    return info.tobuf(tarfile.USTAR_FORMAT if size < 8 << 30 else tarfile.GNU_FORMAT)


def _padding(size: int) -> int:
    return -size % tarfile.BLOCKSIZE


def _held_back(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Each chunk when the next one is there; the last when the whole has been found right."""
    last = b""
    for chunk in chunks:
        yield last
        last = chunk
    yield last


def _of(file: CheckpointFile) -> Entry:
    return Entry(file.name, file.bytes, file.sha256, source=file)


def _key(file: CheckpointFile) -> str:
    return checkpoint_key(file.run_id, file.checkpoint_id, file.name)
