"""A Docker engine for the rehearsal: the one that answers, or one that is installed and started here for as long as it takes."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGES = ("docker.io", "docker-compose", "iptables", "debootstrap")


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def docker(*arguments: str, check: bool = True, quiet: bool = False, timeout: float = 1800) -> str:
    """Its standard output. On an error, what it said goes to our own standard error."""
    result = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=timeout, check=False)
    if result.returncode and check:
        if not quiet:
            say(f"docker {' '.join(arguments)}\n{result.stdout[-3000:]}{result.stderr[-3000:]}")
        raise subprocess.CalledProcessError(result.returncode, ["docker", *arguments])
    return result.stdout.strip()


def inspect(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(docker("inspect", name))[0]
    return found


@contextlib.contextmanager
def engine() -> Iterator[bool]:
    """`docker` works within the block. Whether the engine is our own, started for this."""
    if engine_answers():
        yield False
        return
    install()
    with started():
        yield True


def engine_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=False).returncode == 0


def install() -> None:
    if compose_command() and shutil.which("dockerd"):
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit("no Docker engine answers; start or install one:  sudo apt-get install --no-install-recommends " + " ".join(PACKAGES))
    say(f"no Docker engine answers: installing {' '.join(PACKAGES)}")
    with not_started_by_apt():
        for command in (["update"], ["install", "--no-install-recommends", *PACKAGES]):
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            subprocess.run(["apt-get", "-qy", *command], check=True, stdout=subprocess.DEVNULL, env=environment)


@contextlib.contextmanager
def not_started_by_apt() -> Iterator[None]:
    """Debian starts a server that it installs, unless this file says no."""
    policy = Path("/usr/sbin/policy-rc.d")
    if policy.exists():
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


@contextlib.contextmanager
def started() -> Iterator[None]:
    """An engine on a socket of its own; its images stay in /var/lib/groundup-docker for the next time."""
    if os.geteuid() != 0:
        sys.exit("no Docker engine answers, and only root can start one:  sudo systemctl start docker")
    with tempfile.TemporaryDirectory(prefix="groundup-docker-") as name:
        folder = Path(name)
        socket, log = f"unix://{folder}/docker.sock", folder / "dockerd.log"
        flags = ["--host", socket, "--data-root", "/var/lib/groundup-docker", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid"]
        with log.open("w") as output:
            process = subprocess.Popen(["dockerd", *flags], stdout=output, stderr=output)
        try:
            os.environ["DOCKER_HOST"] = socket
            wait_for(process, log)
            yield
        finally:
            process.terminate()
            process.wait(60)


def wait_for(process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while not engine_answers():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            sys.exit(f"the Docker engine does not start here:\n{log.read_text()[-2000:]}")
        time.sleep(0.5)


def compose_command() -> list[str]:
    """`docker compose`, or the older `docker-compose`; empty where there is neither."""
    if shutil.which("docker") and subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0:
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else []
