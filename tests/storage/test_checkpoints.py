"""Checkpoint objects: written by presigned PUTs, read back, then found by id and name."""

from typing import Any

import httpx
import pytest

from tests.conftest import headers
from tests.storage.conftest import Storage
from tests.storage.pushing import put, read, sha256

FILES = {"model.safetensors": b"weights" * 1000, "manifest.json": b"{}", "empty.bin": b""}


def upload(run: str = "run_a", checkpoint: str = "ckp_1", files: dict[str, bytes] = FILES) -> dict[str, Any]:
    refs = [{"name": name, "bytes": len(data), "sha256": sha256(data)} for name, data in files.items()]
    return {"run_id": run, "checkpoint_id": checkpoint, "files": refs}


def write(storage: Storage, run: str = "run_a", checkpoint: str = "ckp_1") -> None:
    body = upload(run, checkpoint)
    status, answer = storage.internal("POST", "/internal/uploads", body)
    assert status == 200, answer
    puts: Any = answer["puts"]
    for target in puts:
        put(target["url"], FILES[target["name"]])
    assert storage.internal("POST", "/internal/uploads/complete", body) == (204, {})


def presign(storage: Storage, run: str = "run_a", checkpoint: str = "ckp_1") -> tuple[int, dict[str, Any]]:
    body = upload(run, checkpoint)
    return storage.internal("POST", "/internal/objects/presign", {"id": checkpoint, "run_id": run, "step": 5, "files": body["files"]})


def test_a_checkpoint_is_written_and_read(storage: Storage) -> None:
    write(storage)
    status, located = presign(storage)
    assert status == 200
    assert {file["name"]: read(file["url"]) for file in located["files"]} == FILES
    assert storage.internal("POST", "/internal/uploads", upload()) == (200, {"puts": []})
    assert storage.internal("POST", "/internal/uploads/complete", upload())[0] == 204
    response = storage.client.get("/api/v1/checkpoints/ckp_1/files/manifest.json", headers=headers("viewer"), base_url=storage.origin)
    assert response.status_code == 302
    assert response.location.startswith(storage.origin)
    assert read(response.location) == b"{}"


def test_only_files_that_have_not_arrived_are_asked_for(storage: Storage) -> None:
    _status, first = storage.internal("POST", "/internal/uploads", upload())
    puts: Any = first["puts"]
    put(puts[0]["url"], FILES[puts[0]["name"]])
    put(puts[1]["url"], b"[]")
    _status, again = storage.internal("POST", "/internal/uploads", upload())
    left: Any = again["puts"]
    assert [target["name"] for target in left] == ["manifest.json", "empty.bin"]
    assert storage.client.get("/api/v1/checkpoints/ckp_1/files/model.safetensors", headers=headers("viewer")).status_code == 404


def test_what_differs_is_named_and_deleted(storage: Storage) -> None:
    _status, answer = storage.internal("POST", "/internal/uploads", upload())
    puts: Any = answer["puts"]
    for target in puts[1:]:
        put(target["url"], FILES[target["name"]])
    status, problem = storage.internal("POST", "/internal/uploads/complete", upload())
    assert (status, "not PUT yet" in str(problem["detail"])) == (422, True)
    put(puts[0]["url"], b"Weights" + FILES["model.safetensors"][7:])
    status, problem = storage.internal("POST", "/internal/uploads/complete", upload())
    assert (status, problem["errors"][0]["field"]) == (422, "files.0")  # type: ignore[index]
    assert "checkpoints/run_a/ckp_1/model.safetensors: expected" in str(problem["detail"])
    assert storage.stores.objects.size("checkpoints/run_a/ckp_1/model.safetensors") is None
    assert (presign(storage)[0], presign(storage)[1]["code"]) == (404, "no-such-file")


def test_a_committed_file_is_never_written_again(storage: Storage) -> None:
    write(storage)
    other = upload(files={"manifest.json": b"[]"})
    for path in ("/internal/uploads", "/internal/uploads/complete"):
        assert storage.internal("POST", path, other)[0] == 409
    assert storage.internal("POST", "/internal/uploads", upload(run="run_b"))[0] == 409


def test_a_runs_objects_are_deleted_and_no_others(storage: Storage) -> None:
    write(storage)
    write(storage, run="run_ab", checkpoint="ckp_2")
    for _ in range(2):
        assert storage.internal("DELETE", "/internal/objects/run_a")[0] == 204
    assert presign(storage)[0] == 404
    assert storage.stores.objects.size("checkpoints/run_a/ckp_1/manifest.json") is None
    assert presign(storage, "run_ab", "ckp_2")[0] == 200
    assert storage.stores.objects.size("checkpoints/run_ab/ckp_2/manifest.json") == 2


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"run_id": "../x"}, "run_id"),
        ({"run_id": ""}, "run_id"),
        ({"checkpoint_id": "a/b"}, "checkpoint_id"),
        ({"files": []}, "files"),
        ({"files": upload()["files"][:1] * 2}, "files"),
        ({"files": [{"name": "../x", "bytes": 1, "sha256": "0" * 64}]}, "files.0.name"),
        ({"files": [{"name": "x", "bytes": 1, "sha256": "0"}]}, "files.0.sha256"),
    ],
)
def test_impossible_uploads_are_refused(storage: Storage, change: dict[str, Any], field: str) -> None:
    for path in ("/internal/uploads", "/internal/uploads/complete"):
        status, problem = storage.internal("POST", path, upload() | change)
        assert (status, problem["errors"][0]["field"]) == (422, field)  # type: ignore[index]


def test_a_url_is_good_for_its_own_object_only(storage: Storage) -> None:
    _status, answer = storage.internal("POST", "/internal/uploads", upload())
    puts: Any = answer["puts"]
    elsewhere = puts[0]["url"].replace("model.safetensors", "other.safetensors")
    assert httpx.put(elsewhere, content=b"x", trust_env=False).status_code == 403
    assert httpx.get(puts[0]["url"], trust_env=False).status_code == 403
    assert httpx.put(puts[0]["url"].split("?")[0], content=b"x", trust_env=False).status_code in {400, 403}


def test_no_object_is_deleted_by_a_path_for_a_run(storage: Storage) -> None:
    write(storage)
    assert storage.internal("DELETE", "/internal/objects/..")[0] in {404, 405, 422}
    assert storage.internal("DELETE", "/internal/objects/%2e%2e%2f")[0] in {404, 405, 422}
    assert presign(storage)[0] == 200
