"""Processes that are really killed: the run goes on by itself, and its history has every step once."""

import signal

import pytest
from groundup import Client

from tests.e2e.runs import spec, wait_for_history
from tests.e2e.stack import Stack
from tests.servers import wait_until

STEPS = 600
SERVICES = (
    *("services.api.wsgi", "main_scheduler", "services.monitor.wsgi", "main_ingester", "main_detectors"),
    *("services.storage.wsgi", "rclone", "nginx"),
)


@pytest.mark.timeout(600)
def test_redis_and_the_training_are_killed_and_the_run_succeeds(stack: Stack, client: Client, dataset: str, tokenizer: str) -> None:
    plan = spec("killed", dataset, tokenizer, steps=STEPS, batch_size=32, checkpoint={"every": 50}, evaluate={"every": 50, "batches": 2})
    run = client.runs.submit(plan)
    wait_until(lambda: client.runs.get(run.id).progress.step >= 20, "the first steps", 90)
    stack.kill("redis-server")
    wait_until(lambda: client.checkpoints.newest(run.id) is not None, "the first checkpoint", 90)
    stack.kill("main_child", "/attempts/")
    finished = client.runs.wait(run.id, timeout=300)
    assert finished.succeeded, finished
    assert len(finished.attempts) == 2
    assert (finished.attempts[1].resume_step or 0) >= 50
    wait_for_history(client, run.id, STEPS)
    died = [event.event for event in client.history.events(run.id) if event.event["type"] == "ProcessDied"]
    assert len(died) == 1
    assert died[0]["after_seconds"] <= 5


@pytest.mark.timeout(600)
def test_killed_services_cost_no_step(stack: Stack, client: Client, dataset: str, tokenizer: str) -> None:
    """The run is long enough for any machine; it is stopped when all services have been killed."""
    run = client.runs.submit(spec("undisturbed", dataset, tokenizer, steps=100_000, batch_size=64, checkpoint={"every": 100_000}))
    wait_until(lambda: client.runs.get(run.id).progress.step >= 20, "the first steps", 90)
    for service in SERVICES:
        stack.kill(service)
        before = client.runs.get(run.id).progress.step
        wait_until(lambda before=before: client.runs.get(run.id).progress.step > before + 10, f"steps after the end of {service}", 60)  # type: ignore[misc]
    client.runs.stop(run.id)
    finished = client.runs.wait(run.id, timeout=120)
    assert finished.state == "stopped", finished
    assert len(finished.attempts) == 1
    wait_for_history(client, run.id, finished.progress.step)


@pytest.mark.timeout(600)
def test_the_training_outlives_its_agent_and_the_next_one_adopts_it(stack: Stack, client: Client, dataset: str, tokenizer: str) -> None:
    """It is stopped when two agents have adopted it, long before its end on any machine."""
    run = client.runs.submit(spec("adopted", dataset, tokenizer, steps=5000, batch_size=32, checkpoint={"every": 100}))
    wait_until(lambda: client.checkpoints.newest(run.id) is not None, "the first checkpoint", 90)
    before = training_processes(stack)
    stack.kill("main_agent")
    wait_until(lambda: adoptions(client, run.id) == 1, "the next agent adopts it", 60)
    assert training_processes(stack) == before
    stack.oldest("main_agent").send_signal(signal.SIGUSR1)  # and once more on purpose
    wait_until(lambda: adoptions(client, run.id) == 2, "it is handed over", 60)
    assert training_processes(stack) == before
    client.runs.stop(run.id)
    finished = client.runs.wait(run.id, timeout=120)
    assert finished.state == "stopped", finished
    assert len(finished.attempts) == 1
    wait_for_history(client, run.id, finished.progress.step)
    lines = [line for event in client.history.events(run.id) if event.event["type"] == "LogWritten" for line in event.event["lines"]]
    assert len(lines) == len(set(lines)), "no line of the log is told twice"


def training_processes(stack: Stack) -> set[int]:
    return {process.pid for process in stack.processes() if "services.trainer.main_child" in " ".join(process.cmdline())}


def adoptions(client: Client, run_id: str) -> int:
    return sum(event.event["type"] == "ProcessAdopted" for event in client.history.events(run_id))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("supervised", [True, False], ids=["down", "supervisord killed, then down"])
def test_stopping_everything_keeps_everything(stack: Stack, dataset: str, supervised: bool) -> None:
    with stack.client() as client:
        run = client.runs.submit(
            spec(f"interrupted-{supervised}".lower(), dataset, "byte", steps=400, batch_size=32, checkpoint={"every": 100})
        )
        wait_until(lambda: client.runs.get(run.id).progress.step >= 10, "the first steps", 90)
        before = {other.id for other in client.runs.list()}
        assert client.runs.get(run.id).state == "running"
    if not supervised:
        stack.kill("supervisord")
    stack.launch("down")
    assert not stack.processes()
    stack.launch("up")
    with stack.client() as client:
        assert {other.id for other in client.runs.list()} == before
        assert client.runs.wait(run.id, timeout=300).succeeded
        wait_for_history(client, run.id, 400)
