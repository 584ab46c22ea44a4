"""`python -m infra.embedded up | down | status | url | left`: every service on this machine, under supervisord."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil

from infra.layout import ROOT, Layout
from infra.services import configure
from infra.supervisor import stop_seconds
from services.trainer.children import MARK as ATTEMPT

MARK = "GROUNDUP_EMBEDDED_DATA_DIR"
"""In the environment of every process we start, so that `down` finds all of them."""


def up(layout: Layout) -> None:
    """Start what does not run. Safe to repeat; after an upgrade of the code, `down` first.

    Training that outlived supervisord goes on: the agent that is started now adopts it.
    """
    if supervisor_pid(layout) is None:
        end_leftovers(layout, but=trains)
        environment = {**os.environ, **configure(layout), MARK: str(layout.data_dir)}
        subprocess.run([sys.executable, "-m", "serving.migrate", "api", "monitor", "storage"], check=True, env=environment, cwd=ROOT)
        subprocess.run([_tool("supervisord"), "-c", str(layout.supervisor_config)], check=True, env=environment)
    wait(lambda: supervisor_pid(layout) is not None, "supervisord", layout)
    for name, address in layout.readiness.items():
        wait(lambda address=address: answers(address, layout.public_host), name, layout)  # type: ignore[misc]
    wait(layout.admin_token.exists, "api's first token", layout)
    print(f"Groundup is up: {layout.public_url}   data: {layout.data_dir}   logs: {layout.logs}", file=sys.stderr)


def answers(address: str, host: str) -> bool:
    try:
        return httpx.get(address, headers={"Host": host}, timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def wait(ready: Callable[[], bool], name: str, layout: Layout, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if ready():
            return
        time.sleep(0.1)
    control(layout, "status")
    sys.exit(f"{name} did not become ready; see {layout.logs}")


def down(layout: Layout) -> None:
    """Stop everything that `up` started, and everything that those started; the data stays."""
    if (pid := supervisor_pid(layout)) is not None:
        supervisor = psutil.Process(pid)
        control(layout, "shutdown")
        psutil.wait_procs([supervisor], timeout=2 * stop_seconds())
    end_leftovers(layout)


def trains(process: psutil.Process) -> bool:
    try:
        return ATTEMPT in process.environ()
    except psutil.Error:
        return False


def end_leftovers(layout: Layout, but: Callable[[psutil.Process], bool] = lambda _process: False) -> None:
    """Processes that outlived their supervisor would hold its ports and data."""
    left = [process for process in our_processes(layout) if not but(process)]
    for process in left:
        print(f"ending {process.pid} {process.name()}, which outlived its service", file=sys.stderr)
        process.kill()
    psutil.wait_procs(left, timeout=10)


def left(layout: Layout) -> None:
    """Fails if a process of ours runs."""
    if processes := our_processes(layout):
        sys.exit(f"processes are left: {processes}")


def status(layout: Layout) -> None:
    if supervisor_pid(layout) is None:
        left = len(our_processes(layout))
        outlived = f"supervisord does not run, {left} processes of its do; `./run up` starts all but the training anew"
        print(outlived if left else "nothing runs; `./run up` starts it")
        sys.exit(3)
    sys.exit(control(layout, "status"))


def url(layout: Layout) -> None:
    """The gateway's address, as this machine's people type it."""
    print(layout.public_url)


def control(layout: Layout, *arguments: str) -> int:
    return subprocess.run([_tool("supervisorctl"), "-c", str(layout.supervisor_config), *arguments], check=False).returncode


def supervisor_pid(layout: Layout) -> int | None:
    """Of our running supervisord, if there is one; a pid file left by a crash does not count."""
    try:
        pid = int(layout.supervisor_pid.read_text())
        mark = psutil.Process(pid).environ().get(MARK)
    except (FileNotFoundError, ValueError, psutil.Error):
        return None
    return pid if mark == str(layout.data_dir) else None


def our_processes(layout: Layout) -> list[psutil.Process]:
    marked = [process for process in psutil.process_iter() if process.pid != os.getpid() and _is_marked(process, layout)]
    return list({process.pid: process for process in (*marked, *gateway_processes(layout))}.values())


def _is_marked(process: psutil.Process, layout: Layout) -> bool:
    try:
        return process.environ().get(MARK) == str(layout.data_dir)
    except psutil.Error:
        return False  # somebody else's, or gone meanwhile


def gateway_processes(layout: Layout) -> list[psutil.Process]:
    """nginx writes its title over its environment, the mark included; its pid file tells."""
    try:
        master = psutil.Process(int((layout.run_dir / "nginx.pid").read_text()))
        return [master, *master.children()] if master.name() == "nginx" else []
    except (FileNotFoundError, ValueError, psutil.Error):
        return []


def _tool(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def main() -> None:
    targets = {"up": up, "down": down, "status": status, "url": url, "left": left}
    if len(sys.argv) != 2 or sys.argv[1] not in targets:
        sys.exit(f"usage: python -m infra.embedded {' | '.join(targets)}")
    targets[sys.argv[1]](Layout.read(os.environ))


if __name__ == "__main__":
    main()
