"""Dataset versions as token shards."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from services.storage.content import PartReader
from services.storage.preparing import prepare_chunk
from services.storage.progress import PREPARE_CHUNK, sweep
from tests.storage.conftest import Storage
from tests.storage.pushing import TEXTS, prepare, push, read, read_tokens, resolve, sha256, split_documents

LONG = {"long.txt": "".join(f"line {n}: füße und straßen\n" for n in range(2000)), "short.txt": "x", "wide.txt": "漢" * 5000}


def decode(shards: dict[str, Any]) -> list[str]:
    tokenizer = Tokenizer.from_str(read(shards["tokenizer"]["url"]).decode())
    return [tokenizer.decode(document) for document in split_documents(read_tokens(shards), shards["end_of_text"])]


def train_bpe(storage: Storage, vocab_size: int = 300) -> None:
    status, row = storage.post("/api/v1/tokenizers", {"name": "bpe", "vocab_size": vocab_size, "dataset": "novels"})
    assert status == 201, row
    storage.work()


@pytest.mark.parametrize("tokenizer", ["byte", "char", "bpe"])
@pytest.mark.parametrize(("texts", "cuts"), [(TEXTS, (7, 30)), (LONG, (3, 20_000))])
def test_shards_are_the_text_with_documents_apart(storage: Storage, tokenizer: str, texts: dict[str, str], cuts: tuple[int, ...]) -> None:
    push(storage, texts=texts, cuts=cuts)
    if tokenizer == "bpe":
        train_bpe(storage)
    shards = prepare(storage, "novels", tokenizer)
    assert decode(shards) == list(texts.values())
    assert shards["dtype"] == "uint16"
    tokens = read_tokens(shards)
    assert (len(tokens), max(tokens) < shards["vocab_size"]) == (shards["tokens"], True)
    assert sum(shards["token_bytes"][token] for token in tokens) == sum(len(text.encode()) for text in texts.values())
    assert (len(shards["token_bytes"]), shards["token_bytes"][shards["end_of_text"]]) == (shards["vocab_size"], 0)
    assert sha256(read(shards["tokenizer"]["url"])) == shards["tokenizer"]["sha256"]
    assert len(shards["shards"]) == 1 or texts is LONG


def test_tokens_do_not_depend_on_how_often_a_task_comes(storage: Storage) -> None:
    push(storage, texts=LONG)
    resolved = resolve(storage, "novels", "byte")
    request = {"dataset_id": resolved["dataset"]["id"], "tokenizer_id": resolved["tokenizer"]["id"]}
    _status, row = storage.internal("POST", "/internal/prepared", request)
    reader, id_ = PartReader(storage.stores), str(row["id"])
    status, problem = storage.internal("GET", f"/internal/prepared/{id_}")
    assert (status, problem["code"]) == (409, "prepared-not-ready")
    shown = 0.0
    while storage.sent:
        _name, _id, start = storage.sent.pop(0)
        for again in (start, start, 0):
            prepare_chunk(storage.stores, reader, storage.settings, id_, again)  # type: ignore[arg-type]
        _status, row = storage.internal("POST", "/internal/prepared", request)
        assert shown < float(str(row["progress"])) <= 1
        shown = float(str(row["progress"]))
    _status, shards = storage.internal("GET", f"/internal/prepared/{id_}")
    assert decode(shards) == list(LONG.values())


def test_the_sweep_takes_up_a_lost_message(storage: Storage) -> None:
    push(storage, texts=LONG)
    resolved = resolve(storage, "novels", "byte")
    request = {"dataset_id": resolved["dataset"]["id"], "tokenizer_id": resolved["tokenizer"]["id"]}
    _status, row = storage.internal("POST", "/internal/prepared", request)
    storage.sent.clear()
    assert sweep(storage.stores, stall_seconds=30) == 0
    assert sweep(storage.stores, stall_seconds=-1) == 1
    assert storage.sent == [(PREPARE_CHUNK, row["id"], 0)]
    storage.work()
    assert storage.internal("POST", "/internal/prepared", request)[1]["state"] == "ready"
    assert sweep(storage.stores, stall_seconds=-1) == 0


def test_a_flipped_byte_is_found_and_named(storage: Storage) -> None:
    push(storage)
    [part] = [path for path in (storage.folder / "parts").rglob("*") if path.is_file()]
    data = bytearray(part.read_bytes())
    data[3] ^= 1
    part.write_bytes(bytes(data))
    resolved = resolve(storage, "novels", "byte")
    request = {"dataset_id": resolved["dataset"]["id"], "tokenizer_id": resolved["tokenizer"]["id"]}
    storage.internal("POST", "/internal/prepared", request)
    storage.work()
    _status, row = storage.internal("POST", "/internal/prepared", request)
    assert row["state"] == "failed"
    assert all(word in str(row["reason"]) for word in (part.name, sha256(bytes(data)), "expected", "found"))


def test_a_job_that_never_gets_on_is_given_up(storage: Storage) -> None:
    push(storage)
    resolved = resolve(storage, "novels", "byte")
    request = {"dataset_id": resolved["dataset"]["id"], "tokenizer_id": resolved["tokenizer"]["id"]}
    _status, row = storage.internal("POST", "/internal/prepared", request)
    broken: Any = None
    for _ in range(5):
        with pytest.raises(AttributeError):
            prepare_chunk(storage.stores, broken, storage.settings, str(row["id"]), 0)
    prepare_chunk(storage.stores, broken, storage.settings, str(row["id"]), 0)
    _status, row = storage.internal("POST", "/internal/prepared", request)
    assert (row["state"], "5 tries" in str(row["reason"])) == ("failed", True)


def test_ids_that_nobody_gave_are_refused(storage: Storage) -> None:
    push(storage)
    resolved = resolve(storage, "novels", "byte")
    for field in ("dataset_id", "tokenizer_id"):
        request = {"dataset_id": resolved["dataset"]["id"], "tokenizer_id": resolved["tokenizer"]["id"], field: "x"}
        status, problem = storage.internal("POST", "/internal/prepared", request)
        assert (status, problem["errors"][0]["field"]) == (422, field)  # type: ignore[index]
    assert storage.internal("GET", "/internal/prepared/prep_x")[0] == 404


def test_large_vocabularies_take_four_bytes(storage: Storage) -> None:
    """More than 65,536 ids: here as characters, of which Unicode has enough."""
    text = "".join(map(chr, [*range(0x20, 0xD800), *range(0xE000, 0x13000)]))
    push(storage, texts={"all.txt": text})
    storage.settings = replace(storage.settings, chunk_bytes=1 << 20)
    shards = prepare(storage, "novels", "char")
    assert (shards["dtype"], shards["vocab_size"]) == ("uint32", len(text) + 2)
    assert read_tokens(shards) == [*range(len(text)), shards["end_of_text"]]
    assert np.sum(shards["token_bytes"]) == len(text.encode())
