"""The monitor as it runs in production, and clients of its WebSocket."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import websocket

from shared.events import pack, unpack
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET, headers
from tests.monitor.producing import migrated
from tests.servers import free_port, process, wait_until

WORKER = "services.monitor.socket_worker.SocketWorker"


@dataclass(frozen=True)
class Monitor:
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ticket(self, role: str = "viewer", credential: str = "tok_1") -> str:
        given = {**headers(role), "X-Groundup-Credential": credential}
        answer = httpx.post(f"{self.url}/api/v1/ws-tickets", headers=given, trust_env=False)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["ticket"])

    def connect(self, ticket: str | None = None, **options: Any) -> "Client":
        header = {"X-Groundup-Gateway": GATEWAY_SECRET, **options.pop("header", {})}
        return connect(self.port, ticket or self.ticket(), header=header, **options)

    def figure(self, name: str) -> float:
        lines = httpx.get(f"{self.url}/metrics", trust_env=False).text.splitlines()
        return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


def connect(port: int, ticket: str, **options: Any) -> "Client":
    url = f"ws://127.0.0.1:{port}/ws/v1?ticket={ticket}"
    return Client(websocket.create_connection(url, **{"timeout": 20, "suppress_origin": True, **options}))


class Client:
    """`seqs`: of all events so far, with `reset <seq>` and `subscribed <seq>` where they came. `ticket`: to come back with."""

    def __init__(self, ws: Any) -> None:
        self.ws = ws
        self.seqs: list[int | str] = []
        self.epoch = ""
        self.ticket = ""

    def send(self, frame: object) -> None:
        self.ws.send_binary(pack(frame))

    def subscribe(self, topic: str, epoch: str | None = None, since: int = 0) -> None:
        self.send({"type": "subscribe", "topic": topic, "epoch": epoch, "since": since})

    def receive(self) -> dict[str, Any]:
        frame: dict[str, Any] = unpack(self.ws.recv())
        self.epoch = frame.get("epoch", self.epoch)
        if frame["type"] == "events":
            self.seqs += [item["seq"] for item in frame["items"]]
        elif "seq" in frame:
            self.seqs.append(f"{frame['type']} {frame['seq']}")
        return frame

    def read_until(self, seq: int | str) -> list[int | str]:
        while not self.seqs or self.seqs[-1] != seq:
            self.receive()
        return self.seqs

    def closing_code(self) -> int:
        """Read until the server closes."""
        while True:
            opcode, data = self.ws.recv_data()
            if opcode == websocket.ABNF.OPCODE_CLOSE:
                return int.from_bytes(data[:2], "big")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.ws.close()
        self.ws.shutdown()  # which `close` leaves out where the server was first


@contextlib.contextmanager
def running_monitor(folder: Path, redis_url: str, worker: str = WORKER, **more: str) -> Iterator[tuple[Monitor, subprocess.Popen[bytes]]]:
    folder.mkdir(parents=True, exist_ok=True)
    migrated(f"sqlite:///{folder / 'monitor.db'}").close()
    environ = {**os.environ, "GROUNDUP_DATA_DIR": str(folder), "GROUNDUP_REDIS_URL": redis_url}
    environ |= {"GROUNDUP_GATEWAY_SECRET": GATEWAY_SECRET, "GROUNDUP_JOIN_SECRET": JOIN_SECRET, **more}
    monitor = Monitor(free_port())
    options = ["-k", worker, "-w", "1", "-b", f"127.0.0.1:{monitor.port}", "--no-control-socket"]
    with process([sys.executable, "-m", "gunicorn", *options, "services.monitor.wsgi:app"], env=environ) as server:
        wait_until(lambda: httpx.get(f"{monitor.url}/readyz", trust_env=False).status_code == 200, "the monitor")
        yield monitor, server
