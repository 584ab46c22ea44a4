"""supervisord's configuration: every process of the embedded mode, in the order in which they start; they stop in the opposite one."""

import math
import os
import resource
import shlex
import shutil
import sys
import tempfile
import zlib
from pathlib import Path

from infra.layout import ROOT, Layout

WANTED_FILES = 65_536
"""Open files for sockets; the machine's own limit may be lower."""
STOP_SECONDS = 45
BEYOND_GRACE_SECONDS = 20
"""What the agent needs to end what did not save itself within the grace, and to tell of it."""


def supervisor_config(layout: Layout) -> str:
    socket = escaped(supervisor_socket(layout))
    logs = escaped(layout.logs)
    head = f"""[unix_http_server]
file={socket}
chmod=0700
[supervisord]
pidfile={escaped(layout.supervisor_pid)}
logfile={logs}/supervisord.log
childlogdir={logs}
directory={escaped(ROOT)}
umask=077
minfds={open_files()}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{socket}
"""
    programs = commands(layout)
    return head + "".join(_program(name, command, logs, order) for order, (name, command) in enumerate(programs.items()))


def commands(layout: Layout) -> dict[str, list[str]]:
    run = layout.run_dir
    gunicorn = [
        "gunicorn",
        "--workers",
        "1",
        "--graceful-timeout",
        "20",
        "--keep-alive",
        "10",
        "--no-control-socket",
        "--worker-tmp-dir",
        str(run),
        "--bind",
    ]
    threads = ["--worker-class", "gthread", "--threads", "16"]
    # Requests at once; open sockets do not count. Behind them thousands may wait for a moment, as they do after a restart.
    sockets = ["--worker-class", "services.monitor.socket_worker.SocketWorker", "--worker-connections", "256", "--backlog", "4096"]
    address = {name: f"127.0.0.1:{port}" for name, port in layout.ports.items()}
    return {
        "redis": ["redis-server", str(run / "redis.conf")],
        "s3": ["rclone", "serve", "s3", "--addr", address["s3"], "--log-level", "ERROR", str(layout.data_dir / "s3")],
        "gateway": ["nginx", "-p", str(run), "-c", str(run / "nginx.conf"), "-g", "daemon off;"],
        "api": [*gunicorn, address["api"], *threads, "services.api.wsgi:app"],
        "scheduler": ["python", "-m", "services.api.main_scheduler"],
        **{name: [*gunicorn, address[name], *sockets, "services.monitor.wsgi:app"] for name in layout.monitors},
        "monitor-ingester": ["python", "-m", "services.monitor.main_ingester"],
        "monitor-detectors": ["python", "-m", "services.monitor.main_detectors"],
        "storage": [*gunicorn, address["storage"], *threads, "--timeout", "120", "services.storage.wsgi:app"],
        "storage-worker": [*_celery("services.storage.worker", "storage"), "--concurrency", "1", "--beat"],
        "trainer-agent": ["python", "-m", "services.trainer.main_agent"],
        "trainer-worker": [*_celery("services.trainer.worker", f"worker.{layout.worker}"), "--concurrency", "2"],
        "generator": ["python", "-m", "services.trainer.main_generator"],
    }


def _celery(app: str, queue: str) -> list[str]:
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "warning", "--pool", "threads"]
    return ["celery", "--quiet", "--app", app, "worker", "--queues", queue, "--hostname", f"{queue}@%h", *quiet]


def _program(name: str, command: list[str], logs: str, order: int) -> str:
    folders = (str(Path(sys.executable).parent), os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin")
    found = shutil.which(command[0], path=":".join(folders))
    if found is None:
        raise FileNotFoundError(f"{command[0]} is not installed; `./run up` installs it")
    return f"""[program:{name}]
command={escaped(shlex.join([found, *command[1:]]))}
priority={order}
autorestart=true
startsecs=1
startretries=1000000
stopwaitsecs={stop_seconds()}
killasgroup=true
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""


def stop_seconds() -> int:
    """What a service gets to stop: more than the agent gives to training. A grace that is no number is refused by the agent itself."""
    try:
        grace = float(os.environ.get("GROUNDUP_GRACE_SECONDS") or 0)
    except ValueError:
        return STOP_SECONDS
    return max(STOP_SECONDS, math.ceil(grace) + BEYOND_GRACE_SECONDS) if math.isfinite(grace) else STOP_SECONDS


def supervisor_socket(layout: Layout) -> Path:
    """Under the data folder, or under the temporary folder where that path is too long for a socket (about 100 bytes)."""
    socket = layout.run_dir / "supervisor.sock"
    if len(str(socket)) < 90:
        return socket
    return Path(tempfile.gettempdir()) / f"groundup-{os.getuid()}-{zlib.crc32(str(layout.data_dir).encode()):08x}.sock"


def open_files() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)


def escaped(text: object) -> str:
    """supervisord fills in what follows a percent sign."""
    return str(text).replace("%", "%%")
