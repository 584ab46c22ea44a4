"""`./run compose-test`: the images, the stack, work on it, every container killed once, a restart; then the tests on containers.

Ends with a line of figures; exits with 1 where a stated property does not hold.
"""

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from groundup.client import Client
from groundup.problems import ClientError

from tests.compose import work
from tests.compose.engine import docker, engine, say
from tests.compose.stack import ROOT, Stack
from tests.compose.standins import BASES, provide_bases, remove_standins
from tests.servers import free_port

LONG_STEPS = 1_000_000
CONTROL_PLANE = {
    "gateway",
    "api",
    "scheduler",
    "monitor",
    "monitor-ingester",
    "monitor-detectors",
    "storage",
    "storage-worker",
    "redis",
    "postgres",
    "s3",
}


def main() -> int:
    begin, figures = time.monotonic(), []
    with engine() as ours, tempfile.TemporaryDirectory(prefix="groundup-rehearsal-") as name, contextlib.ExitStack() as tidying:
        if not ours:
            tidying.callback(remove_standins)
        standins = provide_bases()
        if standins:
            say(f"STAND-INS, made here because no registry answers: {', '.join(standins)}")
        stack = Stack(f"groundup-rehearsal-{os.getpid()}", free_port(), Path(name))
        figures.append(build(stack))
        with torn_down(stack):
            figures.append(complaints(stack))
            figures += rehearse(stack, Path(name))
        passed, outcome = tests_on_containers()
        figures.append(outcome)
    left_out = "not here: GPU" + (", the official base images" if standins else "")
    say(f"compose-test: {'; '.join(figures)}; {time.monotonic() - begin:.0f} s in all ({left_out})")
    return 0 if passed else 1


def rehearse(stack: Stack, folder: Path) -> list[str]:
    begin = time.monotonic()
    stack.compose("up", "--detach", "--no-build")
    stack.wait_well()
    up = f"up in {time.monotonic() - begin:.0f} s"
    token = stack.compose("exec", "-T", "api", "cat", "/data/admin-token").strip()
    with Client(stack.url, token) as client:
        first = first_run(client, folder)
        idle = idle_memory(stack)
        three_at_once(stack, client)
        crashed = crash_each(stack, client)
        restarted = restart(stack, client, first)
    return [up, idle, "three runs at once on three workers", crashed, restarted]


def build(stack: Stack) -> str:
    sizes = []
    for service, image in stack.images().items():
        begin = time.monotonic()
        stack.compose("build", service)
        megabytes = (size(image) - size(base_of(service))) / 1e6
        say(f"built {image} in {time.monotonic() - begin:.0f} s: {megabytes:.0f} MB on top of its base")
        sizes.append(f"{service} {megabytes:.0f}")
    return f"images in MB on top of their bases: {', '.join(sizes)}"


def base_of(service: str) -> str:
    kind = {"gateway": "nginx", "postgres": "postgres"}.get(service, "python")
    return next(image for image, name in BASES.items() if name == kind)


def size(image: str) -> int:
    return int(docker("image", "inspect", "--format", "{{.Size}}", image))


def complaints(stack: Stack) -> str:
    """What cannot work is refused with the words that docs/compose.md explains, and nothing of it stays behind."""
    with socket.create_server(("127.0.0.1", stack.port)):
        refused(stack, ("address already in use", "port is already allocated"), "up", "--detach", "--no-build", "--no-deps", "gateway")
    told = "a taken port and a missing GPU driver told"
    if "nvidia" in docker("info", "--format", "{{json .Runtimes}}"):
        told = "a taken port told; a missing GPU driver not tried, as there is one"
    else:
        docker("tag", stack.images()["trainer"], f"{stack.images()['trainer']}-gpu")  # it is refused before the image matters
        refused(stack, ("could not select device driver",), "--profile", "gpu", "up", "--detach", "--no-build", "--no-deps", "trainer-gpu")
    stack.compose("down", "--volumes", "--remove-orphans")
    return told


def refused(stack: Stack, words: tuple[str, ...], *arguments: str) -> None:
    explained = (ROOT / "docs" / "compose.md").read_text()
    assert all(word in explained for word in words), f"docs/compose.md does not explain {words}"
    said = stack.refusal(*arguments)
    told = [word for word in words if word in said]
    assert told, f"expected one of {words}: {said}"
    say(f"refused as documented: {told[0]}")


@contextlib.contextmanager
def torn_down(stack: Stack) -> Iterator[None]:
    try:
        yield
    except BaseException:
        say(stack.compose("logs", "--no-color", "--tail", "40")[-20000:])
        raise
    finally:
        stack.compose("down", "--volumes", "--remove-orphans")
    left = stack.leftovers()
    assert not left, f"left behind: {left}"
    say("torn down; nothing is left")


