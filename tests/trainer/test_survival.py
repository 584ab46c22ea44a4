"""What the agent does when things end: itself, its host, or everything at once. Real processes; the platform around it is in memory."""

import time
from dataclasses import replace
from typing import Any

import psutil
import pytest

from services.trainer import agent
from services.trainer.attempts import Attempt
from services.trainer.halting import Halting, reopen, stop_by_hand
from shared.conversation import AppliedCommand, CommandOrder, EmergencyOrder, Preemption
from shared.settings import Settings
from shared.training_events import HangDetected, LogWritten
from tests.servers import S3Endpoint, wait_until
from tests.trainer.platform import (
    ATTEMPT,
    SLOTS,
    FakeStorage,
    Platform,
    Start,
    fake_command,
    make_claim,
    pid_of,
    platform,
    processes_of,
    running,
    steps,
    under_way,
)

ORDER = EmergencyOrder(id="stop_1", reason="smoke", by="ada")


def test_an_emergency_stop_ends_all_processes_within_two_seconds(start: Start) -> None:
    stage = start("deaf")
    wait_until(lambda: under_way(stage), "training")
    begun = time.monotonic()
    stage.agent.stop_everything(ORDER)
    wait_until(lambda: processes_of(ATTEMPT) == [], "all processes are gone", 5)
    assert time.monotonic() - begun < 2
    wait_until(lambda: stage.final() is not None, "the last report", 10)
    final = stage.final()
    assert final is not None
    assert (final.state, final.reason) == ("halted", "emergency stop by ada: smoke")


def test_what_was_trained_before_an_emergency_stop_is_told_also_where_redis_could_not_be(start: Start) -> None:
    stage = start("endless")
    wait_until(lambda: under_way(stage), "training")
    stage.client.execute_command("CLIENT", "PAUSE", "1500", "WRITE")  # type: ignore[no-untyped-call]
    attempt = stage.agent.attempts[ATTEMPT]
    taken = attempt.watch.progress.step + 20
    wait_until(lambda: attempt.watch.progress.step >= taken, "steps that Redis does not have")
    stage.agent.stop_everything(ORDER)
    attempt.cancel("the api service says so")
    wait_until(lambda: processes_of(ATTEMPT) == [], "all processes are gone", 5)
    wait_until(lambda: ATTEMPT not in stage.agent.attempts, "the attempt is left")
    wait_until(lambda: len(steps(stage)) >= taken, "all steps are told", 10)
    assert steps(stage) == list(range(1, len(steps(stage)) + 1))
    wait_until(lambda: not list(stage.host.attempts_folder.iterdir()), "its folder goes", 10)


def test_the_heartbeat_s_reply_stops_everything_too_and_nothing_is_claimed(start: Start) -> None:
    stage = start("deaf")
    wait_until(lambda: under_way(stage), "training")
    stage.api.emergency = ORDER
    wait_until(lambda: processes_of(ATTEMPT) == [], "all processes are gone", 5)
    stage.api.claim_of["att_2"] = make_claim("att_2")
    stage.api.states.clear()
    beats = len(stage.api.beats)
    wait_until(lambda: len(stage.api.beats) > beats + 2, "more heartbeats")
    assert "att_2" not in stage.agent.attempts


def test_a_preempted_run_saves_itself_and_says_so(start: Start) -> None:
    stage = start("endless")
    wait_until(lambda: under_way(stage), "training")
    stage.api.preempted.append(Preemption(attempt_id=ATTEMPT, reason="gives its slots to run 'x' (priority 90)"))
    wait_until(lambda: stage.final() is not None, "the last report", 10)
    final = stage.final()
    assert final is not None
    assert (final.state, final.reason) == ("preempted", "gives its slots to run 'x' (priority 90)")
    assert [commit.step for commit in stage.api.commits] == [max(steps(stage))]


def test_a_preempted_run_that_does_not_save_itself_is_killed_after_the_grace(start: Start) -> None:
    stage = start("deaf", grace=0.5)
    wait_until(lambda: under_way(stage), "training")
    stage.api.preempted.append(Preemption(attempt_id=ATTEMPT, reason="gives its slots"))
    wait_until(lambda: stage.final() is not None, "the last report", 10)
    assert stage.api.states[-1].state == "preempted"


def with_halting(stage: Platform, notice: list[str]) -> None:
    """`notice`: what the host is told; empty while there is nothing."""
    host = replace(stage.host, halting=Halting(stage.host.settings.folder, lambda: notice[-1] if notice else ""))
    stage.agent.host = host
    for attempt in stage.agent.attempts.values():
        attempt.host = host


