"""What the service refuses, each time naming the field; nothing half-made stays."""

from pathlib import Path
from typing import Any

import pytest

from services.storage.manifest import FileEntry, NewUpload, check
from shared.errors import InvalidField
from tests.conftest import headers
from tests.storage.conftest import Storage
from tests.storage.pushing import push, resolve, sha256

PART = {"sha256": sha256(b"x" * 12), "bytes": 12}


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """What is refused here is refused before a database is asked."""
    return f"sqlite:///{tmp_path / 'test.db'}"


def upload(*files: tuple[str, int], parts: Any = (PART,), **more: Any) -> dict[str, Any]:
    return {"dataset": "novels", "files": [{"path": path, "bytes": size} for path, size in files], "parts": list(parts)} | more


@pytest.mark.parametrize(
    ("body", "field", "says"),
    [
        (upload(("a", 5), ("b", 7), ("c", 0)), "files.2.bytes", "leave empty files out"),
        (upload(parts=[]), "files", "1 to 200000"),
        (upload(("a", 12), parts=[]), "parts", "1 to"),
        (upload(("/etc/passwd", 12)), "files.0.path", "absolute"),
        (upload(("../a", 12)), "files.0.path", "'..'"),
        (upload(("a/../../b", 12)), "files.0.path", "'..'"),
        (upload(("a//b", 12)), "files.0.path", "empty part"),
        (upload(("a\x00b", 12)), "files.0.path", "control character"),
        (upload(("..\\a", 12)), "files.0.path", "backslash"),
        (upload(("", 12)), "files.0.path", "1 to 1,024"),
        (upload(("a", 6), ("a", 6)), "files.1.path", "twice"),
        (upload(("a", 11)), "parts", "12 bytes, the files 11"),
        (upload(("a", 12), parts=[{"sha256": "../x", "bytes": 12}]), "parts.0.sha256", "pattern"),
        (upload(("a", 65 << 20), parts=[PART | {"bytes": 65 << 20}]), "parts.0.bytes", "a part has 1 to"),
        (upload(("a", 12), ("b", 13), parts=[PART, PART | {"bytes": 13}]), "parts.1.bytes", "same hash"),
        (upload(("a", -1)), "files.0.bytes", "greater"),
        (upload(("a", 12), dataset="Not A Name"), "dataset", "pattern"),
        (upload(("a", 12), project="x"), "project", "unknown field"),
        (upload(("\ud800", 12)), "files.0.path", "half a character"),
        ({}, "dataset", "required"),
    ],
)
def test_an_impossible_upload_is_refused(storage: Storage, body: dict[str, Any], field: str, says: str) -> None:
    status, problem = storage.post("/api/v1/uploads", body)
    errors: Any = problem["errors"]
    assert (status, errors[0]["field"]) == (422, field)
    assert says in errors[0]["message"] + str(problem.get("remedy"))


def test_too_many_files_are_refused() -> None:
    body = NewUpload.model_construct(dataset="novels", files=[FileEntry(path="a", bytes=1)] * 200_001, parts=[])
    with pytest.raises(InvalidField, match="files: 200001 given"):
        check(body)


@pytest.mark.parametrize("data", [b"{not json", b"\xff", b"[]", b""])
def test_a_body_that_is_no_json_object_is_refused(storage: Storage, data: bytes) -> None:
    response = storage.client.post("/api/v1/uploads", data=data, content_type="application/json", headers=headers("editor"))
    assert response.status_code in {400, 422}
    assert response.content_type == "application/problem+json"


@pytest.mark.parametrize(
    ("dataset", "tokenizer", "field", "says"),
    [
        ("novel", "byte", "dataset", "did you mean novels"),
        ("zzz", "byte", "dataset", "there are: novels"),
        ("novels@2", "byte", "dataset", "versions 1 to 1"),
        ("Novels!", "byte", "dataset", "neither a name"),
        ("novels\n", "byte", "dataset", "neither a name"),
        ("novels", "bite", "tokenizer", "did you mean byte"),
        ("novels", "byte@2", "tokenizer", "versions 1 to 1"),
        ("novels", "bpe", "tokenizer", "there is no tokenizer"),
        ("novels", "@1", "tokenizer", "neither a name"),
    ],
)
def test_names_that_mean_nothing_are_refused(storage: Storage, dataset: str, tokenizer: str, field: str, says: str) -> None:
    push(storage)
    resolve(storage, "novels", "byte")
    status, problem = storage.internal("POST", "/internal/resolve", {"dataset": dataset, "tokenizer": tokenizer})
    errors: Any = problem["errors"]
    assert (status, errors[0]["field"]) == (422, field)
    assert says in errors[0]["message"]
    assert problem["remedy"]


