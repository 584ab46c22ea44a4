"""The whole of Groundup on this machine, as `./run up` starts it, on ports and a data folder of its own."""

import os
import socket
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from groundup import Client

from infra.embedded import MARK
from tests.servers import wait_until

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

    def kill(self, *words: str) -> None:
        """kill -9 of the oldest process of ours whose command line holds all the words: a server itself, not one of its workers."""
        found = [process for process in self.processes() if all(word in " ".join(process.cmdline()) for word in words)]
        assert found, f"no process of {words}"
        min(found, key=lambda process: process.create_time()).kill()


def free_port_block(size: int) -> int:
    """The first of `size` consecutive free ports."""
    for first in range(21000, 32000, 10):
        try:
            for port in range(first, first + size):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise OSError("no free ports")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    data_dir, port = tmp_path_factory.mktemp("a stack"), free_port_block(8)  # paths may have spaces
    settings = {
        "GROUNDUP_DATA_DIR": str(data_dir),
        "GROUNDUP_PORT": str(port),
        "GROUNDUP_SLOTS": "2",
        "GROUNDUP_DEVICE": "cpu",
        "GROUNDUP_WORKER_NAME": "e2e",
        # So that `progress` is fresh enough to aim by.
        "GROUNDUP_HEARTBEAT_SECONDS": "0.5",
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("GROUNDUP_", "S3_", "AWS_"))}
    stack = Stack(f"http://localhost:{port}", data_dir, {**inherited, **settings})
    stack.launch("up")
    yield stack
    stack.launch("down")
    assert not stack.processes(), "`down` left processes behind"


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    with stack.client() as client:
        yield client


@pytest.fixture(scope="session")
def dataset(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A few hundred kB of real text: modules of the standard library."""
    folder = tmp_path_factory.mktemp("text")
    for module in ("argparse", "ast", "inspect", "typing", "subprocess", "tarfile"):
        (folder / f"{module}.py").write_text((Path(sysconfig.get_path("stdlib")) / f"{module}.py").read_text())
    with stack.client() as client:
        return client.datasets.push("stdlib", [str(folder)]).version.reference


@pytest.fixture(scope="session")
def tokenizer(stack: Stack, dataset: str) -> str:
    with stack.client() as client:
        trained = client.tokenizers.train("bpe", dataset=dataset, vocab_size=512)
        return client.tokenizers.wait(trained).reference


def spec(name: str, dataset: str, tokenizer: str, **train: Any) -> dict[str, Any]:
    """A run of a second or two per hundred steps."""
    schedule = {"optimizer": {"lr": 3e-3}, "schedule": {"warmup_steps": 5}, "batch_size": 8}
    model = {"n_layer": 2, "n_head": 2, "n_embd": 64, "sequence_length": 64}
    compute = {"processes_per_node": 2}
    return {"name": name, "dataset": dataset, "tokenizer": tokenizer, "model": model, "train": {**schedule, **train}, "compute": compute}


def steps_in_history(client: Client, run_id: str) -> list[int]:
    series = client.history.metrics(run_id, ["train/loss"], buckets=5000)
    assert all(count == 1 for part in series for count in part.count)
    return sorted(int(step) for part in series for step in part.x)


def wait_for_history(client: Client, run_id: str, steps: int) -> None:
    """The ingester is a second or so behind; a run's every step is there once, and only once."""
    wait_until(lambda: steps_in_history(client, run_id) == list(range(1, steps + 1)), f"{steps} steps, each once", 30)
