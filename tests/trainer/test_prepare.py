from collections.abc import Iterator
from threading import Event

import pytest

from services.trainer.prepare import prepare
from services.trainer.rundir import AttemptOrder, RunDirectory
from services.trainer.transfers import Damaged, TransferFailed, Transfers
from shared.conversation import CheckpointRef
from shared.errors import EnvironmentFault, NotFound, Stale
from shared.settings import Settings
from tests.servers import S3Endpoint
from tests.trainer.platform import ATTEMPT, FakeStorage, Platform, fake_command, make_claim, platform


@pytest.fixture
def stage(settings: Settings, s3_endpoint: S3Endpoint) -> Iterator[Platform]:
    with platform(settings, FakeStorage(s3_endpoint), fake_command("steps")) as stage:
        yield stage


@pytest.fixture
def directory(stage: Platform) -> RunDirectory:
    directory = RunDirectory(stage.host.attempts_folder / ATTEMPT)
    directory.root.mkdir(parents=True)
    return directory


def fill(stage: Platform, directory: RunDirectory, checkpoints: list[CheckpointRef]) -> list[str]:
    """What the run's log is told."""
    told: list[str] = []
    prepare(stage.host, make_claim(checkpoints=checkpoints), directory, Transfers(stage.host.http, Event()), told.append)
    return told


def restored(directory: RunDirectory) -> bytes:
    return (directory.restore / "model.safetensors").read_bytes()


def test_a_fresh_start(stage: Platform, directory: RunDirectory) -> None:
    assert fill(stage, directory, []) == []
    order = AttemptOrder.model_validate_json(directory.order.read_bytes())
    assert (order.run_id, order.fence, order.device, order.data.files) == ("run_a", 7, "cpu", ["shard-0", "shard-1"])
    assert b"".join((directory.tokens / name).read_bytes() for name in order.data.files) == b"\x01\x00" * 50 + b"\x02\x00" * 50
    assert directory.tokenizer.read_bytes() == b"{}"
    assert not directory.restore.exists()


def test_repeating_it_changes_nothing(stage: Platform, directory: RunDirectory) -> None:
    checkpoint = stage.storage.add_checkpoint("ckpt_repeat", 10, b"weights")
    fill(stage, directory, [checkpoint])
    fill(stage, directory, [checkpoint])
    assert restored(directory) == b"weights"


def test_the_newest_checkpoint_is_restored(stage: Platform, directory: RunDirectory) -> None:
    newest, older = stage.storage.add_checkpoint("ckpt_new", 20, b"newest"), stage.storage.add_checkpoint("ckpt_old", 10, b"older")
    assert fill(stage, directory, [newest, older]) == []
    assert restored(directory) == b"newest"
    assert AttemptOrder.model_validate_json(directory.order.read_bytes()).checkpoint == newest.files


def test_a_damaged_checkpoint_falls_back_to_the_one_before_and_says_so(stage: Platform, directory: RunDirectory) -> None:
    newest = stage.storage.add_checkpoint("ckpt_flipped", 20, b"newesT", told=b"newest")
    older = stage.storage.add_checkpoint("ckpt_sound", 10, b"older")
    told = fill(stage, directory, [newest, older])
    assert restored(directory) == b"older"
    assert len(told) == 1
    assert "step 20" in told[0]
    assert "SHA-256" in told[0]
    (damage,) = stage.api.damages
    assert (damage.checkpoint_id, damage.worker, damage.fence) == ("ckpt_flipped", "tester", 7)
    assert "SHA-256" in damage.reason


@pytest.mark.parametrize("refusal", [NotFound("no such checkpoint"), EnvironmentFault("api is down")], ids=["refused", "down"])
def test_damage_that_cannot_be_reported_holds_up_nothing(
    stage: Platform, directory: RunDirectory, monkeypatch: pytest.MonkeyPatch, refusal: Exception
) -> None:
    monkeypatch.setattr("services.trainer.prepare.UNREADABLE_SECONDS", 0.2)
    stage.api.refusals["damaged"] = refusal
    newest = stage.storage.add_checkpoint("ckpt_unheard", 20, b"newesT", told=b"newest")
    fill(stage, directory, [newest, stage.storage.add_checkpoint("ckpt_good", 10, b"older")])
    assert restored(directory) == b"older"


