import hashlib
from pathlib import Path

import pytest
from groundup import Client, LocalProblem

from tests.client.conftest import Command
from tests.client.platform import Platform

CONTENT = {"model.safetensors": b"weights" * 1000, "state.json": b"{}"}


@pytest.fixture
def checkpoint(platform: Platform) -> str:
    files = [{"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in CONTENT.items()]
    made = {"id": "ckp_1", "run_id": "run_1", "attempt": 1, "step": 9, "metrics": {"val/loss": 2.5}, "bytes": 9}
    platform.checkpoints = [made | {"files": files}]
    platform.objects = dict(CONTENT)
    return "ckp_1"


def test_a_download_is_what_was_committed(client: Client, platform: Platform, checkpoint: str, home: Path) -> None:
    paths = client.checkpoints.download(checkpoint, home / "copy")
    assert {path.name: path.read_bytes() for path in paths} == CONTENT
    assert {one.authorization for one in platform.sent("GET", "/bucket/state.json")} == {None}
    platform.seen.clear()
    (home / "copy" / "state.json").write_bytes(b"[]")
    client.checkpoints.download(checkpoint, home / "copy")
    assert [one.path for one in platform.seen if "bucket" in one.path] == ["/bucket/state.json"]


def test_a_damaged_download_is_refused_and_removed(groundup: Command, platform: Platform, checkpoint: str, home: Path) -> None:
    platform.objects["model.safetensors"] = b"Weights" + CONTENT["model.safetensors"][7:]
    result = groundup("checkpoint", "download", checkpoint, "--to", "copy")
    assert result.exit_code == 1
    assert "model.safetensors of ckp_1 arrived damaged" in result.stderr
    assert list((home / "copy").iterdir()) == []


def test_a_truncated_download_is_refused(client: Client, platform: Platform, checkpoint: str, home: Path) -> None:
    platform.objects["state.json"] = b"{"
    with pytest.raises(LocalProblem, match=r"state\.json"):
        client.checkpoints.download(checkpoint, home / "copy")
    assert [path.name for path in (home / "copy").iterdir()] == ["model.safetensors"]


def test_a_name_from_outside_stays_in_the_folder(client: Client, platform: Platform, checkpoint: str, home: Path) -> None:
    platform.checkpoints[0]["files"][0]["name"] = "../model.safetensors"
    with pytest.raises(LocalProblem, match="no file name"):
        client.checkpoints.download(checkpoint, home / "copy")


def test_verify_reads_what_is_stored_or_a_copy(groundup: Command, platform: Platform, checkpoint: str, home: Path) -> None:
    assert groundup("checkpoint", "verify", checkpoint).exit_code == 0
    assert groundup("checkpoint", "download", checkpoint).exit_code == 0
    platform.objects["state.json"] = b"[]"
    stored = groundup("checkpoint", "verify", checkpoint)
    assert stored.exit_code == 1
    assert "damaged or missing: state.json" in stored.stderr
    assert groundup("checkpoint", "verify", checkpoint, "--folder", "ckp_1").exit_code == 0
    (home / "ckp_1" / "model.safetensors").unlink()
    assert "damaged or missing: model.safetensors" in groundup("checkpoint", "verify", checkpoint, "--folder", "ckp_1").stderr


def test_checkpoints_are_listed(groundup: Command, platform: Platform, checkpoint: str) -> None:
    platform.runs["run_1"] = {"id": "run_1", "name": "r", "state": "succeeded"}
    assert "ckp_1  9     1        2.5000" in groundup("checkpoint", "ls", "run_1").stdout