def test_a_notice_that_the_host_goes_saves_its_runs_and_offers_nothing(start: Start) -> None:
    stage = start("endless")
    wait_until(lambda: under_way(stage), "training")
    notice: list[str] = []
    with_halting(stage, notice)
    notice.append("the host is about to go (spot)")
    stage.host.poke()
    wait_until(lambda: stage.final() is not None, "the last report", 10)
    final = stage.final()
    assert final is not None
    assert (final.state, final.retry, final.counts, final.reason) == ("failed", True, False, "the host is about to go (spot)")
    assert stage.api.commits, "it was saved"
    wait_until(lambda: stage.api.beats[-1].halted == notice[0], "the heartbeat tells")
    assert stage.api.beats[-1].slots == []
    notice.append("")
    wait_until(lambda: stage.api.beats[-1].slots == SLOTS, "the slots are offered again")


def test_a_host_that_was_stopped_by_hand_takes_nothing_until_it_is_reopened(start: Start) -> None:
    stage = start("deaf")
    wait_until(lambda: under_way(stage), "training")
    with_halting(stage, [])
    stop_by_hand(stage.host.settings.folder, "burning smell")
    stage.host.poke()
    wait_until(lambda: processes_of(ATTEMPT) == [], "all processes are gone", 5)
    wait_until(lambda: stage.final() is not None, "the last report", 10)
    assert stage.api.states[-1].state == "halted"
    assert "burning smell" in stage.api.states[-1].reason
    wait_until(lambda: "burning smell" in stage.api.beats[-1].halted, "the heartbeat tells")
    assert reopen(stage.host.settings.folder)
    wait_until(lambda: stage.api.beats[-1].halted == "", "it is open again")


def test_a_training_that_hangs_shows_its_stacks_and_is_ended(start: Start) -> None:
    stage = start("hanging", hang=3)
    wait_until(lambda: stage.final() is not None, "the last report", 60)
    final = stage.final()
    assert final is not None
    assert final.failure is not None
    assert (final.state, final.retry, final.failure.kind) == ("failed", True, "hang")
    assert [event.step for event in stage.events() if isinstance(event, HangDetected)] == [5]
    lines = [line for event in stage.events() if isinstance(event, LogWritten) for line in event.lines]
    assert any("most recent call first" in line for line in lines)


def test_a_process_that_the_system_kills_is_named(start: Start) -> None:
    stage = start("endless")
    wait_until(lambda: under_way(stage), "training")
    psutil.Process(pid_of(stage, 0)).kill()
    wait_until(lambda: stage.final() is not None, "the last report", 10)
    final = stage.final()
    assert final is not None
    assert final.failure is not None
    assert final.failure.kind == "killed_by_system"
    assert "memory" in final.failure.remedy


def test_a_training_that_somebody_else_asks_to_end_is_tried_again_and_no_crash(start: Start) -> None:
    """As a host does that is shut down: all its processes get SIGTERM at once."""
    stage = start("endless")
    wait_until(lambda: under_way(stage), "training")
    for rank in (0, 1):
        psutil.Process(pid_of(stage, rank)).terminate()
    wait_until(lambda: stage.final() is not None, "the last report", 10)
    final = stage.final()
    assert final is not None
    assert (final.state, final.retry, final.counts, final.failure) == ("failed", True, False, None)
    assert "SIGTERM" in final.reason
    assert [commit.step for commit in stage.api.commits] == [max(steps(stage))]


def test_what_is_assigned_while_an_emergency_stop_is_heard_of_does_not_start(
    settings: Settings, s3_endpoint: S3Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    with platform(settings, FakeStorage(s3_endpoint), fake_command("deaf")) as stage:

        class Late(Attempt):
            def __init__(self, *arguments: Any) -> None:
                stage.agent.stop_everything(ORDER)
                super().__init__(*arguments)

        monkeypatch.setattr(agent, "Attempt", Late)
        stage.api.claim_of[ATTEMPT] = make_claim()
        with running(stage):
            wait_until(lambda: stage.final() is not None, "the last report", 10)
        assert [state.state for state in stage.api.states] == ["halted"]


def test_a_later_attempt_answers_for_itself(start: Start) -> None:
    """Its word on a command counts, also where that of an earlier one, which the api did not take, was answered."""
    stage = start("endless")
    wait_until(lambda: under_way(stage), "training")
    applied = AppliedCommand(command_id="c", step=3, ranks=2, fence=6)
    stage.agent.leftover += [applied, applied.model_copy(update={"fence": 7})]
    stage.agent.acknowledged.add(("c", 6))
    stage.host.poke()
    wait_until(lambda: any(beat.applied for beat in stage.api.beats), "it is told")
    assert [one.fence for beat in stage.api.beats for one in beat.applied] == [7]


def test_every_command_reaches_the_training_with_its_arguments(start: Start) -> None:
    stage = start("endless")
    wait_until(lambda: under_way(stage), "training")
    arguments = {"optimizer": {"lr": 0.1}}
    order = CommandOrder.model_validate({"command_id": "c", "attempt_id": ATTEMPT, "type": "set_hyperparameters", "arguments": arguments})
    stage.api.commands.append(order)
    file = stage.host.attempts_folder / ATTEMPT / "commands.jsonl"
    wait_until(file.exists, "the order is passed on")
    assert '"optimizer":{"lr":0.1}' in file.read_text()
