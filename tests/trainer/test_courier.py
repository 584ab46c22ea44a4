"""Which checkpoints an agent carries, and in which order, when it has fallen behind."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from services.api.retention import Situation, holds
from services.trainer.courier import Courier
from services.trainer.progress import SpoolWatch
from services.trainer.retention import kept
from services.trainer.rundir import Manifest, RunDirectory
from services.trainer.spool import SpoolWriter
from shared.conversation import CheckpointCommit
from shared.errors import EnvironmentFault, InsufficientStorage
from shared.events import AnyEvent
from shared.internal import CheckpointUpload, FileRef, UploadUrls
from shared.settings import Settings
from shared.spec import CheckpointSpec
from shared.training_events import CheckpointFailed, EvaluationCompleted
from tests.api.test_retention import Saved
from tests.servers import S3Endpoint, wait_until
from tests.trainer.platform import ATTEMPT, SPEC, FakeStorage, Platform, fake_command, make_claim, platform

MEASURED = {10: {"val/loss": 2.0}, 20: {"val/loss": 1.0}, 30: {"train/loss": 1.0}, 40: {"val/loss": 1.0}, 50: {"val/loss": 1.7}}
POLICIES: list[tuple[dict[str, Any], set[int]]] = [
    ({"keep_last": 1, "keep_best": 0}, {50}),
    ({"keep_last": 1, "keep_best": 1}, {40, 50}),  # of equal ones the newer
    ({"keep_last": 1, "keep_best": 2}, {20, 40, 50}),
    ({"keep_last": 2, "keep_best": 3}, {20, 40, 50}),
    ({"keep_last": 99}, {10, 20, 30, 40, 50}),
    ({"keep_last": 1, "keep_best": 1, "best_mode": "max"}, {10, 50}),
    ({"keep_last": 1, "keep_best": 1, "best_metric": "train/loss"}, {30, 50}),
    ({"keep_last": 1, "keep_best": 1, "best_metric": "val/bpb"}, {50}),
    ({"keep_last": 1, "keep_best": 0, "keep_every": 20}, {20, 40, 50}),
]


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


TOLD: list[str] = []


def courier(stage: Platform, keep_last: int, keep_best: int) -> Courier:
    TOLD.clear()
    train = {"steps": 100, "checkpoint": {"keep_last": keep_last, "keep_best": keep_best}}
    claim = make_claim(spec={**SPEC, "train": train})
    directory = RunDirectory(stage.host.attempts_folder / ATTEMPT)
    directory.root.mkdir(parents=True)
    return Courier(stage.host, claim, SpoolWatch(directory.spool), lambda _reason: None, TOLD.append)


def evaluate(courier: Courier, step: int, loss: float) -> None:
    """As the child tells it: after the checkpoint of that step is on its way, before that of the next."""
    tell(courier, EvaluationCompleted(step=step, tokens=step, metrics={"val/loss": loss}))


def tell(courier: Courier, event: AnyEvent) -> None:
    spool = SpoolWriter(courier.directory.spool, run_id="run_a", attempt=1, fence=7, producer="attempt-1")
    spool.emit(event)
    spool.close()


def finish_checkpoint(courier: Courier, step: int, loss: float | None = None) -> Path:
    """With the `loss` of its evaluation, or not evaluated yet."""
    folder = courier.directory.checkpoints / f"step_{step:08d}"
    torn = folder.with_suffix(".tmp")
    torn.mkdir(parents=True)
    (torn / "model.safetensors").write_bytes(b"weights")
    files = [FileRef(name="model.safetensors", bytes=7, sha256=hashlib.sha256(b"weights").hexdigest())]
    manifest = Manifest(run_id="run_a", step=step, tokens=step, metrics={"train/loss": 2.0}, files=files)
    (torn / "manifest.json").write_text(manifest.model_dump_json())
    if loss is not None:
        evaluate(courier, step, loss)
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


def test_an_evaluation_that_is_known_goes_into_the_commit(stage: Platform, storage: SlowStorage) -> None:
    storage.answer.set()
    ours = courier(stage, keep_last=2, keep_best=1)
    finish_checkpoint(ours, 10, loss=1.5)
    ours.start()
    assert ours.finish(lambda: False) == ""
    assert [commit.metrics for commit in stage.api.commits] == [{"train/loss": 2.0, "val/loss": 1.5}]
    assert stage.api.measured == []


def test_a_later_evaluation_follows_before_the_next_checkpoint(stage: Platform, storage: SlowStorage) -> None:
    """Also of the checkpoint the attempt went on from; one of a step without a checkpoint is nobody's."""
    storage.answer.set()
    ours = courier(stage, keep_last=9, keep_best=1)
    stage.api.commits.append(CheckpointCommit(fence=6, checkpoint_id="ckpt_0", step=5, tokens=5, metrics={}, files=[]))
    finish_checkpoint(ours, 10)
    ours.start(restored=5)
    wait_until(lambda: committed(stage) == [5, 10], "the commit")
    evaluate(ours, 5, 3.0)
    evaluate(ours, 7, 2.0)
    evaluate(ours, 10, 1.0)
    wait_until(lambda: len(stage.api.measured) == 2, "the evaluations")
    finish_checkpoint(ours, 20)
    assert ours.finish(lambda: False) == ""
    assert [commit.metrics for commit in stage.api.commits] == [{}, {"train/loss": 2.0}, {"train/loss": 2.0}]
    assert stage.api.measured == [(5, {"val/loss": 3.0}), (10, {"val/loss": 1.0})]


