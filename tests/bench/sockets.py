"""The part `sockets` of `./run bench-events`: a monitor with thousands of sockets, of which some never read; then it is killed."""

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from shared import bus
from shared.events import Record
from shared.training_events import LogWritten, StepCompleted
from tests.bench.socket_clients import Plan, Report, crowd
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET
from tests.monitor.producing import migrated
from tests.servers import free_port, redis_server, wait_until

TOPICS: Final = 200
NOISE_BYTES: Final = 16_000
NOISE_EVERY: Final = 0.05
"""Seconds. What the silent ones have to swallow beside the points, so that their buffers fill within the bench."""
METRICS: Final = ("train/loss", "train/lr", "train/grad_norm", "perf/step_ms", "perf/tokens_per_second", "perf/data_wait_ms")


class Server:
    """gunicorn as in production, on one port for all its lives."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self.port = free_port()
        migrated(f"sqlite:///{folder / 'monitor.db'}").close()
        secrets = {"GROUNDUP_GATEWAY_SECRET": GATEWAY_SECRET, "GROUNDUP_JOIN_SECRET": JOIN_SECRET}
        self.environ = {**os.environ, "GROUNDUP_DATA_DIR": str(folder), "GROUNDUP_REDIS_URL": redis_url, **secrets}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["-k", "services.monitor.socket_worker.SocketWorker", "-w", "1", "-b", f"127.0.0.1:{self.port}"]
        options += ["--worker-connections", "256", "--backlog", "4096"]
        quiet = ["--no-control-socket", "--log-level", "error"]
        command = [sys.executable, "-m", "gunicorn", *options, *quiet, "services.monitor.wsgi:app"]
        self.process = subprocess.Popen(command, env=self.environ)
        wait_until(lambda: httpx.get(f"http://127.0.0.1:{self.port}/readyz", trust_env=False).is_success, "the monitor")

    @property
    def worker(self) -> psutil.Process:
        assert self.process is not None
        return psutil.Process(self.process.pid).children()[0]

    def kill(self) -> None:
        """kill -9 of master and worker."""
        if self.process is None:
            return
        for worker in psutil.Process(self.process.pid).children(recursive=True):
            worker.kill()
        self.process.kill()
        self.process.wait()
        self.process = None


@contextlib.contextmanager
def running_server(redis_url: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="groundup-bench-", ignore_cleanup_errors=True) as folder:
        server = Server(Path(folder), redis_url)
        server.start()
        try:
            yield server
        finally:
            server.kill()


class Publisher:
    """Every topic has one event a second, all of them spread evenly over it; and the noise."""

    def __init__(self, redis_url: str, *, noise: bool) -> None:
        self.client, self.noise = bus.connect(redis_url), noise
        self.said: dict[str, int] = {}
        self.stopping = threading.Event()
        self.late = 0.0
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        started, turn, noisy = time.monotonic(), 0, 0.0
        while not self.stopping.wait(max(0.0, started + turn / TOPICS - time.monotonic())):
            self.late = max(self.late, time.monotonic() - started - turn / TOPICS)
            values = {name: float(turn) for name in METRICS}
            self._say(f"run_{turn % TOPICS:03d}", StepCompleted(step=turn // TOPICS, tokens=turn, metrics=values))
            if self.noise and time.monotonic() - noisy > NOISE_EVERY:
                noisy = time.monotonic()
                self._say("run_noise", LogWritten(rank=0, lines=["x" * NOISE_BYTES]))
            turn += 1

    def _say(self, topic: str, event: Any) -> None:
        number = self.said[topic] = self.said.get(topic, 0) + 1
        record = Record(run_id=topic, attempt=1, fence=1, producer="bench", producer_seq=number, at=time.time(), event=event)
        assert isinstance(bus.publish(self.client, [record]), bus.Taken)

    def __enter__(self) -> "Publisher":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join()
        self.client.close()


def measure(sockets: int = 8000, silent: int = 200, seconds: float = 20) -> dict[str, float]:
    """Times in ms, `connect_s` and `reconnect_s` in s, memory in bytes, CPU as shares of one core."""
    plan_topics = [[f"run_{number % TOPICS:03d}", *(["run_noise"] if number < silent else [])] for number in range(sockets)]
    with tempfile.TemporaryDirectory(prefix="groundup-bench-") as folder, redis_server(Path(folder)) as url, running_server(url) as server:
        warm_up(server)
        before = server.worker.memory_info().rss
        begun = time.monotonic()
        with crowd(Plan(server.port, plan_topics, silent, spread=0)) as clients:
            figures = {"connect_s": wait_for_all(clients, sockets, begun)}
            print(figures, file=sys.stderr, flush=True)
            figures["bytes_a_socket"] = (server.worker.memory_info().rss - before) / sockets
            figures |= steady(server, clients, url, seconds, silent)
            print(figures, file=sys.stderr, flush=True)
            figures["bytes_a_socket_afterwards"] = (server.worker.memory_info().rss - before) / sockets
            figures |= storm(server, clients, url, sockets, silent)
    return figures


def warm_up(server: Server) -> None:
    """What the first requests load is nobody's socket."""
    for _ in range(20):
        httpx.get(f"http://127.0.0.1:{server.port}/metrics", trust_env=False)


