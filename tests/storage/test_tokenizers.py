"""Tokenizers: properties of the three kinds, training, and the endpoints."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from services.storage.encoders import END_OF_TEXT, UNKNOWN, byte_tokenizer, char_tokenizer, dump, load_encoder, token_bytes
from services.storage.training import train_bpe
from tests.conftest import headers
from tests.storage.conftest import Storage
from tests.storage.pushing import TEXTS, push, resolve

TEXT = st.text() | st.sampled_from([END_OF_TEXT, f"a{END_OF_TEXT}b", UNKNOWN, "\x00", "\r\n \t", "e\u0301", "👩\u200d🚀", "\ufeff"])
BPE = train_bpe(iter(["the cat sat on the mat, the hat " * 20, "Grüße 漢字 " * 20]), 300)


@pytest.mark.parametrize(("kind", "tokenizer"), [("byte", byte_tokenizer()), ("bpe", BPE)])
def test_any_text_comes_back_exactly(kind: str, tokenizer: Tokenizer) -> None:
    encoder = load_encoder(kind, dump(tokenizer).decode())
    sizes = token_bytes(kind, tokenizer)

    @given(st.lists(TEXT, max_size=4))
    def check(texts: list[str]) -> None:
        for text, ids in zip(texts, encoder.encode(texts), strict=True):
            assert tokenizer.decode(ids.tolist(), skip_special_tokens=False) == text
            assert ids.tolist() == encoder.tokenizer.encode(text).ids
            assert sum(sizes[token] for token in ids) == len(text.encode())

    check()


@given(known=st.text(min_size=1), other=TEXT)
def test_characters_come_back_and_unknown_ones_are_told(known: str, other: str) -> None:
    encoder = load_encoder("char", dump(char_tokenizer("".join(sorted(set(known))))).decode())
    ids, strange = encoder.encode([known, other])
    assert encoder.tokenizer.decode(ids.tolist(), skip_special_tokens=False) == known
    unknown = encoder.tokenizer.token_to_id(UNKNOWN)
    assert [token == unknown for token in strange.tolist()] == [character not in known for character in other]
    assert strange.tolist() == encoder.tokenizer.encode(other).ids


def test_a_byte_is_its_own_id() -> None:
    tokenizer = byte_tokenizer()
    assert tokenizer.encode("aß\n").ids == list("aß\n".encode())
    assert (tokenizer.token_to_id(END_OF_TEXT), tokenizer.get_vocab_size()) == (256, 257)
    assert token_bytes("byte", tokenizer) == [1] * 256 + [0]


def test_training_gives_at_most_what_was_asked_for() -> None:
    assert BPE.get_vocab_size() <= 300
    few = train_bpe(iter(["ab"]), 5000)
    assert few.get_vocab_size() == 257
    assert few.decode(few.encode("später").ids) == "später"


def test_training_makes_a_version_that_is_ready_later(storage: Storage) -> None:
    push(storage, texts=TEXTS | {"more.txt": "the cat sat on the mat\n" * 500})
    request = {"name": "bpe", "kind": "bpe", "vocab_size": 280, "dataset": "novels"}
    status, row = storage.post("/api/v1/tokenizers", request, **{"Idempotency-Key": "k"})
    assert (status, row["state"], row["version"], row["dataset"]) == (201, "training", 1, "novels@1")
    assert storage.post("/api/v1/tokenizers", request, **{"Idempotency-Key": "k"})[1]["id"] == row["id"]
    status, problem = storage.internal("POST", "/internal/resolve", {"dataset": "novels", "tokenizer": "bpe"})
    assert (status, problem["errors"][0]["field"]) == (409, "tokenizer")  # type: ignore[index]
    assert storage.post("/api/v1/tokenizers/bpe/versions/1/encode", {"text": "x"})[0] == 409
    storage.work()
    shown: Any = storage.get("/api/v1/tokenizers/bpe/versions/1", "viewer")
    assert (shown["state"], shown["progress"], shown["vocab_size"]) == ("ready", 1.0, 280)
    assert shown["bytes_per_token"] > 2
    reference = resolve(storage, "novels", "bpe@1")["tokenizer"]
    assert reference.pop("bytes") > 1000, "of its tokenizer.json"
    assert reference == {key: shown[key] for key in ("id", "name", "version", "vocab_size", "bytes_per_token")}
    status, encoded = storage.post("/api/v1/tokenizers/bpe/versions/1/encode", {"text": "the mat"})
    assert (status, "".join(encoded["tokens"])) == (200, "theĠmat")  # type: ignore[arg-type]
    assert storage.post("/api/v1/tokenizers", request)[1]["version"] == 2


def test_training_says_what_came_out_of_a_small_text(storage: Storage) -> None:
    push(storage)
    storage.post("/api/v1/tokenizers", {"name": "bpe", "vocab_size": 50_000, "dataset": "novels@1"})
    storage.work()
    shown: Any = storage.get("/api/v1/tokenizers/bpe/versions/1")
    assert (shown["state"], 257 < shown["vocab_size"] < 400) == ("ready", True)


def test_training_on_a_damaged_text_fails_and_says_why(storage: Storage) -> None:
    push(storage)
    for part in (storage.folder / "parts").rglob("*"):
        if part.is_file():
            part.write_bytes(part.read_bytes()[:-1] + b"?")
    storage.post("/api/v1/tokenizers", {"name": "bpe", "vocab_size": 300, "dataset": "novels"})
    storage.work()
    shown: Any = storage.get("/api/v1/tokenizers/bpe/versions/1")
    assert (shown["state"], "expected" in shown["reason"]) == ("failed", True)
    status, problem = storage.internal("POST", "/internal/resolve", {"dataset": "novels", "tokenizer": "bpe"})
    assert (status, "failed" in str(problem["detail"])) == (422, True)


def test_byte_and_char_exist_by_themselves(storage: Storage) -> None:
    listed: Any = storage.get("/api/v1/tokenizers")
    assert [(row["name"], row["version"], row["vocab_size"]) for row in listed["items"]] == [("byte", 1, 257)]
    version = push(storage)
    char = resolve(storage, "novels", "char")["tokenizer"]
    text = "".join(TEXTS.values())
    assert (char["vocab_size"], char["version"]) == (len(set(text)) + 2, 1)
    assert char["bytes_per_token"] == version["bytes"] / len(text)
    assert resolve(storage, "novels@1", "char")["tokenizer"] == char
    push(storage, texts={"a.txt": "abc"})
    assert resolve(storage, "novels", "char")["tokenizer"]["version"] == 2
    assert resolve(storage, "novels@1", "char@1")["tokenizer"] == char
    page: Any = storage.get("/api/v1/tokenizers?limit=2")
    assert page["next_cursor"] == "char@1"
    rest: Any = storage.get(f"/api/v1/tokenizers?limit=2&cursor={page['next_cursor']}")
    assert [(row["name"], row["version"]) for row in rest["items"]] == [("char", 2)]
    status, encoded = storage.post("/api/v1/tokenizers/char/versions/2/encode", {"text": "cab漢"})
    assert (status, encoded) == (200, {"ids": [2, 0, 1, 3], "tokens": ["c", "a", "b", UNKNOWN]})


def test_text_that_is_no_text_is_refused(storage: Storage) -> None:
    for text in ("\\ud800", "x" * 1_000_001):
        response = storage.client.post(
            "/api/v1/tokenizers/byte/versions/1/encode",
            data='{"text": "' + text + '"}',
            content_type="application/json",
            headers=headers("editor"),
        )
        assert (response.status_code, json.loads(response.data)["errors"][0]["field"]) == (422, "text")


def test_ids_are_the_same_as_tokenizers_gives(storage: Storage) -> None:
    push(storage)
    encode: Callable[[str], Any] = lambda text: storage.post("/api/v1/tokenizers/byte/versions/1/encode", {"text": text})[1]["ids"]  # noqa: E731
    assert np.array_equal(encode("a" + END_OF_TEXT), list(("a" + END_OF_TEXT).encode()))
