"""Text into the service, as a client does it."""

import hashlib
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import httpx
import numpy as np

from tests.storage.conftest import Storage

TEXTS = {"a.txt": "hello world\nhello again\n", "b/ü.txt": "Grüße, 漢字 und 😀\n" * 3, "c.txt": "no newline <|endoftext|> at the end"}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def upload_body(dataset: str, files: Mapping[str, bytes], cuts: tuple[int, ...] = ()) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The body of POST /uploads and the parts by hash; `cuts` are offsets in the stream."""
    stream = b"".join(files.values())
    edges = [0, *cuts, len(stream)]
    parts = [stream[start:end] for start, end in pairwise(edges)]
    body = {
        "dataset": dataset,
        "files": [{"path": path, "bytes": len(data)} for path, data in files.items()],
        "parts": [{"sha256": sha256(part), "bytes": len(part)} for part in parts],
    }
    return body, {sha256(part): part for part in parts}


def put(url: str, data: bytes) -> None:
    assert httpx.put(url, content=data, trust_env=False).status_code == 200


def read(url: str) -> bytes:
    return httpx.get(url, trust_env=False).raise_for_status().content


def begin(storage: Storage, body: dict[str, Any]) -> dict[str, Any]:
    status, upload = storage.post("/api/v1/uploads", body)
    assert status == 201, upload
    return upload


def fill(storage: Storage, upload: dict[str, Any], parts: Mapping[str, bytes]) -> None:
    for part in upload["missing"]:
        put(part["url"], parts[part["sha256"]])
        status, answer = storage.post(f"/api/v1/uploads/{upload['id']}/parts/{part['sha256']}", None)
        assert (status, answer) == (200, {"sha256": part["sha256"], "state": "verified"})


def push(storage: Storage, dataset: str = "novels", texts: Mapping[str, str] = TEXTS, cuts: tuple[int, ...] = ()) -> dict[str, Any]:
    """The dataset version these texts make."""
    body, parts = upload_body(dataset, {path: text.encode() for path, text in texts.items()}, cuts)
    upload = begin(storage, body)
    fill(storage, upload, parts)
    status, version = storage.post(f"/api/v1/uploads/{upload['id']}/complete", None)
    assert status in {200, 201}, version
    return version


def resolve(storage: Storage, dataset: str, tokenizer: str) -> dict[str, Any]:
    status, resolved = storage.internal("POST", "/internal/resolve", {"dataset": dataset, "tokenizer": tokenizer})
    assert status == 200, resolved
    return resolved


def prepare(storage: Storage, dataset: str, tokenizer: str) -> dict[str, Any]:
    """The TokenShards, after all work is done."""
    resolved = resolve(storage, dataset, tokenizer)
    request = {"dataset_id": resolved["dataset"]["id"], "tokenizer_id": resolved["tokenizer"]["id"]}
    status, first = storage.internal("POST", "/internal/prepared", request)
    assert (status, first["state"], first["progress"]) == (200, "pending", 0.0)
    storage.work()
    status, done = storage.internal("POST", "/internal/prepared", request)
    assert (done["state"], done["progress"], done["id"]) == ("ready", 1.0, first["id"]), done
    status, shards = storage.internal("GET", f"/internal/prepared/{first['id']}")
    assert (status, shards["tokens"]) == (200, done["tokens"])
    return shards


def read_tokens(shards: dict[str, Any]) -> list[int]:
    """All tokens, each shard checked against its hash."""
    pieces = []
    for shard in shards["shards"]:
        data = read(shard["url"])
        assert (sha256(data), len(data)) == (shard["sha256"], shard["bytes"])
        pieces.append(np.frombuffer(data, {"uint16": "<u2", "uint32": "<u4"}[shards["dtype"]]))
    return [int(token) for token in np.concatenate(pieces)]


def split_documents(tokens: list[int], end_of_text: int) -> list[list[int]]:
    documents: list[list[int]] = [[]]
    for token in tokens:
        if token == end_of_text:
            documents.append([])
        else:
            documents[-1].append(token)
    assert documents.pop() == [], "the last document has no end-of-text"
    return documents
