"""The configuration files of the embedded mode: secrets, redis.conf, nginx.conf, supervisord.conf, all under the data folder."""

import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psutil

from infra.layout import ROOT, Layout
from infra.supervisor import supervisor_config
from shared.errors import EnvironmentFault

REDIS_SHARE: Final = 4
MOST_REDIS_BYTES: Final = 4 << 30
"""Redis may take a quarter of the machine's memory, and at most that; full, it refuses events, which wait with their producers."""


def configure(layout: Layout) -> dict[str, str]:
    """Write every file; returns the environment of the services."""
    for folder in (layout.run_dir, layout.logs, layout.secrets, layout.data_dir / "redis", layout.data_dir / "s3" / layout.bucket):
        folder.mkdir(parents=True, exist_ok=True)
    layout.data_dir.chmod(0o700)  # text, checkpoints and logs are nobody else's on this machine
    environment = service_environment(layout)
    write_private(layout.run_dir / "redis.conf", redis_config(layout))
    write_private(layout.run_dir / "nginx.conf", nginx_config(layout, environment))
    write_private(layout.supervisor_config, supervisor_config(layout))
    return environment


def service_environment(layout: Layout) -> dict[str, str]:
    redis_password = generated_secret(layout, "redis")
    access_key = os.environ.get("AWS_ACCESS_KEY_ID", generated_secret(layout, "s3-access-key"))
    secret_key = os.environ.get("AWS_SECRET_ACCESS_KEY", generated_secret(layout, "s3-secret-key"))
    return {
        "GROUNDUP_DATA_DIR": str(layout.data_dir),
        "GROUNDUP_PUBLIC_URL": layout.public_url,
        "GROUNDUP_ALLOWED_HOSTS": layout.allowed_hosts,
        "GROUNDUP_API_URL": layout.url("api"),
        "GROUNDUP_MONITOR_URL": layout.url("monitor"),
        "GROUNDUP_STORAGE_URL": layout.url("storage"),
        "GROUNDUP_REDIS_URL": os.environ.get("GROUNDUP_REDIS_URL", f"redis://:{redis_password}@127.0.0.1:{layout.ports['redis']}/0"),
        "GROUNDUP_GATEWAY_SECRET": generated_secret(layout, "gateway"),
        "GROUNDUP_JOIN_SECRET": generated_secret(layout, "join"),
        "GROUNDUP_WORKER_NAME": layout.worker,
        "GROUNDUP_AGENT_PORT": str(layout.ports["agent"]),
        "S3_ENDPOINT_URL": os.environ.get("S3_ENDPOINT_URL", layout.url("s3")),
        "S3_BUCKET": layout.bucket,
        "GROUNDUP_S3_DATA_DIR": str(layout.data_dir / "s3"),
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        # Not on rclone's command line, where everybody could read it; the quotes are its syntax for a value with a comma.
        "RCLONE_AUTH_KEY": f'"{access_key},{secret_key}"',
        "RCLONE_CONFIG": "/dev/null",
        "PYTHONUNBUFFERED": "1",
        # Nothing on loopback goes through a proxy.
        "NO_PROXY": without_proxy(),
        "no_proxy": without_proxy(),
    }


def without_proxy() -> str:
    given = os.environ.get("NO_PROXY") or os.environ.get("no_proxy")
    return ",".join(filter(None, [given, "localhost", "127.0.0.1", "::1"]))


def generated_secret(layout: Layout, name: str) -> str:
    """Made at the first start, kept ever after."""
    file = layout.secrets / name
    if not file.exists():
        write_private(file, secrets.token_hex(32))
    return file.read_text()


def write_private(file: Path, text: str) -> None:
    """Readable by us alone from its first byte."""
    file.unlink(missing_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:  # noqa: PTH123  (a Path cannot set the mode)
        out.write(text)


def redis_config(layout: Layout) -> str:
    lines = {
        "bind": "127.0.0.1",
        "port": str(layout.ports["redis"]),
        "requirepass": generated_secret(layout, "redis"),
        "dir": f'"{layout.data_dir / "redis"}"',
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory": redis_memory(os.environ, psutil.virtual_memory().total),
        "maxmemory-policy": "noeviction",
        "save": '""',
        "loglevel": "warning",
        # A new title would overwrite the environment by which `down` finds its processes.
        "set-proc-title": "no",
    }
    return "".join(f"{key} {value}\n" for key, value in lines.items())


def redis_memory(environ: Mapping[str, str], total: int) -> str:
    """In Redis' spelling. total: the machine's memory in bytes. Raises EnvironmentFault."""
    given = environ.get("GROUNDUP_REDIS_MEMORY", "")
    if not given:
        return str(min(total // REDIS_SHARE, MOST_REDIS_BYTES))
    if not re.fullmatch(r"[1-9]\d*(kb|mb|gb)?", given):
        raise EnvironmentFault(f"GROUNDUP_REDIS_MEMORY: '{given}' is no size", remedy="say it as 512mb or 2gb, or unset it")
    return given


def nginx_config(layout: Layout, environment: Mapping[str, str]) -> str:
    values = {
        **environment,
        "GROUNDUP_RUN_DIR": str(layout.run_dir),
        # The master started by root would run its workers as `nobody`, who may not read this folder.
        "GROUNDUP_NGINX_USER": "user root;" if os.geteuid() == 0 else "",
        "GROUNDUP_LISTEN": layout.listen,
        "GROUNDUP_SERVER_NAMES": layout.server_names,
        "GROUNDUP_RESOLVER": "",
        "GROUNDUP_MONITOR_UPSTREAM": layout.monitor_upstream,
        "GROUNDUP_MONITOR_URL": "http://monitors" if layout.monitor_upstream else environment["GROUNDUP_MONITOR_URL"],
        "GROUNDUP_S3_BUCKET": layout.bucket,
        "GROUNDUP_S3_URL": environment["S3_ENDPOINT_URL"],
        "GROUNDUP_S3_ORIGINS": " ".join(
            sorted({origin(environment["S3_ENDPOINT_URL"]), origin(os.environ.get("S3_PUBLIC_URL", ""))} - {""})
        ),
        "GROUNDUP_WEB_ROOT": str(ROOT / "frontend" / "dist"),
    }
    template = (ROOT / "infra" / "gateway" / "nginx.conf.template").read_text()
    return re.sub(r"\$\{(GROUNDUP_\w+)\}", lambda match: values[match[1]], template)


def origin(url: str) -> str:
    """Scheme, host and port of an address; empty for an empty one."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
