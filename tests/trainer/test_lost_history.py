"""A real agent, whose attempt is over, sends its events again when the history asks for them; also one that was killed and started anew."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from shared import bus
from shared.settings import Settings
from tests.servers import S3Endpoint, wait_until
from tests.trainer.lone_agent import Stage, stage


@pytest.fixture
def done(settings: Settings, s3_endpoint: S3Endpoint) -> Iterator[Stage]:
    """Its attempt has come to its end, and the run directory is gone."""
    with ExitStack() as stack:
        made = stack.enter_context(stage("steps", settings, s3_endpoint))
        assert made.final().state == "succeeded"
        wait_until(lambda: not made.directory.root.exists(), "the run directory is gone")
        yield made


def said(stage: Stage) -> list[tuple[str, int]]:
    return sorted((record.producer, record.producer_seq) for record in stage.records())


def lose_history(stage: Stage) -> None:
    place = bus.read_range(stage.client, "run_a", 0, 1)
    assert bus.commit(stage.client, "run_a", place.epoch, place.newest, keep=0)
    assert stage.records() == []
    assert bus.forget(stage.client, "run_a", bus.committed(stage.client, ["run_a"])["run_a"])


@pytest.mark.parametrize("killed", [False, True], ids=["same agent", "killed and started anew"])
def test_all_of_it_comes_again_once(done: Stage, killed: bool) -> None:
    before = said(done)
    assert done.steps() == list(range(1, 41))
    if killed:
        assert done.end_agent(signal.SIGKILL) == -signal.SIGKILL
    lose_history(done)
    if killed:
        done.start_agent()
    wait_until(lambda: len(said(done)) >= len(before), "everything is there again", 30)
    assert said(done) == before
    assert done.steps() == list(range(1, 41))
