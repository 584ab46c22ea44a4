"""Text in: uploads, their parts, and the dataset versions they become."""

import threading
from typing import Any

import pytest

from tests.storage.conftest import Storage
from tests.storage.pushing import TEXTS, begin, fill, push, put, sha256, upload_body

FILES = {path: text.encode() for path, text in TEXTS.items()}


def test_text_becomes_an_immutable_version_that_can_be_read_back(storage: Storage) -> None:
    version = push(storage, cuts=(7, 30))
    assert (version["dataset"], version["version"], version["files"]) == ("novels", 1, 3)
    assert version["bytes"] == sum(map(len, FILES.values()))
    assert version["created_by"] == "test-editor"
    documents: Any = storage.get("/api/v1/datasets/novels/versions/1/documents?limit=2", "viewer")
    assert [(d["index"], d["path"], d["text"]) for d in documents["items"]] == [
        (0, "a.txt", TEXTS["a.txt"]),
        (1, "b/ü.txt", TEXTS["b/ü.txt"]),
    ]
    rest: Any = storage.get(f"/api/v1/datasets/novels/versions/1/documents?cursor={documents['next_cursor']}")
    assert ([d["path"] for d in rest["items"]], rest["next_cursor"]) == (["c.txt"], None)
    files: Any = storage.get("/api/v1/datasets/novels/versions/1/files")
    assert files["items"] == [{"path": path, "bytes": len(data)} for path, data in FILES.items()]


def test_long_documents_are_cut_at_whole_characters(storage: Storage) -> None:
    push(storage, texts={"long.txt": "😀" * 5000}, cuts=(4000,))
    documents: Any = storage.get("/api/v1/datasets/novels/versions/1/documents")
    assert documents["items"] == [{"path": "long.txt", "bytes": 20000, "index": 0, "text": "😀" * 2000}]


def test_the_same_content_is_one_version_and_other_content_is_the_next(storage: Storage) -> None:
    first = push(storage)
    body, _parts = upload_body("novels", FILES)
    upload = begin(storage, body)
    assert upload["missing"] == []
    assert storage.post(f"/api/v1/uploads/{upload['id']}/complete", None) == (200, first)
    assert push(storage, texts={"a.txt": "other"})["version"] == 2
    listed: Any = storage.get("/api/v1/datasets")
    assert [(item["name"], item["versions"], item["latest"]["version"]) for item in listed["items"]] == [("novels", 2, 2)]
    page: Any = storage.get("/api/v1/datasets/novels/versions?limit=1")
    assert ([item["version"] for item in page["items"]], page["next_cursor"]) == ([2], "2")
    page = storage.get("/api/v1/datasets/novels/versions?cursor=2")
    assert ([item["version"] for item in page["items"]], page["next_cursor"]) == ([1], None)


def test_an_interrupted_upload_asks_only_for_what_is_missing(storage: Storage) -> None:
    body, parts = upload_body("novels", FILES, cuts=(5, 12, 24))
    upload = begin(storage, body)
    assert [part["sha256"] for part in upload["missing"]] == list(parts)
    fill(storage, {**upload, "missing": upload["missing"][:2]}, parts)
    status, problem = storage.post(f"/api/v1/uploads/{upload['id']}/complete", None)
    assert (status, problem["code"]) == (409, "parts-missing")
    assert "2 parts" in str(problem["detail"])
    shown: Any = storage.get(f"/api/v1/uploads/{upload['id']}")
    again = begin(storage, body)
    assert [p["sha256"] for p in again["missing"]] == [p["sha256"] for p in shown["missing"]] == list(parts)[2:]
    fill(storage, again, parts)
    assert storage.post(f"/api/v1/uploads/{again['id']}/complete", None)[0] == 201
    assert storage.post(f"/api/v1/uploads/{upload['id']}/complete", None)[0] == 200
    shown = storage.get(f"/api/v1/uploads/{upload['id']}")
    assert (shown["state"], shown["missing"]) == ("complete", [])


def test_two_completes_at_once_make_one_version(storage: Storage) -> None:
    body, parts = upload_body("novels", FILES)
    uploads = [begin(storage, body) for _ in range(3)]
    fill(storage, uploads[0], parts)
    answers: list[tuple[int, Any]] = []

    def complete(upload_id: str) -> None:
        answers.append(storage.post(f"/api/v1/uploads/{upload_id}/complete", None))

    threads = [threading.Thread(target=complete, args=(upload["id"],)) for upload in uploads for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status for status, _ in answers) == [200] * 5 + [201]
    assert len({answer["id"] for _, answer in answers}) == 1