def test_nothing_exists_yet_is_told_so(storage: Storage) -> None:
    status, problem = storage.internal("POST", "/internal/resolve", {"dataset": "novels", "tokenizer": "byte"})
    assert (status, "there is none yet" in str(problem["detail"])) == (422, True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "byte", "vocab_size": 300, "dataset": "novels"}, "name"),
        ({"name": "t", "vocab_size": 257, "dataset": "novels"}, "vocab_size"),
        ({"name": "t", "vocab_size": 200_001, "dataset": "novels"}, "vocab_size"),
        ({"name": "t", "vocab_size": 300, "dataset": "plays"}, "dataset"),
        ({"name": "t", "vocab_size": 300, "dataset": "novels", "kind": "unigram"}, "kind"),
        ({"name": "t", "vocab_size": 300, "dataset": "novels", "merges": 1}, "merges"),
    ],
)
def test_an_impossible_tokenizer_is_refused(storage: Storage, body: dict[str, Any], field: str) -> None:
    push(storage)
    status, problem = storage.post("/api/v1/tokenizers", body)
    assert (status, problem["errors"][0]["field"]) == (422, field)  # type: ignore[index]
    assert storage.sent == []


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/uploads/upl_x",
        "/api/v1/datasets/x/versions",
        "/api/v1/datasets/x/versions/1",
        "/api/v1/datasets/x/versions/1/files",
        "/api/v1/datasets/x/versions/1/documents",
        "/api/v1/tokenizers/x/versions/1",
        "/api/v1/checkpoints/ckp_x/files/manifest.json",
    ],
)
def test_what_is_not_there_is_not_found(storage: Storage, path: str) -> None:
    response = storage.client.get(path, headers=headers("editor"))
    assert (response.status_code, response.content_type) == (404, "application/problem+json")
    assert response.get_json()["remedy"]


@pytest.mark.parametrize(
    "query", ["cursor=x", "cursor=-1", "limit=0", "limit=201", "limit=x", "page=2", "cursor=99999999999999999999", "cursor=%00"]
)
def test_pages_that_cannot_be_are_refused(storage: Storage, query: str) -> None:
    push(storage)
    for path in ("versions", "versions/1/files", "versions/1/documents"):
        assert storage.client.get(f"/api/v1/datasets/novels/{path}?{query}", headers=headers("editor")).status_code == 422


def test_numbers_that_no_version_has_are_refused(storage: Storage) -> None:
    for name in ("%00", "Novels!", "%ff", ".."):
        assert storage.client.get(f"/api/v1/datasets/{name}/versions", headers=headers("editor")).status_code in {404, 422}
        assert storage.client.get(f"/api/v1/uploads/{name}", headers=headers("editor")).status_code in {404, 422}
    for number in ("0", "x", "99999999999999999999"):
        assert storage.client.get(f"/api/v1/datasets/novels/versions/{number}", headers=headers("editor")).status_code in {404, 422}


def test_parts_that_an_upload_does_not_have_are_not_found(storage: Storage) -> None:
    _status, begun = storage.post("/api/v1/uploads", upload(("a", 12)))
    assert storage.post(f"/api/v1/uploads/{begun['id']}/parts/{'0' * 64}", None)[0] == 404
    assert storage.post(f"/api/v1/uploads/{begun['id']}/parts/nothing", None)[0] == 422
    assert storage.post(f"/api/v1/uploads/upl_x/parts/{PART['sha256']}", None)[0] == 404
    assert storage.post("/api/v1/uploads/upl_x/complete", None)[0] == 404