def first_run(client: Client, folder: Path) -> str:
    work.push_text(client, folder)
    run = work.succeed(client, work.submit(client, "first", 40))
    last, wrong = work.steps_of_history(client, run.id)
    assert (last, wrong) == (40, 0), f"40 steps, but the history has {last} with {wrong} missing or doubled"
    speak(client, run.id)
    say("text pushed, 40 steps trained, a sample generated")
    return run.id


def speak(client: Client, run_id: str) -> None:
    outputs = client.generator.generate(run_id, ["the "]).outputs
    assert any(output.tokens for output in outputs), "no token came back"


def idle_memory(stack: Stack) -> str:
    services = {container.id: container.service for container in stack.containers() if container.state == "running"}
    lines = docker("stats", "--no-stream", "--no-trunc", "--format", "{{.ID}} {{.MemUsage}}", *services).splitlines()
    used = {services[line.split()[0]]: mebibytes(line.split()[1]) for line in lines}
    say("idle memory in MiB: " + ", ".join(f"{name} {value:.0f}" for name, value in sorted(used.items())))
    return f"control plane idle in {sum(value for name, value in used.items() if name in CONTROL_PLANE):.0f} MiB"


def mebibytes(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(B|KiB|MiB|GiB)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"B": 2**-20, "KiB": 2**-10, "MiB": 1, "GiB": 2**10}[unit]


def three_at_once(stack: Stack, client: Client) -> None:
    stack.compose("up", "--detach", "--no-build", "--scale", "trainer=3")
    stack.wait_well()
    work.wait_workers(client, {"trainer-1", "trainer-2", "trainer-3"})
    runs = [work.submit(client, f"beside-{number}", 50_000) for number in range(3)]
    work.wait_running(client, runs)
    workers = {attempt.worker for run_id in runs for attempt in client.runs.get(run_id).attempts}
    assert len(workers) == 3, f"three runs with one process each are on {workers}"
    for run_id in runs:
        client.runs.stop(run_id)
    for run_id in runs:
        assert client.runs.wait(run_id, timeout=work.PATIENCE).state == "stopped"
    say("three trainers, three runs at once, one on each")


def crash_each(stack: Stack, client: Client) -> str:
    run_id = work.submit(client, "through-it-all", LONG_STEPS)
    work.wait_running(client, [run_id])
    containers = [container for container in stack.containers() if not container.once]
    trainers = [container for container in containers if container.service == "trainer"]
    others = [container for container in containers if container.service != "trainer"]
    slowest = max(crash(stack, client, container.service, run_id) for container in others)
    attempts = len(client.runs.get(run_id).attempts)
    assert attempts == 1, f"a crash outside the trainer cost {attempts - 1} new attempts"
    for number, _ in enumerate(trainers):
        crash(stack, client, "trainer", run_id, number)
    work.wait_workers(client, {"trainer-1", "trainer-2", "trainer-3"})
    client.runs.stop(run_id)
    assert client.runs.wait(run_id, timeout=work.PATIENCE).state == "stopped"
    attempts, (last, wrong) = len(client.runs.get(run_id).attempts), work.steps_of_history(client, run_id)
    assert attempts > 1, "no trainer was hit"
    assert wrong == 0, f"{wrong} of {last} steps are missing or doubled"
    return f"{len(containers)} containers killed, back within {slowest:.0f} s, {last} steps in {attempts} attempts, 0 lost or doubled"


def crash(stack: Stack, client: Client, service: str, run_id: str, number: int = 0) -> float:
    seconds = stack.crash(stack.running(service)[number])
    waited = work.wait_steps(client, run_id)
    say(f"killed {service}: healthy again after {seconds:.1f} s, the run seen going on {waited:.1f} s later")
    return seconds


def restart(stack: Stack, client: Client, run_id: str) -> str:
    stack.compose("down")
    begin = time.monotonic()
    stack.compose("up", "--detach", "--no-build")
    stack.wait_well()
    seconds = time.monotonic() - begin
    assert client.runs.get(run_id).state == "succeeded", "the run is gone"
    assert work.steps_of_history(client, run_id) == (40, 0), "its history is not what it was"
    assert client.datasets.get(work.DATASET, 1).files == 1, "the dataset is gone"
    speak(client, run_id)
    work.succeed(client, work.submit(client, "after", 20))
    say("down and up again: runs, history, data and checkpoints are there")
    return f"up again in {seconds:.0f} s with everything"


def tests_on_containers() -> tuple[bool, str]:
    """The tests that use Redis and PostgreSQL, on containers of this engine."""
    command = [sys.executable, "-m", "pytest", "tests/serving", "tests/monitor", "tests/api", "tests/storage"]
    environment = {**os.environ, "TESTCONTAINERS_RYUK_DISABLED": "true"}  # its image may not be had here
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800, check=False)
    output = result.stdout + result.stderr
    passed = result.returncode == 0 and "Redis and PostgreSQL: containers" in output
    if not passed:
        say(output[-6000:])
    return passed, f"tests on containers: {output.strip().splitlines()[-1].strip('= ')}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (AssertionError, TimeoutError, RuntimeError, ClientError) as error:
        sys.exit(f"compose-test: {error}")
