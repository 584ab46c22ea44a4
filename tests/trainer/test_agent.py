import time
from pathlib import Path

import httpx
import psutil
import pytest

from services.trainer import hints
from shared import bus
from shared.conversation import CommandOrder
from shared.errors import NotFound
from shared.events import Record
from shared.run_events import RunCreated
from shared.training_events import LogWritten, ProcessDied, TrainingEnded
from tests.servers import wait_until
from tests.trainer.platform import ATTEMPT, Start, pid_of, processes_of, steps, under_way


def test_a_run_from_claim_to_success(start: Start) -> None:
    stage = start("steps")
    wait_until(lambda: stage.final() is not None, "the last report")
    assert [state.state for state in stage.api.states] == ["running", "succeeded"]
    final = stage.final()
    assert final is not None
    assert (final.summary, final.fence, final.progress.step, final.progress.tokens) == ({"val/loss": 1.5}, 7, 40, 320)
    assert steps(stage) == list(range(1, 41))
    assert isinstance([event for event in stage.events() if not isinstance(event, LogWritten)][-1], TrainingEnded)
    assert [record.seq for record in stage.records()] == list(range(1, len(stage.records()) + 1))
    lines = [line for event in stage.events() if isinstance(event, LogWritten) for line in event.lines]
    assert lines == [f"step {step}" for step in range(1, 41)]


def test_checkpoints_are_in_the_store_and_committed_before_the_last_report(start: Start) -> None:
    stage = start("steps")
    wait_until(lambda: stage.final() is not None, "the last report")
    assert [commit.step for commit in stage.api.commits] == [10, 20, 30, 40]
    newest = stage.api.commits[-1]
    assert (newest.fence, newest.metrics) == (7, {"train/loss": 1.0})  # the NaN has no place in JSON
    assert {file.name for file in newest.files} == {"model.safetensors", "manifest.json"}
    assert stage.storage.read(f"{newest.checkpoint_id}/model.safetensors") == b"weights of step 40"
    wait_until(lambda: not list(stage.host.attempts_folder.iterdir()), "the folder of the ended attempt goes")


def test_a_killed_rank_is_found_and_the_rest_ended(start: Start) -> None:
    stage = start("endless")
    wait_until(lambda: under_way(stage), "training")
    killed_at = time.monotonic()
    psutil.Process(pid_of(stage, 1)).kill()
    wait_until(lambda: stage.final() is not None, "the last report", 5)
    assert time.monotonic() - killed_at < 5
    final = stage.final()
    assert final is not None
    assert (final.state, final.retry, final.reason) == ("failed", True, "rank 1 was killed by signal 9 (Killed)")
    died = [event for event in stage.events() if isinstance(event, ProcessDied)]
    assert [event.reason for event in died] == [final.reason]
    assert died[0].after_seconds < 5
    assert processes_of(ATTEMPT) == []


def test_a_killed_launcher_takes_the_ranks_with_it(start: Start) -> None:
    stage = start("deaf")
    wait_until(lambda: under_way(stage), "training")
    psutil.Process(pid_of(stage, 0)).parent().kill()  # type: ignore[union-attr]
    wait_until(lambda: stage.final() is not None, "the last report", 5)
    assert "the launcher was killed by signal 9" in str(stage.final())
    assert processes_of(ATTEMPT) == []


def test_a_crash_is_told_with_the_last_lines_of_the_log(start: Start) -> None:
    stage = start("crash")
    wait_until(lambda: stage.final() is not None, "the last report")
    final = stage.final()
    assert final is not None
    assert (final.state, final.retry, final.counts) == ("failed", True, True)
    assert "rank 0 ended with exit code 1" in final.reason
    assert "ValueError: three is too many" in final.reason


def test_stop_is_an_order_to_the_child_and_its_application_is_told(start: Start) -> None:
    stage = start("endless")
    wait_until(lambda: under_way(stage), "training")
    stage.api.commands.append(CommandOrder(command_id="cmd_1", attempt_id=ATTEMPT, type="stop"))
    wait_until(lambda: stage.final() is not None, "the last report")
    assert stage.api.states[-1].state == "stopped"
    wait_until(lambda: any(beat.applied for beat in stage.api.beats), "the command is told as applied")
    told = [applied for beat in stage.api.beats for applied in beat.applied]
    assert [(applied.command_id, applied.ranks) for applied in told] == [("cmd_1", 2)]  # and not again once it was answered


def test_damage_that_the_child_finds_is_reported_and_another_attempt_asked_for(start: Start) -> None:
    stage = start("refusing", resume_from=10)
    wait_until(lambda: stage.final() is not None, "the last report")
    final = stage.final()
    assert final is not None
    assert (final.state, final.retry, final.counts) == ("failed", True, False)
    assert final.reason == "the checkpoint of step 10 is damaged: model: expected 1, found 2"
    assert [(damage.checkpoint_id, damage.fence) for damage in stage.api.damages] == [("ckpt_before", 7)]


def test_a_copy_that_went_bad_here_is_not_the_checkpoints_damage(start: Start) -> None:
    stage = start("spoiling", resume_from=10)
    wait_until(lambda: stage.final() is not None, "the last report")
    final = stage.final()
    assert final is not None
    assert (final.state, final.retry, final.counts, stage.api.damages) == ("failed", True, True, [])


