"""An agent that is really killed, handed over or stopped, and the next one. The children are fakes, the platform around is in memory."""

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psutil
import pytest

from shared.conversation import CommandOrder
from shared.errors import EnvironmentFault
from shared.settings import Settings
from shared.training_events import ProcessAdopted, ProcessDied
from tests.servers import S3Endpoint, wait_until
from tests.trainer.lone_agent import Stage, stage

Begin = Callable[..., Stage]


@pytest.fixture
def begin(settings: Settings, s3_endpoint: S3Endpoint) -> Iterator[Begin]:
    with ExitStack() as stack:
        yield lambda mode, **environ: stack.enter_context(stage(mode, settings, s3_endpoint, **environ))


def adopted(stage: Stage) -> bool:
    return bool(stage.events(ProcessAdopted))


def stop(stage: Stage) -> None:
    stage.api.commands.append(CommandOrder(command_id="cmd_stop", attempt_id=stage.attempt_id, type="stop"))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGUSR1])
def test_the_next_agent_goes_on_with_the_same_processes(begin: Begin, how: signal.Signals) -> None:
    stage = begin("endless")
    stage.wait_until_under_way()
    before = stage.processes()
    assert stage.end_agent(how) == (0 if how == signal.SIGUSR1 else -signal.SIGKILL)
    assert stage.processes() == before
    known, beats = stage.api.beats[-1].attempts[0].progress.step, len(stage.api.beats)
    stage.start_agent()
    wait_until(lambda: adopted(stage), "the next agent adopts it")
    assert stage.processes() == before
    wait_until(lambda: len(stage.api.beats) > beats, "its first heartbeat")
    first = stage.api.beats[beats]
    assert first.instance != stage.api.beats[0].instance
    assert [(report.attempt_id, report.fence) for report in first.attempts] == [(stage.attempt_id, 7)]
    assert first.attempts[0].progress.step >= known, "it never seems to fall back"
    stop(stage)
    final = stage.final()
    assert (final.state, final.fence) == ("stopped", 7)
    assert {state.state for state in stage.api.states} == {"running", "stopped"}
    told = [applied.command_id for beat in stage.api.beats for applied in beat.applied] + [one.command_id for one in final.applied]
    assert set(told) == {"cmd_stop"}
    history_is_whole(stage, final.progress.step)


def history_is_whole(stage: Stage, last: int) -> None:
    """Every step and every line once and in order, the numbers of each producer without a hole."""
    assert stage.steps() == list(range(1, last + 1))
    assert stage.lines() == [f"step {step}" for step in range(1, last + 1)]
    for producer in {record.producer for record in stage.records()}:
        numbers = [record.producer_seq for record in stage.records() if record.producer == producer]
        assert numbers == list(range(1, len(numbers) + 1))
    assert len(stage.events(ProcessAdopted)) == 1


def test_a_torn_record_of_the_dead_agent_is_no_obstacle(begin: Begin) -> None:
    stage = begin("endless")
    stage.wait_until_under_way()
    stage.end_agent(signal.SIGKILL)
    whole = stage.directory.agent_spool.stat().st_size
    with stage.directory.agent_spool.open("ab") as file:
        file.write(b"\x40\x00\x00\x00torn")
    stage.directory.commands.write_text('{"command_')  # and a torn order
    stage.start_agent()
    wait_until(lambda: adopted(stage) and stage.directory.agent_spool.stat().st_size > whole, "the next agent adopts it")
    stop(stage)
    history_is_whole(stage, stage.final().progress.step)


def test_a_damaged_end_of_the_dead_agent_s_spool_is_no_obstacle(begin: Begin) -> None:
    stage = begin("endless")
    stage.wait_until_under_way()
    stage.end_agent(signal.SIGKILL)
    with stage.directory.agent_spool.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"?")
    stage.start_agent()
    wait_until(lambda: adopted(stage), "the next agent adopts it")
    stop(stage)
    last = stage.final().progress.step
    assert stage.steps() == list(range(1, last + 1))
    assert set(stage.lines()) == {f"step {step}" for step in range(1, last + 1)}


def test_an_order_that_cannot_be_read_is_no_obstacle(begin: Begin) -> None:
    stage = begin("hanging")  # it never looks for orders
    wait_until(lambda: len(stage.steps()) == 5, "training")
    before = stage.processes()
    stage.end_agent(signal.SIGKILL)
    stage.directory.commands.write_text("nonsense\n")
    stage.start_agent()
    wait_until(lambda: adopted(stage), "the next agent adopts it")
    assert stage.processes() == before


def test_what_cannot_be_adopted_is_ended_and_removed(begin: Begin) -> None:
    stage = begin("deaf")
    stage.wait_until_under_way()
    stage.end_agent(signal.SIGKILL)
    with stage.directory.spool.open("r+b") as spool:
        spool.seek(20)
        spool.write(b"?")
    stage.api.claim_of.clear()
    stage.start_agent()
    wait_until(lambda: stage.processes() == [] and not stage.directory.root.exists(), "it is ended and removed")


def test_a_launcher_is_known_again_after_the_clock_was_set(begin: Begin) -> None:
    stage = begin("endless")
    stage.wait_until_under_way()
    before = stage.processes()
    stage.end_agent(signal.SIGKILL)
    known = json.loads(stage.directory.launcher.read_text())
    stage.directory.launcher.write_text(json.dumps({**known, "born": known["born"] + 3600, "started_at": known["started_at"] + 3600}))
    stage.start_agent()
    wait_until(lambda: adopted(stage), "the next agent adopts it")
    assert stage.processes() == before
    stop(stage)
    assert stage.final().state == "stopped"


