"""Which checkpoints an agent carries, and in which order, when it has fallen behind."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from services.trainer.courier import Courier
from services.trainer.progress import SpoolWatch
from services.trainer.retention import kept
from services.trainer.rundir import Manifest, RunDirectory
from shared.errors import EnvironmentFault
from shared.internal import CheckpointUpload, FileRef, UploadUrls
from shared.settings import Settings
from shared.spec import CheckpointSpec
from tests.servers import S3Endpoint, wait_until
from tests.trainer.platform import SPEC, FakeStorage, Platform, fake_command, make_claim, platform


class SlowStorage(FakeStorage):
    """Takes its time for the first upload."""

    def __init__(self, endpoint: S3Endpoint) -> None:
        super().__init__(endpoint)
        self.asked, self.answer = Event(), Event()
        self.failures = 0

    def start_checkpoint_upload(self, upload: CheckpointUpload) -> UploadUrls:
        self.asked.set()
        assert self.answer.wait(30)
        if self.failures:
            self.failures -= 1
            raise EnvironmentFault("the disk is full")
        return super().start_checkpoint_upload(upload)


@pytest.fixture
def storage(s3_endpoint: S3Endpoint) -> SlowStorage:
    return SlowStorage(s3_endpoint)


@pytest.fixture
def stage(settings: Settings, storage: SlowStorage) -> Iterator[Platform]:
    with platform(settings, storage, fake_command("steps")) as stage:
        yield stage


def courier(stage: Platform, keep_last: int, keep_best: int) -> Courier:
    train = {"steps": 100, "checkpoint": {"keep_last": keep_last, "keep_best": keep_best}}
    claim = make_claim(spec={**SPEC, "train": train})
    directory = RunDirectory(stage.host.attempts_folder / "att_1")
    return Courier(stage.host, claim, SpoolWatch(directory.spool), lambda _reason: None)


def finish_checkpoint(courier: Courier, step: int, loss: float) -> Path:
    folder = courier.directory.checkpoints / f"step_{step:08d}"
    torn = folder.with_suffix(".tmp")
    torn.mkdir(parents=True)
    (torn / "model.safetensors").write_bytes(b"weights")
    files = [FileRef(name="model.safetensors", bytes=7, sha256=hashlib.sha256(b"weights").hexdigest())]
    manifest = Manifest(run_id="run_a", step=step, tokens=step, metrics={"val/loss": loss}, files=files)
    (torn / "manifest.json").write_text(manifest.model_dump_json())
    return torn.rename(folder)


def committed(stage: Platform) -> list[int]:
    return [commit.step for commit in stage.api.commits]


def test_a_backlog_does_not_keep_the_newest_waiting(stage: Platform, storage: SlowStorage) -> None:
    """The one that is under way goes on; of those behind it only what retention would keep, oldest first."""
    ours = courier(stage, keep_last=2, keep_best=1)
    finish_checkpoint(ours, 10, loss=3.0)
    ours.start()
    assert storage.asked.wait(30)
    for step, loss in ((20, 2.5), (30, 1.0), (40, 2.0), (50, 2.1), (60, 2.2)):
        finish_checkpoint(ours, step, loss)
    storage.answer.set()
    assert ours.finish(lambda: False) == ""
    assert committed(stage) == [10, 30, 50, 60]
    assert sorted(path.name for path in ours.directory.checkpoints.iterdir()) == ["step_00000050", "step_00000060"]


def test_without_a_backlog_every_one_is_carried(stage: Platform, storage: SlowStorage) -> None:
    storage.answer.set()
    ours = courier(stage, keep_last=1, keep_best=0)
    ours.start()
    for step in (10, 20, 30):
        finish_checkpoint(ours, step, loss=1.0)
        wait_until(lambda step=step: committed(stage)[-1:] == [step], f"the checkpoint of step {step}")  # type: ignore[misc]
    assert ours.finish(lambda: False) == ""
    assert committed(stage) == [10, 20, 30]


def test_a_store_without_room_is_asked_again(stage: Platform, storage: SlowStorage) -> None:
    storage.failures = 3
    storage.answer.set()
    ours = courier(stage, keep_last=2, keep_best=0)
    finish_checkpoint(ours, 10, loss=1.0)
    ours.start()
    assert ours.finish(lambda: False) == ""
    assert committed(stage) == [10]


def test_what_retention_keeps() -> None:
    losses = {10: {"val/loss": 2.0}, 20: {"val/loss": 1.0}, 30: {}, 40: {"val/loss": 1.5}, 50: {"val/loss": 1.7}}
    assert kept(losses, CheckpointSpec(keep_last=1, keep_best=0)) == {50}
    assert kept(losses, CheckpointSpec(keep_last=2, keep_best=1)) == {20, 40, 50}
    assert kept(losses, CheckpointSpec(keep_last=1, keep_best=2)) == {20, 40, 50}
    assert kept(losses, CheckpointSpec(keep_last=99)) == set(losses)
    assert kept(losses, CheckpointSpec(keep_last=1, keep_best=1, best_mode="max")) == {10, 50}
    assert kept(losses, CheckpointSpec(keep_last=1, keep_best=1, best_metric="val/bpb")) == {50}
    assert kept(losses, CheckpointSpec(keep_last=1, keep_best=0, keep_every=20)) == {20, 40, 50}
    assert kept({}, CheckpointSpec()) == set()
