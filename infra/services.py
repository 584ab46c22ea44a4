"""The configuration files of the embedded mode: secrets, redis.conf, nginx.conf, supervisord.conf, all under the data folder."""

import os
import re
import secrets
import shutil
import sys
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from infra.layout import Layout

_HERE = Path(__file__).parent
_GUNICORN = "gunicorn --workers 1 --graceful-timeout 20 --no-control-socket --worker-tmp-dir {run}"
_CELERY = "celery --quiet --app {app} worker --queues {queue} --hostname {name}@%%h --without-gossip --without-mingle --loglevel warning"


def configure(layout: Layout) -> dict[str, str]:
    """Write every file; returns the environment of the services."""
    for folder in (layout.run_dir, layout.logs, layout.secrets, layout.data_dir / "redis", layout.data_dir / "s3" / layout.bucket):
        folder.mkdir(parents=True, exist_ok=True)
    for folder in (layout.run_dir, layout.secrets):
        folder.chmod(0o700)
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
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        # Not on rclone's command line, where everybody could read it; the quotes are its syntax for a value with a comma.
        "RCLONE_AUTH_KEY": f'"{access_key},{secret_key}"',
        "RCLONE_CONFIG": "/dev/null",
        "PYTHONUNBUFFERED": "1",
    }


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
        "maxmemory-policy": "noeviction",
        "save": '""',
        "loglevel": "warning",
        # A new title would overwrite the environment by which `down` finds its processes.
        "set-proc-title": "no",
    }
    return "".join(f"{key} {value}\n" for key, value in lines.items())


def nginx_config(layout: Layout, environment: Mapping[str, str]) -> str:
    frontend = _HERE.parent / "frontend" / "dist"
    values = {
        **environment,
        "GROUNDUP_RUN_DIR": str(layout.run_dir),
        # The master started by root would run its workers as `nobody`, who may not read this folder.
        "GROUNDUP_NGINX_USER": "user root;" if os.geteuid() == 0 else "",
        "GROUNDUP_LISTEN": f"{layout.host}:{layout.port}",
        "GROUNDUP_SERVER_NAMES": layout.server_names,
        "GROUNDUP_RESOLVER": "",
        "GROUNDUP_S3_BUCKET": layout.bucket,
        "GROUNDUP_S3_URL": environment["S3_ENDPOINT_URL"],
        "GROUNDUP_WEB_ROOT": str(frontend if frontend.exists() else _HERE / "gateway"),
    }
    template = (_HERE / "gateway" / "nginx.conf.template").read_text()
    return re.sub(r"\$\{(GROUNDUP_\w+)\}", lambda match: values[match[1]], template)


def supervisor_config(layout: Layout) -> str:
    socket = supervisor_socket(layout)
    head = f"""[unix_http_server]
file={socket}
chmod=0700
[supervisord]
pidfile={layout.supervisor_pid}
logfile={layout.logs}/supervisord.log
childlogdir={layout.logs}
directory={_HERE.parent}
minfds=1024
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{socket}
"""
    programs = commands(layout)
    return head + "".join(_program(name, command, layout, order) for order, (name, command) in enumerate(programs.items()))


def supervisor_socket(layout: Layout) -> Path:
    """Under the data folder, or under the temporary folder where that path is too long for a socket (about 100 bytes)."""
    socket = layout.run_dir / "supervisor.sock"
    if len(str(socket)) < 90:
        return socket
    return Path(tempfile.gettempdir()) / f"groundup-{os.getuid()}-{zlib.crc32(str(layout.data_dir).encode()):08x}.sock"


def commands(layout: Layout) -> dict[str, str]:
    gunicorn = _GUNICORN.format(run=layout.run_dir)
    listen = {name: f"--bind 127.0.0.1:{layout.ports[name]}" for name in ("api", "monitor", "storage")}
    storage_worker = _CELERY.format(app="services.storage.worker", queue="storage", name="storage")
    trainer_worker = _CELERY.format(app="services.trainer.worker", queue=f"worker.{layout.worker}", name=layout.worker)
    return {
        "redis": f"redis-server {layout.run_dir}/redis.conf",
        "s3": f"rclone serve s3 --addr 127.0.0.1:{layout.ports['s3']} --log-level ERROR {layout.data_dir}/s3",
        "gateway": f"nginx -p {layout.run_dir} -c {layout.run_dir}/nginx.conf -g 'daemon off;'",
        "api": f"{gunicorn} {listen['api']} --worker-class gthread --threads 16 services.api.wsgi:app",
        "scheduler": "python -m services.api.main_scheduler",
        "monitor": f"{gunicorn} {listen['monitor']} --worker-class gevent --worker-connections 10000 services.monitor.wsgi:app",
        "monitor-ingester": "python -m services.monitor.main_ingester",
        "storage": f"{gunicorn} {listen['storage']} --worker-class gthread --threads 16 --timeout 120 services.storage.wsgi:app",
        "storage-worker": f"{storage_worker} --pool threads --concurrency 1 --beat --schedule {layout.run_dir}/storage-beat",
        "trainer-agent": "python -m services.trainer.main_agent",
        "trainer-worker": f"{trainer_worker} --pool threads --concurrency 2",
        "generator": "python -m services.trainer.main_generator",
    }


def _program(name: str, command: str, layout: Layout, order: int) -> str:
    program, _, arguments = command.partition(" ")
    found = shutil.which(program, path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise FileNotFoundError(f"{program} is not installed; `./run up` installs it")
    return f"""[program:{name}]
command={found} {arguments}
priority={order}
autorestart=true
startsecs=1
startretries=1000000
stopwaitsecs=45
stopasgroup=false
killasgroup=true
redirect_stderr=true
stdout_logfile={layout.logs}/{name}.log
stdout_logfile_maxbytes=10MB
stdout_logfile_backups=2
"""