def test_who_is_no_longer_in_charge_marks_nothing(stage: Platform, directory: RunDirectory) -> None:
    stage.api.refusals["damaged"] = Stale("another attempt has taken over")
    with pytest.raises(Stale):
        fill(stage, directory, [stage.storage.add_checkpoint("ckpt_stale", 20, b"x", told=b"y")])


def test_a_lost_object_falls_back_too(stage: Platform, directory: RunDirectory) -> None:
    newest, older = stage.storage.add_checkpoint("ckpt_lost", 20, b"newest"), stage.storage.add_checkpoint("ckpt_there", 10, b"older")
    stage.storage.s3.delete_object(Bucket="groundup", Key="ckpt_lost/model.safetensors")
    assert len(fill(stage, directory, [newest, older])) == 1
    assert restored(directory) == b"older"
    assert [damage.checkpoint_id for damage in stage.api.damages] == ["ckpt_lost"]


def test_a_checkpoint_the_store_does_not_give_is_waited_for_and_then_falls_back(
    stage: Platform, directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.trainer.prepare.UNREADABLE_SECONDS", 0.2)
    newest, older = stage.storage.add_checkpoint("ckpt_403", 20, b"newest"), stage.storage.add_checkpoint("ckpt_200", 10, b"older")
    stage.storage.unreadable.add("ckpt_403")
    told: list[str] = []
    claim, transfers = make_claim(checkpoints=[newest, older]), Transfers(stage.host.http, Event())
    assert prepare(stage.host, claim, directory, transfers, told.append) == older
    assert stage.api.damages == []
    assert restored(directory) == b"older"
    assert len(told) == 1
    assert "step 20" in told[0]
    assert "cannot be read" in told[0]


def test_where_no_checkpoint_can_be_read_the_run_does_not_start_from_scratch(
    stage: Platform, directory: RunDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.trainer.prepare.UNREADABLE_SECONDS", 0.2)
    damaged, closed = stage.storage.add_checkpoint("ckpt_dam", 20, b"x", told=b"y"), stage.storage.add_checkpoint("ckpt_no", 10, b"older")
    stage.storage.unreadable.add("ckpt_no")
    with pytest.raises(TransferFailed, match="the store answered 4"):
        fill(stage, directory, [damaged, closed])
    assert not directory.order.exists()


def test_with_no_sound_checkpoint_the_run_does_not_start_from_scratch(stage: Platform, directory: RunDirectory) -> None:
    both = [stage.storage.add_checkpoint(f"ckpt_bad{step}", step, b"x", told=b"y") for step in (20, 10)]
    with pytest.raises(Damaged, match=r"none of its 2 checkpoints can be used; the checkpoint of step 20 .*; the checkpoint of step 10"):
        fill(stage, directory, both)
    assert not directory.restore.exists()
    assert not directory.order.exists()
    assert [damage.checkpoint_id for damage in stage.api.damages] == ["ckpt_bad20", "ckpt_bad10"]


@pytest.mark.parametrize(("near", "expected_downloads"), [(b"weights", 0), (b"wEights", 1)], ids=["right copy", "damaged copy"])
def test_a_local_copy_spares_the_download(stage: Platform, directory: RunDirectory, near: bytes, expected_downloads: int) -> None:
    checkpoint = stage.storage.add_checkpoint("ckpt_near", 20, b"weights")
    copy = stage.host.attempts_folder / "att_0" / "checkpoints" / "step_00000020"
    copy.mkdir(parents=True)
    (copy / "model.safetensors").write_bytes(near)
    downloads: list[str] = []
    stage.host.http.event_hooks["request"].append(lambda request: downloads.append(str(request.url)))
    fill(stage, directory, [checkpoint])
    assert restored(directory) == b"weights"
    assert len([url for url in downloads if "ckpt_near" in url]) == expected_downloads