def test_damage_that_could_not_be_reported_counts(start: Start) -> None:
    stage = start("refusing", resume_from=10, refusals={"damaged": NotFound("an api that does not know the call")})
    wait_until(lambda: stage.final() is not None, "the last report")
    final = stage.final()
    assert final is not None
    assert (final.retry, final.counts, stage.api.damages) == (True, True, [])


def test_kill_ends_even_the_deaf_at_once(start: Start) -> None:
    stage = start("deaf")
    wait_until(lambda: under_way(stage), "training")
    stage.api.commands.append(CommandOrder(command_id="cmd_1", attempt_id=ATTEMPT, type="kill"))
    wait_until(lambda: processes_of(ATTEMPT) == [], "all processes are gone", 2)
    wait_until(lambda: stage.final() is not None, "the last report")
    assert (stage.api.states[-1].state, stage.api.states[-1].retry) == ("killed", False)


def test_a_cancelled_attempt_leaves_no_trace(start: Start) -> None:
    stage = start("deaf")
    wait_until(lambda: under_way(stage), "training")
    stage.api.claim_of.clear()
    stage.api.cancelled.append(ATTEMPT)
    wait_until(lambda: not stage.agent.attempts, "the attempt ends")
    assert stage.final() is None
    assert processes_of(ATTEMPT) == []
    wait_until(lambda: list(stage.host.attempts_folder.iterdir()) == [], "its folder goes")


def test_a_refused_commit_ends_the_attempt(start: Start) -> None:
    stage = start("steps")
    stage.api.stale = True
    wait_until(lambda: bool(stage.agent.attempts), "the attempt begins")
    wait_until(lambda: bool(stage.agent.ended), "the attempt ends")
    assert (stage.api.commits, stage.final()) == ([], None)


def test_a_higher_fence_in_redis_ends_the_attempt(start: Start) -> None:
    stage = start("endless")
    wait_until(lambda: under_way(stage), "training")
    other = Record(run_id="run_a", attempt=2, fence=8, producer="other", producer_seq=1, at=0, event=RunCreated(name="x", by="y"))
    stage.api.stale = True
    assert isinstance(bus.publish(stage.client, [other]), bus.Taken)
    wait_until(lambda: bool(stage.agent.ended), "the attempt ends", 5)
    assert stage.final() is None
    assert stage.records()[-1].fence == 8


def test_silence_of_the_api_stops_nothing(start: Start) -> None:
    stage = start("endless")
    wait_until(lambda: under_way(stage), "training")
    stage.api.down = True
    wait_until(lambda: stage.agent.failures >= 2, "heartbeats fail")
    count = len(steps(stage))
    wait_until(lambda: len(steps(stage)) > count + 10, "training goes on")
    stage.api.down = False
    wait_until(lambda: stage.agent.ready, "heartbeats are answered again")


def test_stopping_the_agent_saves_a_checkpoint_and_leaves_no_process(start: Start) -> None:
    stage = start("endless")
    wait_until(lambda: under_way(stage), "training")
    stage.agent.stop()
    wait_until(lambda: stage.final() is not None, "the last report")
    final = stage.final()
    assert final is not None
    assert (final.state, final.retry, final.counts, final.reason) == ("failed", True, False, "the worker is shutting down")
    assert stage.api.beats[-1].slots == []  # nothing more is to be placed here
    assert [commit.step for commit in stage.api.commits] == [final.progress.step]
    assert steps(stage)[-1] == final.progress.step


def test_what_does_not_end_within_the_grace_is_killed(start: Start) -> None:
    stage = start("deaf", grace=0.5)
    wait_until(lambda: under_way(stage), "training")
    stage.agent.stop()
    wait_until(lambda: stage.final() is not None, "the last report", 5)
    assert processes_of(ATTEMPT) == []


def test_a_hint_is_a_heartbeat_now(start: Start) -> None:
    stage = start("endless", heartbeat=600)
    wait_until(lambda: under_way(stage), "training")
    agent = stage.agent
    server = hints.serve(0, poke=agent.wake.set, ready=lambda: agent.ready, registry=agent.registry, join_secret="s3cret")
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        count = len(stage.api.beats)
        assert httpx.post(f"{url}/hints").status_code == 401
        assert httpx.post(f"{url}/hints", headers={"Authorization": "Bearer s3cret"}).status_code == 202
        wait_until(lambda: len(stage.api.beats) > count, "a heartbeat", 5)
        assert httpx.get(f"{url}/healthz").status_code == httpx.get(f"{url}/readyz").status_code == 200
        assert "groundup_agent_attempts 1.0" in httpx.get(f"{url}/metrics").text
        assert httpx.get(f"{url}/elsewhere").status_code == 404
        agent.ready = False
        assert httpx.get(f"{url}/readyz").status_code == 503
    finally:
        server.shutdown()
        server.server_close()


def test_the_child_gets_no_secret(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDUP_JOIN_SECRET", "secret")
    stage = start("endless")
    wait_until(lambda: under_way(stage), "training")
    environment = psutil.Process(pid_of(stage, 0)).environ()
    assert not {name for name in environment if "SECRET" in name or "REDIS" in name or "URL" in name}
    assert environment["CUDA_VISIBLE_DEVICES"] == ""
    assert Path(environment["PYTHONPATH"], "services").is_dir()
