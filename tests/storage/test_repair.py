"""Parts that were verified once and then got lost or damaged: noticed, and mended by pushing the same text again."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from services.storage.keys import part_key
from services.storage.models import Part, PreparedTokens
from services.storage.objects import ObjectStore
from services.storage.repair import unverify_since
from services.storage.stores import Stores, now
from services.storage.verification import verify_part
from shared.errors import InvalidField
from tests.conftest import headers
from tests.storage.conftest import Storage
from tests.storage.pushing import TEXTS, begin, fill, push, put, read, read_tokens, resolve, sha256, upload_body

Spoil = Callable[[Storage, str], None]


def flip(storage: Storage, digest: str) -> None:
    key = part_key(digest)
    data = bytearray(read(storage.stores.objects.get_url(key)))
    data[3] ^= 1
    put(storage.stores.objects.put_url(key), bytes(data))


def cut(storage: Storage, digest: str) -> None:
    put(storage.stores.objects.put_url(part_key(digest)), b"cut")


def lose(storage: Storage, digest: str) -> None:
    storage.stores.objects.delete(part_key(digest))


SPOILS = pytest.mark.parametrize("spoil", [flip, cut, lose])
WRONG_SIZES = pytest.mark.parametrize("spoil", [cut, lose])


def only_part(storage: Storage) -> str:
    """Its hash."""
    with storage.stores.database.reading() as session:
        return session.scalars(select(Part.sha256)).one()


def row(storage: Storage, digest: str) -> Part:
    with storage.stores.database.reading() as session:
        return session.get_one(Part, digest)


def body_and_parts() -> tuple[dict[str, Any], dict[str, bytes]]:
    return upload_body("novels", {path: text.encode() for path, text in TEXTS.items()})


def ask_for_tokens(storage: Storage) -> dict[str, Any]:
    resolved = resolve(storage, "novels", "byte")
    request = {"dataset_id": resolved["dataset"]["id"], "tokenizer_id": resolved["tokenizer"]["id"]}
    storage.internal("POST", "/internal/prepared", request)
    storage.work()
    return storage.internal("POST", "/internal/prepared", request)[1]


def let_failures_be_old(storage: Storage) -> None:
    with storage.stores.database.writing() as session:
        session.execute(update(PreparedTokens).values(touched_at=0))


@SPOILS
def test_preparing_notices_and_pushing_again_repairs(storage: Storage, spoil: Spoil) -> None:
    version = push(storage)
    part = only_part(storage)
    spoil(storage, part)
    failed = ask_for_tokens(storage)
    assert (failed["state"], "push the same text again" in failed["reason"]) == ("failed", True)
    assert (row(storage, part).verified_at, row(storage, part).resets) == (None, 1)
    assert push(storage) == version
    let_failures_be_old(storage)
    done = ask_for_tokens(storage)
    assert done["state"] == "ready", done
    shards = storage.internal("GET", f"/internal/prepared/{done['id']}")[1]
    assert bytes(token for token in read_tokens(shards) if token < 256) == "".join(TEXTS.values()).encode()


@SPOILS
def test_training_a_tokenizer_notices(storage: Storage, spoil: Spoil) -> None:
    push(storage)
    part = only_part(storage)
    spoil(storage, part)
    storage.post("/api/v1/tokenizers", {"name": "bpe", "vocab_size": 300, "dataset": "novels"})
    storage.work()
    assert (row(storage, part).verified_at, row(storage, part).resets) == (None, 1)


@WRONG_SIZES
def test_showing_documents_notices_a_wrong_size(storage: Storage, spoil: Spoil) -> None:
    push(storage)
    part = only_part(storage)
    spoil(storage, part)
    answer = storage.client.get("/api/v1/datasets/novels/versions/1/documents", headers=headers("viewer"), base_url=storage.origin)
    assert (answer.status_code, answer.get_json()["code"]) == (500, "damaged-object")
    assert (row(storage, part).verified_at, row(storage, part).resets) == (None, 1)


@WRONG_SIZES
def test_pushing_again_alone_repairs_a_wrong_size(storage: Storage, spoil: Spoil) -> None:
    version = push(storage)
    part = only_part(storage)
    spoil(storage, part)
    assert [missing["sha256"] for missing in begin(storage, body_and_parts()[0])["missing"]] == [part]
    assert push(storage) == version
    assert sha256(read(storage.stores.objects.get_url(part_key(part)))) == part


def test_a_part_lost_during_an_upload_is_missed_at_its_end(storage: Storage) -> None:
    body, parts = body_and_parts()
    upload = begin(storage, body)
    fill(storage, upload, parts)
    lose(storage, only_part(storage))
    begin(storage, body)
    status, problem = storage.post(f"/api/v1/uploads/{upload['id']}/complete", None)
    assert (status, problem["code"]) == (409, "parts-missing")
    fill(storage, storage.get(f"/api/v1/uploads/{upload['id']}"), parts)  # type: ignore[arg-type]
    assert storage.post(f"/api/v1/uploads/{upload['id']}/complete", None)[0] == 201


@SPOILS
def test_looking_again_at_a_verified_part_notices(storage: Storage, spoil: Spoil) -> None:
    """A second upload cuts its files elsewhere, so the part is looked at again. It is lost between the two requests."""
    push(storage, "other", {"whole.txt": "Grüße"})
    data = "Grüße".encode()
    body, parts = upload_body("novels", {"a.txt": data[:4], "b.txt": data[4:]})
    upload = begin(storage, body)
    assert upload["missing"] == []
    spoil(storage, only_part(storage))
    assert storage.post(f"/api/v1/uploads/{upload['id']}/complete", None)[0] in {409, 422}
    shown: Any = storage.get(f"/api/v1/uploads/{upload['id']}")
    assert [missing["sha256"] for missing in shown["missing"]] == list(parts)
    fill(storage, shown, parts)
    assert storage.post(f"/api/v1/uploads/{upload['id']}/complete", None)[0] == 201


def test_who_read_the_old_bytes_says_nothing_about_newer_ones(storage: Storage) -> None:
    began = now()
    push(storage)
    digest = only_part(storage)
    unverify_since(storage.stores, digest, began)
    assert row(storage, digest).verified_at is not None


class PausingObjects(ObjectStore):
    """Before it deletes, somebody else puts and verifies the right bytes; the database must let them."""

    def delete(self, key: str) -> None:
        self.meanwhile()
        super().delete(key)

    meanwhile: Callable[[], None]


def test_no_transaction_waits_for_a_deletion_and_what_it_takes_is_missing(storage: Storage) -> None:
    body, parts = body_and_parts()
    upload = begin(storage, body)
    [(digest, data)] = parts.items()
    url = upload["missing"][0]["url"]
    put(url, b"wrong")
    objects = PausingObjects(storage.settings)

    def put_right() -> None:
        put(url, data)
        verify_part(storage.stores, upload["id"], digest)

    objects.meanwhile = put_right
    with pytest.raises(InvalidField):
        verify_part(Stores(storage.stores.database, objects, storage.stores.enqueue), upload["id"], digest)
    objects.close()
    assert storage.stores.objects.size(part_key(sha256(data))) is None
    assert row(storage, digest).verified_at is None
    fill(storage, storage.get(f"/api/v1/uploads/{upload['id']}"), parts)  # type: ignore[arg-type]
    assert storage.post(f"/api/v1/uploads/{upload['id']}/complete", None)[0] == 201