def ask(clients: Connection, what: str) -> Any:
    clients.send(what)
    return clients.recv()


def wait_for_all(clients: Connection, number: int, begun: float) -> float:
    wait_until(lambda: ask(clients, "live") >= number, f"{number} clients are subscribed", 120)
    return time.monotonic() - begun


def steady(server: Server, clients: Connection, url: str, seconds: float, silent: int) -> dict[str, float]:
    """One message a second for everybody. CPU is told per process, and what all others on this machine took."""
    with Publisher(url, noise=True) as publisher:
        time.sleep(2)
        ask(clients, "report")
        worker, machine = server.worker.cpu_times(), psutil.cpu_times()
        time.sleep(seconds)
        report: Report = ask(clients, "report")
        now, machine_now = server.worker.cpu_times(), psutil.cpu_times()
        publisher_late = publisher.late
        begun = time.monotonic()
        wait_until(lambda: ask(clients, "gone") >= silent, "the silent ones are gone", 90)
        gone = time.monotonic() - begun + seconds + 2
        rest: Report = ask(clients, "report")
    taken = now.user + now.system - worker.user - worker.system
    busy = seconds * (os.cpu_count() or 1) - (machine_now.idle - machine.idle)
    quantiles = statistics.quantiles(report.latencies, n=1000)
    return {
        "p50_ms": 1e3 * quantiles[499],
        "p99_ms": 1e3 * quantiles[989],
        "max_ms": 1e3 * max(report.latencies),
        "received_a_second": len(report.latencies) / seconds,
        "server_cores": taken / seconds,
        "generator_cores": report.cpu / seconds,
        "machine_cores": busy / seconds,
        "publisher_late_ms": 1e3 * publisher_late,
        "holes": report.holes + rest.holes,
        "silent_gone_s": gone,
        "too_slow": report.closings.get(4408, 0) + rest.closings.get(4408, 0),
    }


def storm(server: Server, clients: Connection, url: str, sockets: int, silent: int) -> dict[str, float]:
    """kill -9 under load; from the moment it serves again until everybody is back, and what they saw."""
    with Publisher(url, noise=False):
        ask(clients, "report")
        server.kill()
        wait_until(lambda: ask(clients, "live") == 0, "everybody has noticed")
        server.start()
        begun = time.monotonic()
        back = wait_for_all(clients, sockets - silent, begun)
        time.sleep(3)
        report: Report = ask(clients, "report")
    return {
        "reconnect_s": back,
        "reconnect_tries": report.tries / (sockets - silent),
        "reconnect_holes": report.holes,
        "reconnect_resets": report.resets,
        "reconnect_doubled": report.doubled,
        "reconnect_generator_cores": report.cpu / (back + 3),
    }


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sockets", type=int, default=8000)
    arguments.add_argument("--silent", type=int, default=200)
    arguments.add_argument("--seconds", type=float, default=20)
    options = arguments.parse_args()
    print(json.dumps(measure(options.sockets, options.silent, options.seconds), indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
