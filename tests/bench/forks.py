"""Training children that start in an instant: forks of one process that has imported torch, which is most of a child's start.

`python -m tests.bench.forks <socket>` is that process. What `fork_command` gives stands in for torchrun: it asks over the socket for
ranks, tells what torchrun would when one of them fails, and ends as they do. The ranks are processes of their own, in sessions of their
own, with a real process group between them.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import torch._dynamo  # noqa: F401  (what the first optimiser imports)

from services.trainer import main_child
from services.trainer.data import Batch, TrainingBatches
from services.trainer.host import Command
from tests.e2e.stack import ROOT
from tests.servers import free_port, wait_until

SAMPLES: Final = "samples.rank{}"
"""In the run directory: what a rank read, a JSON list a step: the step, then a checksum of each sample."""

CLIENT: Final = """
import json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect(sys.argv[1])
server.sendall(json.dumps({"root": sys.argv[2], "processes": int(sys.argv[3]), "environ": dict(os.environ)}).encode() + b"\\n")
for line in server.makefile():
    if line.startswith("exit "):
        sys.exit(int(line[5:]))
    sys.stderr.write(line)
    sys.stderr.flush()
sys.exit(1)
"""


class NotedBatches(TrainingBatches):
    """Those of a training child, written down."""

    def __call__(self, step: int) -> list[Batch]:
        batches = super().__call__(step)
        samples = [zlib.crc32(sample.numpy().tobytes()) for inputs, _ in batches for sample in inputs]
        with Path(sys.argv[1], SAMPLES.format(self.world.rank)).open("a") as file:
            file.write(f"{json.dumps([step, *samples])}\n")
        return batches


@contextlib.contextmanager
def fork_command(folder: Path) -> Iterator[Command]:
    path = folder / "forks"
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.forks", str(path)], cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True
    )
    try:
        wait_until(path.exists, "a process with torch", 60)
        yield lambda root, processes, _attempt: [sys.executable, "-S", "-c", CLIENT, str(path), str(root), str(processes)]
    finally:
        server.kill()
        server.wait()


def serve(path: str) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the launchers
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    while True:
        client, _ = server.accept()
        if os.fork() == 0:
            server.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            with contextlib.suppress(BrokenPipeError):  # who asked is dead, and the ranks are ended
                launch(client)
            os._exit(0)
        client.close()


def launch(client: socket.socket) -> None:
    """Start the ranks that are asked for, and watch them as torchrun does; without a client they are ended."""
    request = json.loads(client.makefile().readline())
    size, port = request["processes"], free_port()
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(size), "LOCAL_WORLD_SIZE": str(size)}
    ranks = {fork_rank(rank, request, meeting): rank for rank in range(size)}
    while ranks:
        pid, status = os.waitpid(-1, os.WNOHANG)
        gone = bool(select.select([client], [], [], 0.02)[0])
        failed = pid and os.waitstatus_to_exitcode(status)
        rank = ranks.pop(pid, None)
        if not gone and not failed:
            continue
        if failed:
            left = "".join(f"Sending process {other} closing signal SIGTERM\n" for other in ranks)
            client.sendall(f"{left}failed (exitcode: {failed}) local_rank: {rank} (pid: {pid}) of binary: fork\n".encode())
            time.sleep(0.2)  # the one who looks for the line ends the others
        for other in ranks:
            os.kill(other, signal.SIGKILL)
        if failed:
            client.sendall(b"exit 1\n")
        return
    client.sendall(b"exit 0\n")


def fork_rank(rank: int, request: dict[str, Any], meeting: dict[str, str]) -> int:
    if (pid := os.fork()) != 0:
        return pid
    os.setsid()
    os.environ.clear()
    os.environ.update({**request["environ"], **meeting, "RANK": str(rank), "LOCAL_RANK": str(rank)})
    sys.argv = ["main_child", request["root"]]
    main_child.TrainingBatches = NotedBatches  # type: ignore[attr-defined]
    try:
        main_child.leave(main_child.main())
    except BaseException:  # noqa: BLE001  (it is a process's end, as python itself would make it)
        sys.excepthook(*sys.exc_info())
    os._exit(1)


if __name__ == "__main__":
    serve(sys.argv[1])
