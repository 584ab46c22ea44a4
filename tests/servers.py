"""Real servers for tests: Redis, PostgreSQL and an S3 endpoint, each on a free port with an empty store of its own.

Redis and PostgreSQL come as containers where a Docker engine answers, else from this machine's packages.
"""

import contextlib
import functools
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import psycopg
import redis

REDIS_IMAGE, POSTGRES_IMAGE = "redis:7.2-bookworm", "postgres:15-bookworm"
"""As in compose.yaml."""


@dataclass(frozen=True)
class S3Endpoint:
    url: str
    access_key: str
    secret_key: str
    folder: Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(ready: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Poll until `ready`; an exception counts as not yet."""
    last: Exception | None = None
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if ready():
                return
        except Exception as error:  # noqa: BLE001  (what is wrong is told when the time is up)
            last = error
        time.sleep(0.02)
    raise TimeoutError(f"{what}: not within {seconds} s") from last


@contextlib.contextmanager
def process(command: list[str], **options: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server for as long as the block lasts."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def docker_answers() -> bool:
    return not why_no_docker()


@functools.cache
def why_no_docker() -> str:
    """Why Redis and PostgreSQL do not come as containers; empty where they do."""
    if os.environ.get("GROUNDUP_TEST_DOCKER") == "0":
        return "GROUNDUP_TEST_DOCKER is 0"
    if shutil.which("docker") is None:
        return "there is no docker command"
    if not _docker("info", seconds=20):
        return "no Docker engine answers"
    missing = [image for image in (REDIS_IMAGE, POSTGRES_IMAGE) if not _docker("image", "inspect", image) and not _docker("pull", image)]
    return f"a Docker engine answers, but {' and '.join(missing)} cannot be pulled" if missing else ""


def _docker(*arguments: str, seconds: float = 300) -> bool:
    try:
        return subprocess.run(["docker", *arguments], capture_output=True, timeout=seconds, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


@contextlib.contextmanager
def redis_server(folder: Path, port: int | None = None) -> Iterator[str]:
    """A redis-server with the product's own settings; yields its URL."""
    port = port or free_port()
    flags = ["--bind", "127.0.0.1", "--appendonly", "yes", "--maxmemory-policy", "noeviction", "--save", ""]
    with process(["redis-server", "--port", str(port), "--dir", str(folder), *flags]):
        url = f"redis://127.0.0.1:{port}/0"
        with contextlib.closing(redis.Redis.from_url(url)) as client:
            wait_until(lambda: bool(client.ping()), "redis-server")
        yield url


@contextlib.contextmanager
def redis_container() -> Iterator[str]:
    from testcontainers.community.redis import RedisContainer

    with RedisContainer(REDIS_IMAGE) as container:
        yield f"redis://{container.get_container_host_ip()}:{container.get_exposed_port(6379)}/0"


@contextlib.contextmanager
def postgres_server(folder: Path) -> Iterator[str]:
    """A PostgreSQL cluster in `folder`; yields an SQLAlchemy URL. PostgreSQL refuses root, so as root it runs as `nobody`."""
    binaries = postgres_binaries()
    if binaries is None:
        raise FileNotFoundError("no PostgreSQL server on this machine; `./run test` installs it")
    port = free_port()
    as_user = {"user": "nobody", "group": "nogroup"} if os.geteuid() == 0 else {}
    cluster = folder / "cluster"
    cluster.mkdir(mode=0o700)
    if as_user:
        for parent in (cluster, *cluster.parents):
            if parent == Path("/tmp"):
                break
            parent.chmod(parent.stat().st_mode | 0o011)
        shutil.chown(cluster, "nobody", "nogroup")
    setup = [str(binaries / "initdb"), "-D", str(cluster), "-U", "groundup", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run(setup, check=True, capture_output=True, cwd="/", **as_user)  # type: ignore[call-overload]
    flags = ["-D", str(cluster), "-p", str(port), "-h", "127.0.0.1", "-k", str(cluster), "-c", "fsync=off"]
    with process([str(binaries / "postgres"), *flags], cwd="/", **as_user):
        wait_until(lambda: _postgres_answers(f"postgresql://groundup@127.0.0.1:{port}/postgres"), "postgres")
        yield f"postgresql+psycopg://groundup@127.0.0.1:{port}/postgres"


def _postgres_answers(url: str) -> bool:
    psycopg.connect(url).close()
    return True


@contextlib.contextmanager
def postgres_container() -> Iterator[str]:
    from testcontainers.community.postgres import PostgresContainer

    with PostgresContainer(POSTGRES_IMAGE, driver="psycopg") as container:
        yield str(container.get_connection_url())


def postgres_binaries() -> Path | None:
    """Debian keeps them off PATH, Homebrew does not."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if not found and (initdb := shutil.which("initdb")):
        found = [Path(initdb).resolve().parent]
    return found[0] if found else None


@contextlib.contextmanager
def s3_server(folder: Path, port: int | None = None) -> Iterator[S3Endpoint]:
    """`rclone serve s3` over a folder, with an empty bucket `groundup`."""
    port = port or free_port()
    (folder / "groundup").mkdir(exist_ok=True)
    rclone = str(Path(sys.executable).parent / "rclone")
    command = [rclone, "serve", "s3", "--addr", f"127.0.0.1:{port}", "--auth-key", "test,testsecret", "--config", "/dev/null", str(folder)]
    with process(command):
        endpoint = S3Endpoint(f"http://127.0.0.1:{port}", "test", "testsecret", folder)
        client = boto3.client(
            "s3", endpoint_url=endpoint.url, aws_access_key_id="test", aws_secret_access_key="testsecret", region_name="x"
        )
        wait_until(lambda: bool(client.list_buckets()["Buckets"]), "rclone serve s3")
        client.close()
        yield endpoint
