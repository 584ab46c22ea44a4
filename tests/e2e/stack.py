"""The whole of Groundup on this machine, as `./run up` starts it, on ports and a data folder of its own."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from groundup import Client

from infra.embedded import MARK

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Stack:
    url: str
    data_dir: Path
    environment: dict[str, str]

    def launch(self, target: str) -> None:
        command = [sys.executable, "-m", "infra.embedded", target]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr + done.stdout

    def client(self) -> Client:
        return Client(self.url, (self.data_dir / "admin-token").read_text().strip())

    def processes(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get(MARK) == str(self.data_dir) or str(self.data_dir) in " ".join(process.cmdline())
        except psutil.Error:
            return False

    def oldest(self, *words: str) -> psutil.Process:
        """The oldest process of ours whose command line holds all the words: a server itself, not one of its workers."""
        found = [process for process in self.processes() if all(word in " ".join(process.cmdline()) for word in words)]
        assert found, f"no process of {words}"
        return min(found, key=lambda process: process.create_time())

    def kill(self, *words: str) -> None:
        """kill -9 of the oldest process with these words."""
        self.oldest(*words).kill()


def free_port_block(size: int) -> int:
    """The first of `size` consecutive free ports. Each process looks elsewhere first: two that look at once would find the same."""
    blocks = list(range(21000, 32000, 10))
    begin = os.getpid() % len(blocks)
    for first in blocks[begin:] + blocks[:begin]:
        try:
            for port in range(first, first + size):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise OSError("no free ports")


@contextlib.contextmanager
def running_stack(data_dir: Path, **more: str) -> Iterator[Stack]:
    """Up for as long as the block lasts; complains of processes that are left behind. `more`: settings of its environment."""
    port = free_port_block(8)
    settings = {
        "GROUNDUP_DATA_DIR": str(data_dir),
        "GROUNDUP_PORT": str(port),
        "GROUNDUP_SLOTS": "2",
        "GROUNDUP_DEVICE": "cpu",
        "GROUNDUP_WORKER_NAME": "e2e",
        # So that `progress` is fresh enough to aim by.
        "GROUNDUP_HEARTBEAT_SECONDS": "0.5",
        "GROUNDUP_WEBHOOK_ALLOW": "127.0.0.1",
        **more,
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GROUNDUP_", "S3_", "AWS_"))}
    stack = Stack(f"http://localhost:{port}", data_dir, {**inherited, **settings})
    try:
        stack.launch("up")  # within: where it fails half-way, what it has started is taken down all the same
        yield stack
    finally:
        stack.launch("down")
    assert not stack.processes(), "`down` left processes behind"