def test_no_checkpoint_overtakes_an_evaluation(stage: Platform, storage: SlowStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.trainer.courier.INSIST_SECONDS", 0.0)
    monkeypatch.setattr("services.trainer.courier.FAULTS", 1000)
    storage.answer.set()
    ours = courier(stage, keep_last=9, keep_best=1)
    finish_checkpoint(ours, 10)
    ours.start()
    wait_until(lambda: committed(stage) == [10], "the commit")
    stage.api.refusals["metrics"] = EnvironmentFault("restarting")
    evaluate(ours, 10, 1.0)
    finish_checkpoint(ours, 20)
    wait_until(lambda: ours.faults["the evaluation of step 10"] > 1, "some tries")
    assert committed(stage) == [10]
    stage.api.refusals.clear()
    assert ours.finish(lambda: False) == ""
    assert (committed(stage), stage.api.measured) == ([10, 20], [(10, {"val/loss": 1.0})])


def test_an_api_that_takes_no_evaluations_does_not_stop_checkpoints(
    stage: Platform, storage: SlowStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.trainer.courier.INSIST_SECONDS", 0.0)
    storage.answer.set()
    ours = courier(stage, keep_last=9, keep_best=1)
    finish_checkpoint(ours, 10)
    ours.start(restored=5)
    stage.api.refusals["metrics"] = EnvironmentFault("broken")
    evaluate(ours, 5, 1.0)
    finish_checkpoint(ours, 20)
    wait_until(lambda: committed(stage) == [10, 20], "both checkpoints")
    assert stage.api.measured == []
    ours.finish(lambda: True)


def test_a_backlog_is_thinned_while_the_store_has_no_room(stage: Platform, storage: SlowStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run hears of it once; what has become superfluous meanwhile leaves the worker's disk, the one under way too."""
    monkeypatch.setattr("services.trainer.courier.INSIST_SECONDS", 0.0)
    storage.answer.set()
    storage.refusal = InsufficientStorage("it needs 5 MB, 1 MB is left")
    ours = courier(stage, keep_last=2, keep_best=1)
    ours.start()
    for step, loss in ((10, 3.0), (20, 1.0), (30, 1.5), (40, 1.6), (50, 1.7)):
        finish_checkpoint(ours, step, loss)
    kept_here = ["step_00000020", "step_00000040", "step_00000050"]
    wait_until(lambda: sorted(path.name for path in ours.directory.checkpoints.iterdir()) == kept_here, "the rest is removed")
    assert len(TOLD) == 1
    assert "waits on this worker: the store has no room: it needs 5 MB, 1 MB is left" in TOLD[0]
    storage.refusal = None
    assert ours.finish(lambda: False) == ""
    assert committed(stage) == [20, 40, 50]


def test_copies_that_have_arrived_make_room_for_the_next_checkpoint(stage: Platform, storage: SlowStorage) -> None:
    storage.answer.set()
    ours = courier(stage, keep_last=9, keep_best=0)
    finish_checkpoint(ours, 10)
    finish_checkpoint(ours, 20)
    ours.start()
    wait_until(lambda: committed(stage) == [10, 20], "both")
    tell(ours, CheckpointFailed(step=30, reason="no room for a checkpoint"))
    wait_until(lambda: not list(ours.directory.checkpoints.iterdir()), "the copies go")
    assert ours.finish(lambda: False) == ""


@pytest.mark.parametrize(("policy", "expected"), POLICIES)
def test_what_retention_keeps_here_is_what_the_api_keeps(policy: dict[str, Any], expected: set[int]) -> None:
    plan = CheckpointSpec.model_validate(policy)
    assert kept(MEASURED, plan) == expected
    saved = [Saved(str(step), step, metrics=dict(metrics)) for step, metrics in MEASURED.items()]
    held = holds(Situation(plan, going=True, attempt=None), saved, {})
    assert {int(checkpoint_id) for checkpoint_id, reasons in held.items() if reasons} == expected
    assert kept({}, plan) == set()
