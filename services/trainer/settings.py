"""What the environment says about this worker, beside shared.settings."""

import math
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from shared.errors import EnvironmentFault
from shared.spec import NAME

SPOOL_BYTES: Final = 2 << 30
LEAST_SPOOL_BYTES: Final = 1 << 20
Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True)
class AgentSettings:
    """`slots`: how many CPU processes may train here at once. `grace_seconds`: what training gets to save itself when the agent stops.

    `hang_seconds`: silence that is always allowed (watchdog.py). `interruption_*`: where it is told that the host is about to go.
    `spool_bytes`: of events that one attempt may keep on this host, and of those that all attempts that are over may (archive.py).
    """

    name: str
    host: str
    slots: int
    device: Device
    port: int
    grace_seconds: float
    hang_seconds: float
    interruption_file: Path | None
    interruption_url: str
    folder: Path
    spool_bytes: int = SPOOL_BYTES

    @classmethod
    def read(cls, environ: Mapping[str, str], data_dir: Path) -> "AgentSettings":
        name = worker_name(environ)
        return cls(
            name=name,
            host=environ.get("GROUNDUP_WORKER_HOST") or socket.gethostname(),
            slots=_positive(environ, "GROUNDUP_SLOTS", os.cpu_count() or 1),
            device=_device(environ.get("GROUNDUP_DEVICE", "auto")),
            port=agent_port(environ),
            grace_seconds=grace_seconds(environ),
            hang_seconds=_seconds(environ, "GROUNDUP_HANG_SECONDS", 600),
            interruption_file=Path(file) if (file := environ.get("GROUNDUP_INTERRUPTION_FILE")) else None,
            interruption_url=_address(environ, "GROUNDUP_INTERRUPTION_URL"),
            folder=data_dir / "worker" / name,
            spool_bytes=_at_least(environ, "GROUNDUP_SPOOL_BYTES", SPOOL_BYTES, LEAST_SPOOL_BYTES),
        )


def worker_name(environ: Mapping[str, str]) -> str:
    """GROUNDUP_WORKER_NAME as it is, or the host's name made to fit. Raises EnvironmentFault for a name that does not fit."""
    if name := environ.get("GROUNDUP_WORKER_NAME"):
        if not re.fullmatch(NAME, name):
            raise EnvironmentFault(
                f"GROUNDUP_WORKER_NAME: '{name}' is not a worker's name", remedy="use lower-case letters, digits, '.', '_', '-'; at most 63"
            )
        return name
    return re.sub(r"[^a-z0-9._-]", "-", socket.gethostname().lower()).lstrip("._-")[:63] or "worker"


def agent_port(environ: Mapping[str, str]) -> int:
    return _positive(environ, "GROUNDUP_AGENT_PORT", 8086)


def grace_seconds(environ: Mapping[str, str]) -> float:
    return _seconds(environ, "GROUNDUP_GRACE_SECONDS", 25)


def _positive(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name) or str(default)
    if not value.isdigit() or int(value) < 1:
        raise EnvironmentFault(f"{name}: '{value}' is not a whole number above 0", remedy=f"unset {name} for the default, {default}")
    return int(value)


def _at_least(environ: Mapping[str, str], name: str, default: int, least: int) -> int:
    if (value := _positive(environ, name, default)) < least:
        raise EnvironmentFault(f"{name}: {value} is too little", remedy=f"give at least {least}, or unset it for the default, {default}")
    return value


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise EnvironmentFault(f"{name}: '{text}' is not a number of seconds above 0", remedy=f"unset {name} for the default, {default}")
    return value


def _address(environ: Mapping[str, str], name: str) -> str:
    url = environ.get(name, "")
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if url and not (parts.scheme in {"http", "https"} and parts.hostname):
        raise EnvironmentFault(f"{name}: '{url}' is not an address", remedy="it begins with http:// or https://")
    return url


def _device(value: str) -> Device:
    for device in ("auto", "cpu", "cuda"):
        if value == device:
            return device
    raise EnvironmentFault(f"GROUNDUP_DEVICE: '{value}' is none of auto, cpu, cuda", remedy="unset it to let the agent look for GPUs")
