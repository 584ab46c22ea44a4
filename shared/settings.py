"""What the environment says. Read once, in an entry point; `.env.example` documents every name."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from shared.errors import EnvironmentFault


@dataclass(frozen=True)
class Settings:
    """Addresses are of the services' own ports, behind the gateway; `public_url` is the gateway's, as people type it.

    `metrics_token`: what opens /metrics to other machines than this one; nothing does where it is empty.
    """

    data_dir: Path
    public_url: str
    allowed_hosts: frozenset[str]
    api_url: str
    monitor_url: str
    storage_url: str
    redis_url: str
    gateway_secret: str
    join_secret: str
    lease_seconds: float
    heartbeat_seconds: float
    metrics_token: str = ""

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Settings":
        public_url = environ.get("GROUNDUP_PUBLIC_URL", f"http://localhost:{environ.get('GROUNDUP_PORT', '8080')}")
        hosts = environ.get("GROUNDUP_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
        return cls(
            data_dir=data_dir(environ),
            public_url=public_url,
            allowed_hosts=frozenset({host.strip().lower() for host in hosts if host.strip()} | {host_name(urlsplit(public_url).netloc)}),
            api_url=environ.get("GROUNDUP_API_URL", "http://127.0.0.1:8081"),
            monitor_url=environ.get("GROUNDUP_MONITOR_URL", "http://127.0.0.1:8082"),
            storage_url=environ.get("GROUNDUP_STORAGE_URL", "http://127.0.0.1:8083"),
            redis_url=environ.get("GROUNDUP_REDIS_URL", "redis://127.0.0.1:8084/0"),
            gateway_secret=secret(environ, "GROUNDUP_GATEWAY_SECRET"),
            join_secret=secret(environ, "GROUNDUP_JOIN_SECRET"),
            lease_seconds=float(environ.get("GROUNDUP_LEASE_SECONDS", "60")),
            heartbeat_seconds=float(environ.get("GROUNDUP_HEARTBEAT_SECONDS", "15")),
            metrics_token=environ.get("GROUNDUP_METRICS_TOKEN", "").strip(),
        )


def data_dir(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("GROUNDUP_DATA_DIR", "data")).resolve()


def secret(environ: Mapping[str, str], name: str) -> str:
    """A secret from NAME, or from the file that NAME_FILE points to. There is no default, and an empty one would let everybody in."""
    if value := environ.get(name, "").strip():
        return value
    if file := environ.get(f"{name}_FILE"):
        if value := Path(file).read_text().strip():
            return value
        raise EnvironmentFault(f"the file {file} of {name} is empty", remedy="write the secret into it")
    raise EnvironmentFault(f"{name} is not set", remedy=f"set {name} or {name}_FILE; `./run up` generates it at the first start")


def host_name(host: str) -> str:
    """A Host header or netloc without its port, in lower case; brackets of IPv6 stay."""
    host = host.lower()
    return host[: host.rfind("]") + 1] if host.startswith("[") else host.split(":")[0]
