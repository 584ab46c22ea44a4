"""The stack of compose.yaml under a project name of its own, with images, volumes and a port of its own."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.compose.engine import compose_command, docker

ROOT = Path(__file__).parents[2]
HELPER = "python:3.11-slim-bookworm"


@dataclass(frozen=True)
class Container:
    id: str
    service: str
    state: str
    health: str
    started_at: str
    exit_code: int
    pid: int

    @property
    def well(self) -> bool:
        return self.health == "healthy" if self.state == "running" else self.state == "exited" and self.exit_code == 0 and self.once

    @property
    def once(self) -> bool:
        """One of those that do something and end."""
        return self.service == "init" or self.service.endswith("-migrate")


class Stack:
    """`folder` is for an empty settings file, so that the .env of this checkout plays no part."""

    def __init__(self, project: str, port: int, folder: Path) -> None:
        self.project, self.port, self.url = project, port, f"http://localhost:{port}"
        settings = folder / "settings.env"
        settings.touch()
        self.command = [*compose_command(), "--project-name", project, "--env-file", str(settings)]
        own = {"GROUNDUP_PORT": str(port), "GROUNDUP_IMAGES": "groundup-rehearsal", "GROUNDUP_SLOTS": "1"}
        quick = {"GROUNDUP_HEARTBEAT_SECONDS": "2", "GROUNDUP_LEASE_SECONDS": "20"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GROUNDUP_", "S3_", "AWS_"))}
        self.environment = {**kept, **own, **quick}
        if index := os.environ.get("GROUNDUP_TORCH_INDEX"):
            self.environment["GROUNDUP_TORCH_INDEX"] = index

    def compose(self, *arguments: str) -> str:
        """Its standard output; raises with what it said."""
        result = self._run(*arguments)
        if result.returncode:
            raise RuntimeError(f"{' '.join(result.args)} failed:\n{result.stdout[-4000:]}{result.stderr[-4000:]}")
        return result.stdout

    def refusal(self, *arguments: str) -> str:
        """What it says where it must not succeed."""
        result = self._run(*arguments)
        assert result.returncode, f"{' '.join(result.args)} did not fail"
        return result.stdout + result.stderr

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [*self.command, *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=1800, check=False)

    def images(self) -> dict[str, str]:
        """The services to build, one for each image: service -> image."""
        return {
            name: f"groundup-rehearsal-{name}" for name in ("init", "postgres", "s3", "gateway", "api", "monitor", "storage", "trainer")
        }

    def containers(self) -> list[Container]:
        ids = docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={self.project}").split()
        found = json.loads(docker("inspect", *ids)) if ids else []
        return sorted((_container(item) for item in found), key=lambda container: container.service)

    def running(self, service: str) -> list[Container]:
        return [container for container in self.containers() if container.service == service and container.state == "running"]

    def wait_well(self, seconds: float = 400) -> float:
        """Until every container is healthy or has done its work; returns the seconds."""
        return until(lambda: all(container.well for container in self.containers()), self.complaint, seconds)

    def complaint(self) -> str:
        bad = [container for container in self.containers() if not container.well]
        said = "\n".join(docker("logs", "--tail", "15", container.id, check=False) for container in bad)
        return f"{', '.join(f'{c.service} is {c.state} {c.health}' for c in bad)}\n{said}"

    def crash(self, container: Container, seconds: float = 300) -> float:
        """Kill its first process from outside, as a crash would (the engine takes `docker kill` for a wish to keep it down), and wait
        until it has come back and is healthy; returns the seconds."""
        docker("run", "--rm", "--pid", "host", "--network", "none", "--user", "0", HELPER, "sh", "-c", f"kill -9 {container.pid}")

        def back() -> bool:
            now = next(item for item in self.containers() if item.id == container.id)
            return now.started_at != container.started_at and now.well

        return until(back, self.complaint, seconds)

    def leftovers(self) -> list[str]:
        label = f"label=com.docker.compose.project={self.project}"
        return [name for kind in ("container", "volume", "network") for name in docker(kind, "ls", "--quiet", "--filter", label).split()]


def _container(item: dict[str, Any]) -> Container:
    state = item["State"]
    return Container(
        id=item["Id"],
        service=item["Config"]["Labels"]["com.docker.compose.service"],
        state=state["Status"],
        health=state.get("Health", {}).get("Status", ""),
        started_at=state["StartedAt"],
        exit_code=state["ExitCode"],
        pid=state["Pid"],
    )


def until(ready: Callable[[], bool], complaint: Callable[[], str], seconds: float) -> float:
    """Poll; returns the seconds it took. Raises TimeoutError with `complaint()`."""
    begin = time.monotonic()
    while not ready():
        if time.monotonic() - begin > seconds:
            raise TimeoutError(f"not within {seconds:g} s: {complaint()}")
        time.sleep(0.3)
    return time.monotonic() - begin
