"""Emergency stops that a real agent hears of, or does not, and what it still has to tell of them when it is killed itself."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest
import redis

from services.trainer.spool import read_spool
from shared import bus
from shared.conversation import EmergencyOrder
from shared.names import EMERGENCY_CHANNEL
from shared.settings import Settings
from shared.training_events import ProcessAdopted, StepCompleted
from tests.servers import S3Endpoint, redis_server, wait_until
from tests.trainer.lone_agent import Stage, stage

Begin = Callable[..., Stage]
ORDER = EmergencyOrder(id="stop_1", reason="smoke", by="ada")


@pytest.fixture
def begin(settings: Settings, s3_endpoint: S3Endpoint) -> Iterator[Begin]:
    with ExitStack() as stack:
        yield lambda mode, **environ: stack.enter_context(stage(mode, settings, s3_endpoint, **environ))


def test_over_redis_it_is_heard_at_once(begin: Begin) -> None:
    stage = begin("deaf", GROUNDUP_HEARTBEAT_SECONDS="30")
    stage.wait_until_under_way()
    wait_until(lambda: bool(stage.client.pubsub_numsub(EMERGENCY_CHANNEL)[0][1]), "it listens")
    stage.client.publish(EMERGENCY_CHANNEL, ORDER.model_dump_json())
    wait_until(lambda: stage.processes() == [], "all processes are gone", 2)
    assert (stage.final().state, stage.final().reason) == ("halted", "emergency stop by ada: smoke")


def test_without_redis_it_is_heard_long_before_a_heartbeat_would_be_due(begin: Begin, tmp_path: Path) -> None:
    with redis_server(tmp_path) as url, closing(bus.connect(url)) as client:
        stage = begin("deaf", GROUNDUP_HEARTBEAT_SECONDS="120", GROUNDUP_REDIS_URL=url)
        stage.client = client
        stage.wait_until_under_way()
        beats = len(stage.api.beats)
    wait_until(lambda: len(stage.api.beats) > beats, "it misses Redis, and asks", 3)
    stage.api.emergency = ORDER
    wait_until(lambda: stage.processes() == [], "all processes are gone", 8)


@contextmanager
def taking_nothing(client: redis.Redis) -> Iterator[None]:
    """It still answers questions."""
    client.execute_command("CLIENT", "PAUSE", "600000", "WRITE")  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        client.execute_command("CLIENT", "UNPAUSE")  # type: ignore[no-untyped-call]


def given_up(stage: Stage) -> None:
    """By the api, which knows how everything has ended as soon as a stop stands, or a lease is over."""
    stage.api.cancelled.append(stage.attempt_id)
    stage.api.claim_of.clear()


@pytest.mark.parametrize("killed", ["before it was given up", "after an emergency stop"])
def test_what_redis_did_not_take_is_told_by_the_next_agent(begin: Begin, killed: str) -> None:
    stage = begin("endless")
    stage.wait_until_under_way()
    with taking_nothing(stage.client):
        known = max(stage.steps())
        wait_until(lambda: stage.api.beats[-1].attempts[0].progress.step > known + 20, "steps that Redis does not have")
        if killed == "before it was given up":
            stage.end_agent(signal.SIGKILL)
            given_up(stage)
        else:
            stage.api.emergency = ORDER
            given_up(stage)
            wait_until(lambda: stage.api.beats[-1].attempts == [], "the attempt is left")
            stage.end_agent(signal.SIGKILL)
        beats = len(stage.api.beats)
        stage.start_agent()
        wait_until(lambda: len(stage.api.beats) > beats and stage.api.beats[-1].attempts == [], "the next agent has nothing to do")
        assert stage.processes() == []
        last = max(record.event.step for record in read_spool(stage.directory.spool, 0)[0] if isinstance(record.event, StepCompleted))
    wait_until(lambda: len(stage.steps()) == last, "all steps are told")
    assert stage.steps() == list(range(1, last + 1))
    wait_until(lambda: not stage.directory.root.exists(), "its folder goes")
    assert bool(stage.events(ProcessAdopted)) == (killed == "before it was given up"), "what is over is not adopted"
