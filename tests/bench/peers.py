"""Trackers from PyPI to compare with, in a virtual environment of their own (build/peers), which nothing of ours imports."""

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx

from tests.e2e.stack import ROOT
from tests.servers import free_port, process, wait_until

PACKAGES: Final = ("mlflow==3.17.2", "tensorboardX==2.6.4")
HOME: Final = ROOT / "build" / "peers"
INSTALL_SECONDS: Final = 1200
QUIET: Final = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet"}


class NoPeers(Exception):
    """They cannot be installed here. Says why."""


class Peers:
    """Their interpreter. Raises NoPeers."""

    def __init__(self) -> None:
        self.python = HOME / "bin" / "python"
        stamp = HOME / f"stamp-{hashlib.sha256(' '.join((*PACKAGES, sys.version)).encode()).hexdigest()[:16]}"
        if not stamp.exists():
            print(f"installing {', '.join(PACKAGES)} into build/peers", file=sys.stderr, flush=True)
            self._do([sys.executable, "-m", "venv", "--clear", str(HOME)])
            self._do([str(self.python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES])
            stamp.touch()

    def _do(self, command: list[str]) -> None:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        if done.returncode:
            raise NoPeers((done.stderr.strip() or "the installation failed").splitlines()[-1])

    def run(self, script: str, *arguments: object) -> dict[str, Any]:
        """What a script beside this one prints, as JSON."""
        command = [str(self.python), str(Path(__file__).parent / script), *map(str, arguments)]
        done = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{script}: {done.stderr[-2000:]}")
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return found

    @contextlib.contextmanager
    def mlflow(self, folder: Path) -> Iterator[str]:
        """MLflow's tracking server on SQLite; its address. One worker: of several, a busy machine makes their supervisor kill some."""
        port = free_port()
        where = ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--default-artifact-root", str(folder / "artefacts")]
        command = [str(self.python), "-m", "mlflow", "server", *where, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        url = f"http://127.0.0.1:{port}"
        with process(command, env=_environment(), cwd=folder, start_new_session=True) as server:
            try:
                wait_until(lambda: httpx.get(f"{url}/health", trust_env=False).is_success, "MLflow's server", 240)
                yield url
            finally:
                os.killpg(server.pid, signal.SIGKILL)  # its workers and job runners too


def _environment() -> dict[str, str]:
    """Ours without our packages, and without whatever stands between this machine's programs and its own addresses."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH" and not name.lower().endswith("_proxy")}
    return {**kept, **QUIET, "PATH": f"{HOME / 'bin'}{os.pathsep}{os.environ['PATH']}"}
