"""Where things are on a machine that runs everything: folders, ports, addresses. `.env.example` documents the names."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from shared.settings import host_name

ROOT = Path(__file__).parent.parent


def port_setting(name: str) -> str:
    return f"GROUNDUP_{name.upper().replace('-', '_')}_PORT"


@dataclass(frozen=True)
class Layout:
    data_dir: Path
    host: str
    port: int
    public_url: str
    ports: Mapping[str, int]
    bucket: str
    worker: str
    allowed_hosts: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Layout":
        port = int(environ.get("GROUNDUP_PORT", "8080"))
        offsets = {"api": 1, "monitor": 2, "storage": 3, "redis": 4, "s3": 5, "agent": 6}
        offsets |= {f"monitor-{number}": 5 + number for number in range(2, int(environ.get("GROUNDUP_MONITOR_PROCESSES") or 1) + 1)}
        return cls(
            data_dir=Path(environ.get("GROUNDUP_DATA_DIR", "data")).resolve(),
            host=environ.get("GROUNDUP_HOST", "127.0.0.1"),
            port=port,
            public_url=environ.get("GROUNDUP_PUBLIC_URL", f"http://localhost:{port}"),
            ports={name: int(environ.get(port_setting(name), str(port + offset))) for name, offset in offsets.items()},
            bucket=environ.get("S3_BUCKET", "groundup"),
            worker=environ.get("GROUNDUP_WORKER_NAME", "local"),
            allowed_hosts=environ.get("GROUNDUP_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"),
        )

    @property
    def monitors(self) -> list[str]:
        """Processes that hold sockets; the first is `monitor`."""
        return [name for name in self.ports if name.split("-")[0] == "monitor"]

    @property
    def monitor_upstream(self) -> str:
        """nginx's group of several monitors: a new connection goes to the one with the fewest, and not to one that has just failed."""
        if len(self.monitors) == 1:
            return ""
        servers = " ".join(f"server 127.0.0.1:{self.ports[name]} max_fails=1 fail_timeout=2s;" for name in self.monitors)
        return f"upstream monitors {{ least_conn; {servers} }}"

    def url(self, name: str) -> str:
        """A service's own address, on loopback."""
        return f"http://127.0.0.1:{self.ports[name]}"

    @property
    def server_names(self) -> str:
        hosts = {host.strip().lower() for host in self.allowed_hosts.split(",") if host.strip()}
        return " ".join(sorted(hosts | {host_name(self.public_host)}))

    @property
    def listen(self) -> str:
        """What the gateway binds, in nginx's spelling."""
        return f"{self._bracketed}:{self.port}"

    @property
    def public_host(self) -> str:
        """Host and port of the public address."""
        return urlsplit(self.public_url).netloc

    @property
    def readiness(self) -> dict[str, str]:
        """What must answer before `up` is done."""
        services = {name: f"{self.url(name)}/readyz" for name in ("api", *self.monitors, "storage", "agent")}
        reachable = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(self._bracketed, self._bracketed)
        return {**services, "gateway": f"http://{reachable}:{self.port}/"}

    @property
    def _bracketed(self) -> str:
        return f"[{self.host}]" if ":" in self.host and not self.host.startswith("[") else self.host

    @property
    def run_dir(self) -> Path:
        return self.data_dir / "run"

    @property
    def logs(self) -> Path:
        return self.data_dir / "logs"

    @property
    def secrets(self) -> Path:
        return self.data_dir / "secrets"

    @property
    def admin_token(self) -> Path:
        return self.data_dir / "admin-token"

    @property
    def supervisor_config(self) -> Path:
        return self.run_dir / "supervisord.conf"

    @property
    def supervisor_pid(self) -> Path:
        return self.run_dir / "supervisord.pid"