def test_another_process_with_the_launcher_s_pid_is_left_alone(begin: Begin) -> None:
    stage = begin("endless")
    stage.wait_until_under_way()
    stage.end_agent(signal.SIGKILL)
    known = json.loads(stage.directory.launcher.read_text())
    stage.directory.launcher.write_text(json.dumps({**known, "pid": os.getpid()}))
    stage.start_agent()
    assert stage.final().state == "failed"  # its launcher counts as gone, so its ranks are ended; and we are still here
    assert stage.processes() == []


def test_what_succeeds_while_no_agent_lives_has_succeeded(begin: Begin) -> None:
    stage = begin("steps")
    wait_until(lambda: len(list((stage.directory.root / "pids").glob("rank*"))) == 2, "training begins")
    stage.end_agent(signal.SIGKILL)
    wait_until(lambda: stage.processes() == [], "it ends by itself")
    assert stage.directory.outcome.exists()
    stage.start_agent()
    final = stage.final()
    assert (final.state, final.progress.step, final.summary) == ("succeeded", 40, {"val/loss": 1.5})
    assert [commit.step for commit in stage.api.commits] == [10, 20, 30, 40]
    history_is_whole(stage, 40)


def test_what_dies_while_no_agent_lives_is_told_by_the_launcher_s_log(begin: Begin) -> None:
    stage = begin("endless")
    stage.wait_until_under_way()
    stage.end_agent(signal.SIGKILL)
    psutil.Process(int(stage.directory.pid(1).read_text())).kill()
    wait_until(lambda: stage.processes() == [], "the launcher ends the rest")
    stage.start_agent()
    final = stage.final()
    assert (final.state, final.retry, final.reason) == ("failed", True, "rank 1 was killed by signal 9 (Killed)")
    assert final.failure is not None
    assert final.failure.kind == "killed_by_system"
    wait_until(lambda: len(stage.events(ProcessDied)) == 1, "its death is an event")


def test_what_the_api_has_given_to_another_is_killed(begin: Begin) -> None:
    stage = begin("deaf")
    stage.wait_until_under_way()
    stage.end_agent(signal.SIGKILL)
    stage.api.claim_of.clear()
    stage.api.cancelled.append(stage.attempt_id)
    stage.start_agent()
    wait_until(lambda: stage.processes() == [] and not stage.directory.root.exists(), "it is ended and removed")
    assert {state.state for state in stage.api.states} == {"running"}  # nobody is told of an end


@pytest.mark.parametrize("missing", ["claim.json", "launcher.json", "attempt.json"])
def test_what_had_not_come_so_far_is_ended(begin: Begin, missing: str) -> None:
    stage = begin("deaf")
    stage.wait_until_under_way()
    stage.end_agent(signal.SIGKILL)
    (stage.directory.root / missing).unlink()
    stage.api.claim_of.clear()
    stage.start_agent()
    wait_until(lambda: stage.processes() == [] and not stage.directory.root.exists(), "it is ended and removed")
    assert not adopted(stage)


def test_an_order_is_passed_on_once(begin: Begin) -> None:
    stage = begin("hanging")  # it never looks for orders
    wait_until(lambda: len(stage.steps()) == 5, "training")
    stop(stage)
    wait_until(lambda: stage.directory.commands.exists(), "the order is passed on")
    stage.end_agent(signal.SIGKILL)
    stage.start_agent()
    wait_until(lambda: adopted(stage), "the next agent adopts it")
    beats = len(stage.api.beats)
    wait_until(lambda: len(stage.api.beats) > beats + 3, "the order is repeated to it")
    assert len(stage.directory.commands.read_text().splitlines()) == 1


def test_what_the_api_knows_is_not_adopted(begin: Begin) -> None:
    stage = begin("crash")
    assert stage.final().state == "failed"
    wait_until(lambda: stage.directory.reported.exists(), "the report is answered")
    stage.end_agent(signal.SIGKILL)
    stage.start_agent()
    wait_until(lambda: not stage.directory.root.exists(), "its folder is removed")
    assert Counter(event.type for event in stage.events(ProcessAdopted, ProcessDied)) == {"ProcessDied": 1}


def test_sigterm_saves_tells_and_ends(begin: Begin) -> None:
    stage = begin("endless")
    stage.wait_until_under_way()
    assert stage.end_agent(signal.SIGTERM) == 0
    final = stage.final()
    assert (final.state, final.retry, final.counts, final.reason) == ("failed", True, False, "the worker is shutting down")
    assert [commit.step for commit in stage.api.commits] == [final.progress.step]
    assert stage.processes() == []


def test_what_could_not_be_told_in_time_is_told_by_the_next_agent(begin: Begin) -> None:
    stage = begin("endless", GROUNDUP_GRACE_SECONDS="2")
    stage.wait_until_under_way()
    stage.storage.refusal = EnvironmentFault("storage is away")
    assert stage.end_agent(signal.SIGTERM) == 0
    assert stage.processes() == []
    assert stage.api.commits == []
    stage.storage.refusal = None
    stage.start_agent()
    final = stage.final()
    assert (final.state, final.retry, final.counts, final.reason) == ("failed", True, False, "the worker is shutting down")
    assert [commit.step for commit in stage.api.commits] == [final.progress.step]