def test_wrong_bytes_are_deleted_and_asked_for_again(storage: Storage) -> None:
    body, parts = upload_body("novels", FILES, cuts=(10,))
    upload = begin(storage, body)
    digest, data = next(iter(parts.items()))
    for wrong in (data[:-1] + b"!", data[:-1], data + b"!"):
        put(upload["missing"][0]["url"], wrong)
        status, problem = storage.post(f"/api/v1/uploads/{upload['id']}/parts/{digest}", None)
        assert (status, problem["code"], problem["errors"][0]["field"]) == (422, "part-differs", "parts.0")  # type: ignore[index]
        assert digest in str(problem["detail"])
        assert storage.stores.objects.size(f"parts/{digest[:2]}/{digest}") is None
    status, problem = storage.post(f"/api/v1/uploads/{upload['id']}/parts/{digest}", None)
    assert (status, problem["code"]) == (409, "part-missing")
    fill(storage, storage.get(f"/api/v1/uploads/{upload['id']}"), parts)  # type: ignore[arg-type]
    assert storage.post(f"/api/v1/uploads/{upload['id']}/complete", None)[0] == 201


@pytest.mark.parametrize(("cuts", "position", "offset"), [((), 1, 4), ((9,), 1, 4)])
def test_text_that_is_not_utf8_names_file_and_byte(storage: Storage, cuts: tuple[int, ...], position: int, offset: int) -> None:
    body, parts = upload_body("novels", {"good.txt": b"good\n", "latin.txt": b"Gr\xc3\xbc\xdfe", "z.txt": b"z"}, cuts)
    upload = begin(storage, body)
    for part in upload["missing"]:
        put(part["url"], parts[part["sha256"]])
    answers = [storage.post(f"/api/v1/uploads/{upload['id']}/parts/{digest}", None) for digest in parts]
    status, problem = answers[-1]
    assert (status, problem["code"], problem["errors"][0]["field"]) == (422, "not-utf8", f"files.{position}")  # type: ignore[index]
    assert f"byte {offset} of 'latin.txt'" in str(problem["detail"])
    assert "UTF-8" in str(problem["remedy"])
    assert storage.get("/api/v1/datasets") == {"items": [], "next_cursor": None}
    shown: Any = storage.get(f"/api/v1/uploads/{upload['id']}")
    assert [part["sha256"] for part in shown["missing"]] == [list(parts)[-1]]
    assert storage.stores.objects.size(f"parts/{list(parts)[-1][:2]}/{list(parts)[-1]}") is None


@pytest.mark.parametrize("known", [False, True])
def test_a_file_that_begins_inside_a_character_is_refused(storage: Storage, known: bool) -> None:
    """Also where the part as such is there already, so that nobody asks for it."""
    if known:
        push(storage, "other", {"whole.txt": "Grüße"})
    data = "Grüße".encode()
    body, _parts = upload_body("novels", {"a.txt": data[:3], "b.txt": data[3:]})
    upload = begin(storage, body)
    assert bool(upload["missing"]) is not known
    for part in upload["missing"]:
        put(part["url"], data)
        storage.post(f"/api/v1/uploads/{upload['id']}/parts/{part['sha256']}", None)
    status, problem = storage.post(f"/api/v1/uploads/{upload['id']}/{'complete' if known else f'parts/{sha256(data)}'}", None)
    assert (status, problem["errors"][0]["field"]) == (422, "files.1")  # type: ignore[index]
    assert "b.txt" in str(problem["detail"])
    assert storage.post(f"/api/v1/uploads/{upload['id']}/complete", None)[0] in {409, 422}


def test_a_part_of_known_hash_and_wrong_size_is_refused(storage: Storage) -> None:
    push(storage, texts={"a.txt": "hello"})
    wrong = {"dataset": "x", "files": [{"path": "a", "bytes": 6}], "parts": [{"sha256": sha256(b"hello"), "bytes": 6}]}
    status, problem = storage.post("/api/v1/uploads", wrong)
    assert (status, problem["errors"][0]["field"]) == (422, "parts.0.bytes")  # type: ignore[index]


def test_a_wrong_size_of_one_upload_does_not_hinder_another(storage: Storage) -> None:
    wrong = {"dataset": "x", "files": [{"path": "a", "bytes": 6}], "parts": [{"sha256": sha256(b"hello"), "bytes": 6}]}
    poisoned = begin(storage, wrong)
    assert push(storage, texts={"a.txt": "hello"})["version"] == 1
    assert storage.post(f"/api/v1/uploads/{poisoned['id']}/complete", None)[0] == 422
    assert storage.stores.objects.size(f"parts/{sha256(b'hello')[:2]}/{sha256(b'hello')}") == 5


def test_a_repeated_post_with_the_same_key_begins_one_upload(storage: Storage) -> None:
    body, _parts = upload_body("novels", FILES)
    first = storage.post("/api/v1/uploads", body, **{"Idempotency-Key": "k"})
    again = storage.post("/api/v1/uploads", body, **{"Idempotency-Key": "k"})
    assert (first[0], again[0]) == (201, 201)
    assert first[1]["id"] == again[1]["id"]
    other, _parts = upload_body("plays", FILES)
    status, problem = storage.post("/api/v1/uploads", other, **{"Idempotency-Key": "k"})
    assert (status, problem["code"]) == (422, "idempotency-key-reused")
