"""How attempts end where something is in the way: nothing may hold a run, its slots or the agent."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from services.trainer.attempts import Attempt
from services.trainer.rundir import AttemptOrder, RunDirectory, TokenFiles
from services.trainer.tail import Tail
from services.trainer.transfers import Transfers
from shared.conversation import CommandOrder, StateReport
from shared.errors import Conflict, EnvironmentFault, UserError
from shared.internal import Located
from shared.settings import Settings
from shared.training_events import LogWritten
from tests.servers import S3Endpoint, wait_until
from tests.trainer.platform import ATTEMPT, FakeStorage, Platform, Start, fake_command, make_claim, platform, processes_of


def ending(stage: Platform) -> StateReport:
    wait_until(lambda: stage.final() is not None, "the last report")
    final = stage.final()
    assert final is not None
    return final


def agent_lines(stage: Platform) -> str:
    return " ".join(line for event in stage.events() if isinstance(event, LogWritten) for line in event.lines if line.startswith("agent:"))


def committed(stage: Platform) -> list[int]:
    return [commit.step for commit in stage.api.commits]


def test_an_attempt_that_was_left_without_a_report_is_reported_when_the_api_asks_for_it_again(start: Start) -> None:
    stage = start("crash")
    stage.api.refusals["failed"] = Conflict("not now")
    wait_until(lambda: bool(stage.agent.ended), "the attempt is left")
    stage.api.refusals.clear()
    final = ending(stage)
    assert (final.state, final.retry, final.fence, final.progress.step) == ("failed", True, 7, 3)


def test_a_damaged_folder_of_another_attempt_is_no_obstacle(start: Start) -> None:
    stage = start("steps")
    other = stage.host.attempts_folder / "att_0"
    other.mkdir()
    (other / "attempt.json").write_text("{")
    ending(stage)
    wait_until(lambda: not stage.agent.attempts, "the attempt leaves the agent")
    wait_until(lambda: list(stage.host.attempts_folder.iterdir()) == [other], "its folder goes, the other one stays")


def test_only_earlier_attempts_at_the_same_run_are_removed(settings: Settings, s3_endpoint: S3Endpoint) -> None:
    """A later one may be at work on this host before the last report of this one is answered."""
    with platform(settings, FakeStorage(s3_endpoint), fake_command("steps")) as stage:
        for number, run_id in ((1, "run_a"), (2, "run_a"), (3, "run_a"), (1, "run_b")):
            claim = make_claim(f"{run_id}_{number}", run_id=run_id, attempt=number)
            directory = RunDirectory(stage.host.attempts_folder / claim.attempt_id)
            directory.root.mkdir(parents=True)
            data = TokenFiles(dtype="uint16", tokens=1, vocab_size=3, end_of_text=0, token_bytes=[0, 1, 1], files=[])
            order = AttemptOrder(run_id=run_id, attempt=number, fence=number, spec=claim.spec, device="cpu", data=data)
            directory.order.write_text(order.model_dump_json())
        attempt = Attempt(stage.host, "run_a_2", lambda _attempt: None)
        attempt.claim = make_claim("run_a_2", attempt=2)
        first = RunDirectory(stage.host.attempts_folder / "run_a_1")
        first.spool.touch()
        first.tokens.mkdir()
        late = stage.host.shipper.add(Tail(first.spool, lambda: None))
        attempt._clean_up(again=True)
        assert sorted(path.name for path in first.root.iterdir()) == ["attempt.json", "spool"], "its events are on their way"
        late.shipped.set()
        attempt._clean_up(again=True)
        assert sorted(path.name for path in stage.host.attempts_folder.iterdir()) == ["run_a_2", "run_a_3", "run_b_1"]


def test_an_attempt_that_cannot_be_cleaned_up_leaves_the_agent_all_the_same(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError("the disk is gone")

    monkeypatch.setattr(Attempt, "_clean_up", fail)
    stage = start("steps")
    ending(stage)
    wait_until(lambda: not stage.agent.attempts, "the attempt leaves the agent")


def fill_the_bucket(stage: Platform) -> None:
    stage.storage.refusal = EnvironmentFault("the bucket is full")


def take_redis_away(stage: Platform) -> None:
    stage.host.shipper.stop()


@pytest.mark.parametrize("obstruct", [fill_the_bucket, take_redis_away])
def test_kill_ends_a_run_whose_results_cannot_be_sent(
    start: Start, monkeypatch: pytest.MonkeyPatch, obstruct: Callable[[Platform], None]
) -> None:
    monkeypatch.setattr("services.trainer.training.KILLED_SECONDS", 0.2)
    stage = start("steps")
    obstruct(stage)
    outcome = stage.host.attempts_folder / ATTEMPT / "outcome.json"
    wait_until(lambda: outcome.exists() and processes_of(ATTEMPT) == [], "training ends")
    assert stage.final() is None
    stage.api.commands.append(CommandOrder(command_id="cmd_1", attempt_id=ATTEMPT, type="kill"))
    final = ending(stage)
    assert (final.state, final.retry) == ("killed", False)


def test_a_run_whose_last_checkpoint_is_refused_has_not_succeeded(start: Start) -> None:
    stage = start("steps")
    stage.storage.refusal = UserError("no such bucket")
    final = ending(stage)
    assert (final.state, final.retry, final.reason) == ("failed", True, "the checkpoint of step 40 could not be delivered")
    assert "step 40 could not be delivered" in agent_lines(stage)
    wait_until(lambda: not stage.agent.attempts, "the attempt ends")
    assert (stage.host.attempts_folder / ATTEMPT / "checkpoints" / "step_00000040").is_dir()


def test_a_refused_report_that_it_runs_does_not_keep_checkpoints_back(start: Start) -> None:
    stage = start("steps")
    stage.api.refusals["running"] = Conflict("not now")
    assert ending(stage).state == "succeeded"
    assert committed(stage) == [10, 20, 30, 40]


def test_processes_that_outlive_their_outcome_are_ended(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.trainer.training.ENDING_SECONDS", 0.3)
    stage = start("lingering")
    assert ending(stage).state == "succeeded"
    assert processes_of(ATTEMPT) == []


def test_an_outage_during_set_up_does_not_count_against_the_run(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.trainer.training.SET_UP_SECONDS", 0.2)
    final = ending(start("steps", storage_down=True))
    assert (final.state, final.retry, final.counts) == ("failed", True, False)


def test_a_full_disk_during_set_up_does_not_count_against_the_run(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("services.trainer.training.SET_UP_SECONDS", 0.2)
    monkeypatch.setattr("services.trainer.transfers.Transfers.fetch_cached", fill)
    stage = start("steps")
    final = ending(stage)
    assert (final.state, final.retry, final.counts) == ("failed", True, False)
    assert "no room on this worker" in final.reason
    wait_until(lambda: not list(stage.host.attempts_folder.iterdir()), "nothing of it stays")


def test_a_disk_that_has_room_again_lets_the_set_up_go_on(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    really, full = Transfers.fetch_cached, [True, True]

    def fill(transfers: Transfers, source: Located, cache: Path) -> Path:
        if full:
            full.pop()
            raise OSError(errno.ENOSPC, "No space left on device")
        return really(transfers, source, cache)

    monkeypatch.setattr(Transfers, "fetch_cached", fill)
    assert ending(start("steps")).state == "succeeded"


def test_a_last_checkpoint_without_room_costs_the_attempt_but_does_not_count(start: Start) -> None:
    """What has arrived is removed here, or the next attempt would find the disk as full."""
    stage = start("crowded")
    final = ending(stage)
    assert (final.state, final.retry, final.counts) == ("failed", True, False)
    assert "exit code 73" in final.reason
    assert committed(stage) == [10]
    wait_until(lambda: not list(stage.host.attempts_folder.iterdir()), "nothing of it stays")


def test_progress_begins_where_the_checkpoint_is(start: Start) -> None:
    stage = start("endless", resume_from=20)
    wait_until(lambda: any(beat.attempts for beat in stage.api.beats), "a report")
    first = next(beat for beat in stage.api.beats if beat.attempts).attempts[0].progress
    assert (first.step, first.tokens) == (20, 20 * 7), "what it had seen, whatever its batch is now"


def test_an_order_that_cannot_be_written_is_passed_on_the_next_time(settings: Settings, s3_endpoint: S3Endpoint) -> None:
    order = CommandOrder(command_id="cmd_1", attempt_id=ATTEMPT, type="stop")
    with platform(settings, FakeStorage(s3_endpoint), fake_command("steps")) as stage:
        attempt = Attempt(stage.host, ATTEMPT, lambda _attempt: None)
        obstacle: Path = attempt.directory.root
        obstacle.parent.mkdir()
        obstacle.touch()
        attempt.obey(order)
        obstacle.unlink()
        for _ in range(2):
            attempt.obey(order)
        assert attempt.directory.commands.read_text().count("cmd_1") == 1
