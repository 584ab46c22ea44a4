"""A checkpoint as one folder: what is in it, that it is what was committed, and that a damaged one never ends well."""

import io
import itertools
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from services.storage.objects import DamagedObject
from shared.spec import RunSpec
from tests.conftest import headers
from tests.storage.conftest import Storage
from tests.storage.pushing import put, sha256

SPEC = RunSpec.model_validate({"name": "novel", "dataset": "novels@3", "tokenizer": "byte"})
STATE = {"step": 20, "tokens": 5120, "metrics": {"val/loss": 2.25}, "spec": SPEC.model_dump(mode="json"), "vocab_size": 257}
MANIFEST = {"format": 1, "run_id": "run_a", "step": 20, "tokens": 5120, "metrics": {"val/loss": 2.25, "train/loss": None}}


def shard(**tensors: int) -> bytes:
    """A safetensors file with float32 tensors of so many numbers."""
    header, offset = {}, 0
    for name, count in tensors.items():
        header[name] = {"dtype": "F32", "shape": [count], "data_offsets": [offset, offset + 4 * count]}
        offset += 4 * count
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    return len(text).to_bytes(8, "little") + text + bytes(range(256)) * (offset // 256) + bytes(offset % 256)


FORMAT_1 = {
    "model.safetensors": shard(weight=700_000),
    "optimizer.safetensors": shard(moment=64),
    "rng.safetensors": shard(state=16),
    "state.json": json.dumps(STATE).encode(),
    "tokenizer.json": b'{"model": {}}',
    "manifest.json": json.dumps(MANIFEST).encode(),
}
SHARDED = {name: data for name, data in FORMAT_1.items() if name != "model.safetensors"} | {
    "model-00001-of-00002.safetensors": shard(a=64, b=32),
    "model-00002-of-00002.safetensors": shard(c=16),
}


def write(storage: Storage, files: dict[str, bytes]) -> None:
    body = {
        "run_id": "run_a",
        "checkpoint_id": "ckp_1",
        "files": [{"name": name, "bytes": len(data), "sha256": sha256(data)} for name, data in files.items()],
    }
    puts: Any = storage.internal("POST", "/internal/uploads", body)[1]["puts"]
    for target in puts:
        put(target["url"], files[target["name"]])
    assert storage.internal("POST", "/internal/uploads/complete", body)[0] == 204


def fetch(client: FlaskClient, query: str = "") -> Any:
    return client.get(f"/api/v1/checkpoints/ckp_1/download{query}", headers=headers("viewer"))


def unpacked(data: bytes) -> dict[str, bytes]:
    """All are plain files of one folder."""
    found = {}
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        for member in archive:
            content = archive.extractfile(member)
            assert content
            assert member.name.startswith("novel-step-20/")
            found[member.name.removeprefix("novel-step-20/")] = content.read()
    return found


def test_it_holds_weights_tokenizer_config_card_and_hashes(storage: Storage) -> None:
    write(storage, FORMAT_1)
    answer = fetch(storage.client)
    assert (answer.status_code, answer.content_type) == (200, "application/x-tar")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="novel-step-20.tar"'
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    found = unpacked(answer.data)
    assert list(found) == ["README.md", "config.json", "tokenizer.json", "model.safetensors", "SHA256SUMS"]
    assert found["model.safetensors"] == FORMAT_1["model.safetensors"]
    sums = {line[66:]: line[:64] for line in found["SHA256SUMS"].decode().splitlines()}
    assert sums == {name: sha256(data) for name, data in found.items() if name != "SHA256SUMS"}
    config = json.loads(found["config.json"])
    assert (config["vocab_size"], config["model"]) == (257, SPEC.model.model_dump())
    card = found["README.md"].decode()
    for told in (
        "# novel, step 20",
        "`novels@3`",
        "| val/loss | 2.25 |",
        sha256(FORMAT_1["model.safetensors"]),
        '"batch_size": 12',
        "run_a",
    ):
        assert told in card
    assert fetch(storage.client).data == answer.data, "the same bytes each time"


def test_all_of_it_is_what_training_needs(storage: Storage) -> None:
    write(storage, FORMAT_1)
    found = unpacked(fetch(storage.client, "?include=all").data)
    assert {name: found[name] for name in FORMAT_1} == FORMAT_1
    assert set(found) == {*FORMAT_1, "README.md", "config.json", "SHA256SUMS"}
    assert fetch(storage.client, "?include=some").status_code == 422


def test_shards_come_with_an_index_and_a_single_one_under_the_plain_name(storage: Storage) -> None:
    write(storage, SHARDED)
    found = unpacked(fetch(storage.client).data)
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    index = json.loads(found["model.safetensors.index.json"])
    assert index == {"metadata": {"total_size": 4 * 112}, "weight_map": {"a": first, "b": first, "c": second}}
    assert (found[first], found[second]) == (SHARDED[first], SHARDED[second])


def test_one_shard_is_a_plain_model(storage: Storage) -> None:
    files = {name: data for name, data in FORMAT_1.items() if name != "model.safetensors"}
    write(storage, files | {"model-00001-of-00001.safetensors": shard(a=4)})
    assert unpacked(fetch(storage.client).data)["model.safetensors"] == shard(a=4)


@pytest.mark.parametrize("at", [0, 8, 1000, len(FORMAT_1["model.safetensors"]) - 1])
def test_a_flipped_byte_breaks_the_stream_before_the_file_is_whole(storage: Storage, at: int) -> None:
    write(storage, FORMAT_1)
    path = storage.folder / "checkpoints" / "run_a" / "ckp_1" / "model.safetensors"
    flip(path, at)
    answer = storage.client.get("/api/v1/checkpoints/ckp_1/download", headers=headers("viewer"), buffered=False)
    got = bytearray()
    with pytest.raises(DamagedObject, match=r"model\.safetensors: expected"):
        got.extend(itertools.chain.from_iterable(answer.iter_encoded()))
    assert len(got) < int(answer.headers["Content-Length"])
    with pytest.raises(tarfile.ReadError):
        unpacked(bytes(got))


@pytest.mark.parametrize("name", ["state.json", "manifest.json"])
def test_damage_that_is_seen_first_is_told_as_such(storage: Storage, name: str) -> None:
    write(storage, FORMAT_1)
    flip(storage.folder / "checkpoints" / "run_a" / "ckp_1" / name, 2)
    answer = fetch(storage.client)
    assert (answer.status_code, answer.json["code"]) == (409, "checkpoint-damaged")


def test_what_is_no_checkpoint_of_ours_is_refused(storage: Storage) -> None:
    assert fetch(storage.client).status_code == 404
    write(storage, {name: data for name, data in FORMAT_1.items() if name != "model.safetensors"})
    answer = fetch(storage.client)
    assert (answer.status_code, answer.json["code"]) == (409, "not-exportable")


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_what_is_not_whole_is_not_exported(storage: Storage) -> None:
    second = "model-00002-of-00003.safetensors"
    files = {name: data for name, data in SHARDED.items() if not name.startswith("model-")} | {second: shard(a=4)}
    write(storage, files)
    answer = fetch(storage.client)
    assert (answer.status_code, answer.json["code"]) == (409, "not-exportable")
    assert "model-00001-of-00003.safetensors, model-00003-of-00003.safetensors" in answer.json["detail"]


def test_what_the_manifest_lists_must_be_there(storage: Storage) -> None:
    manifest = MANIFEST | {"files": [{"name": "tokenizer.json"}, {"name": "lost.safetensors"}]}
    write(storage, FORMAT_1 | {"manifest.json": json.dumps(manifest).encode()})
    answer = fetch(storage.client)
    assert (answer.status_code, answer.json["code"]) == (409, "not-exportable")
    assert "lost.safetensors" in answer.json["detail"]
