"""What api asks of stored checkpoints: whether they are right, what there is, how much room is left; and that one is deleted."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.storage.app import create_app
from services.storage.objects import MissingBucket, ObjectStore
from services.storage.room import disk_free
from services.storage.settings import StorageSettings
from services.storage.stores import Stores, has_no_objects, now
from shared.settings import Settings
from tests.conftest import JOIN_SECRET
from tests.storage.conftest import Storage
from tests.storage.pushing import put
from tests.storage.test_checkpoints import FILES, presign, upload, write


def reference() -> dict[str, Any]:
    return {"id": "ckp_1", "run_id": "run_a", "step": 5, "files": upload()["files"]}


def test_every_flipped_byte_and_every_missing_file_is_found(storage: Storage) -> None:
    write(storage)
    assert storage.internal("POST", "/internal/objects/verify", reference()) == (200, {"damage": [], "unsure": []})
    folder = storage.folder / "checkpoints" / "run_a" / "ckp_1"
    data = bytearray((folder / "model.safetensors").read_bytes())
    for at in range(0, len(data), 500):
        data[at] ^= 0x10
        (folder / "model.safetensors").write_bytes(data)
        found: Any = storage.internal("POST", "/internal/objects/verify", reference())[1]["damage"]
        assert found[0].startswith("checkpoints/run_a/ckp_1/model.safetensors: expected 7000 bytes")
        data[at] ^= 0x10
    (folder / "model.safetensors").write_bytes(data[:-1])
    told: Any = storage.internal("POST", "/internal/objects/verify", reference())[1]
    assert "6999" in [*told["damage"], *told["unsure"]][0], "cut off below an endpoint that does not know it yet"
    put(storage.stores.objects.put_url("checkpoints/run_a/ckp_1/model.safetensors"), bytes(data[:-1]))
    storage.stores.objects.delete("checkpoints/run_a/ckp_1/manifest.json")
    told = storage.internal("POST", "/internal/objects/verify", reference())[1]
    assert [len(told["damage"]), "found 6999 bytes" in told["damage"][0]] == [1, True]
    assert [len(told["unsure"]), "no such object" in told["unsure"][0]] == [1, True], "what is missing may come back"


def test_a_store_without_its_disk_says_so_and_gets_no_new_bucket(storage: Storage, settings: Settings) -> None:
    """The same database, and an endpoint whose folder has nothing in it."""
    database, gone = storage.stores.database, f"{storage.settings.bucket}-gone"
    write(storage)
    objects = ObjectStore(replace(storage.settings, bucket=gone), is_new=lambda: has_no_objects(database))
    for ask in (objects.ensure_bucket, objects.ping):
        with pytest.raises(MissingBucket, match="the database knows objects in it"):
            ask()
    client = create_app(settings, Stores(database, objects, storage.stores.enqueue)).test_client()
    answer = client.post("/internal/objects/verify", json=reference(), headers={"Authorization": f"Bearer {JOIN_SECRET}"})
    assert (answer.status_code, f"no bucket {gone}" in answer.text) == (503, True), "that is no damage"
    assert not storage.folder.with_name(gone).exists()
    objects.close()


def test_one_checkpoints_objects_are_deleted_and_no_others(storage: Storage) -> None:
    write(storage)
    write(storage, checkpoint="ckp_10")
    for _ in range(2):
        assert storage.internal("DELETE", "/internal/objects/run_a/ckp_1")[0] == 204
    assert presign(storage)[0] == 404
    assert not list((storage.folder / "checkpoints" / "run_a").glob("ckp_1/*"))
    assert presign(storage, checkpoint="ckp_10")[0] == 200
    for path in ("run_a/..", "../run_a", "run_a/%2e%2e", "run_a/a.b"):
        assert storage.internal("DELETE", f"/internal/objects/{path}")[0] in {404, 405, 422}


def test_what_was_never_committed_is_listed_and_deleted_unless_it_has_changed(storage: Storage) -> None:
    write(storage)
    _status, answer = storage.internal("POST", "/internal/uploads", upload("run_b", "ckp_2"))
    puts: Any = answer["puts"]
    put(puts[0]["url"], FILES[puts[0]["name"]])
    _status, told = storage.internal("GET", "/internal/objects")
    items: Any = told["items"]
    found = {(item["run_id"], item["checkpoint_id"]): item for item in items}
    assert {key: item["bytes"] for key, item in found.items()} == {("run_a", "ckp_1"): 7002, ("run_b", "ckp_2"): 7000}
    changed_at = found["run_b", "ckp_2"]["changed_at"]
    refused = storage.internal("DELETE", f"/internal/objects/run_b/ckp_2?changed_before={changed_at}")
    assert refused[0] == 409
    assert storage.internal("DELETE", f"/internal/objects/run_b/ckp_2?changed_before={changed_at + 1}")[0] == 204
    assert len(storage.internal("GET", "/internal/objects")[1]["items"]) == 1  # type: ignore[arg-type]


def limited(storage: Storage, settings: Settings, **limits: Any) -> tuple[Any, ObjectStore]:
    """The same service with less room."""
    objects = ObjectStore(replace(storage.stores.objects.settings, **limits))
    client = create_app(settings, Stores(storage.stores.database, objects, storage.stores.enqueue)).test_client()
    return client, objects


def start(client: Any, checkpoint: str) -> Any:
    return client.post("/internal/uploads", json=upload(checkpoint=checkpoint), headers={"Authorization": f"Bearer {JOIN_SECRET}"})


def test_an_upload_that_cannot_fit_is_refused_before_any_byte_moves(storage: Storage, settings: Settings) -> None:
    write(storage)
    client, objects = limited(storage, settings, quota=2 * 7002)
    assert start(client, "ckp_2").status_code == 200
    objects.close()
    client, objects = limited(storage, settings, quota=2 * 7002 - 1)
    answer = start(client, "ckp_2")
    assert (answer.status_code, answer.json["code"]) == (507, "insufficient-storage")
    assert "7.0 kB" in answer.json["detail"]
    assert answer.json["remedy"]
    assert start(client, "ckp_1").status_code == 200, "what is there takes no more room"
    objects.close()


def test_a_full_disk_is_told_too(storage: Storage, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    client, objects = limited(storage, settings, data_folder=storage.folder.parent)
    assert client.get("/internal/capacity", headers={"Authorization": f"Bearer {JOIN_SECRET}"}).json["disk_free_bytes"] > 0
    assert start(client, "ckp_1").status_code == 200
    monkeypatch.setattr("services.storage.room.disk_free", lambda _objects: 7001)
    assert start(client, "ckp_1").status_code == 507
    objects.close()


def test_some_of_the_disk_is_spared(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The databases may be on it."""
    objects = ObjectStore(replace(storage.stores.objects.settings, data_folder=storage.folder.parent))
    gib = 1 << 30
    for total, free, left in ((10 * gib, 3 * gib, 2 * gib), (10 * gib, gib // 2, 0), (1000 * gib, 30 * gib, 10 * gib)):
        monkeypatch.setattr("shutil.disk_usage", lambda _folder, total=total, free=free: SimpleNamespace(total=total, free=free))
        assert disk_free(objects) == left
    objects.close()


def used(client: Any) -> int:
    return int(client.get("/internal/capacity", headers={"Authorization": f"Bearer {JOIN_SECRET}"}).json["used_bytes"])


def test_uploads_that_begin_together_do_not_share_the_same_room(storage: Storage, settings: Settings) -> None:
    client, objects = limited(storage, settings, quota=7002)

    def begin(run: str, checkpoint: str) -> int:
        answer = client.post("/internal/uploads", json=upload(run, checkpoint), headers={"Authorization": f"Bearer {JOIN_SECRET}"})
        return int(answer.status_code)

    assert [begin("run_a", "ckp_1"), begin("run_a", "ckp_1"), begin("run_b", "ckp_2")] == [200, 200, 507]
    assert used(client) == 7002, "the room is taken, though not a byte is there"
    assert begin("run_a", "ckp_3") == 200, "the next attempt of the same run, whose first one died"
    assert storage.internal("DELETE", "/internal/objects/run_a/ckp_3")[0] == 204
    assert used(client) == 0
    assert begin("run_b", "ckp_2") == 200
    assert storage.internal("DELETE", "/internal/objects/run_b")[0] == 204
    write(storage)
    assert used(client) == 7002, "counted once when it is complete"
    objects.close()


def test_room_that_was_set_aside_is_free_when_the_addresses_have_expired(storage: Storage, settings: Settings, monkeypatch: Any) -> None:
    client, objects = limited(storage, settings, quota=7002)
    assert start(client, "ckp_1").status_code == 200
    later = now() + 3601
    monkeypatch.setattr("services.storage.room.now", lambda: later)
    assert used(client) == 0
    objects.close()


def test_the_disk_of_an_endpoint_elsewhere_is_not_known(tmp_path: Path) -> None:
    environ = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "GROUNDUP_S3_DATA_DIR": str(tmp_path)}
    assert StorageSettings.read(environ).data_folder == tmp_path
    assert StorageSettings.read({**environ, "GROUNDUP_S3_DATA_DIR": str(tmp_path / "none")}).data_folder is None
    assert StorageSettings.read({**environ, "S3_ENDPOINT_URL": "https://s3.example.com"}).data_folder is None
    assert StorageSettings.read({**environ, "GROUNDUP_CHECKPOINT_QUOTA_BYTES": "1000"}).quota == 1000
