"""The part `sockets` of `./run bench-events`: a monitor with thousands of sockets, of which some never read; then it is killed."""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import httpx
import psutil

from shared import bus
from shared.events import Record
from shared.training_events import LogWritten, StepCompleted
from tests.bench.figures import Figures
from tests.bench.socket_clients import Plan, Report, crowd
from tests.conftest import GATEWAY_SECRET, JOIN_SECRET
from tests.e2e.stack import ROOT
from tests.monitor.producing import migrated
from tests.servers import free_port, process, redis_server, wait_until

ABOUT: Final = """Sockets: one monitor process as in production and 8,000 clients in one process of the load generator, 40 on each of 200
topics, a message a second for each, a ping every 5 s from each. 200 of them never read and are sent 16 kB twenty times a second beside
that. Then the monitor is killed with kill -9 and started again while events go on; everybody comes back by the dashboard's backoff. The
peer is a plain broadcaster on the package `websockets` with the same clients and messages, without Redis, positions or rights; all read."""
PEER: Final = ("websockets==17.4", "msgpack==1.2.4")
CPU_RATIO: Final = 2.5
"""What the way through Redis, positions and pings may cost, against a loop that only sends."""
TOPICS: Final = 200
NOISE_BYTES: Final = 16_000
NOISE_EVERY: Final = 0.05
"""Seconds. What the silent ones have to swallow beside the points, so that their buffers fill within the bench."""
METRICS: Final = ("train/loss", "train/lr", "train/grad_norm", "perf/step_ms", "perf/tokens_per_second", "perf/data_wait_ms")


@dataclass(frozen=True)
class Size:
    sockets: int = 8000
    silent: int = 200
    seconds: float = 20


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
    with tempfile.TemporaryDirectory(prefix="groundup-bench-") as folder, redis_server(Path(folder)) as url, running_server(url) as server:
        warm_up(server)
        before = server.worker.memory_info().rss
        with crowd(Plan(server.port, topics_of(sockets, silent), silent)) as clients:
            clients.send("start")
            figures = {"connect_s": wait_for_all(clients, sockets)}
            figures["bytes_a_socket"] = (server.worker.memory_info().rss - before) / sockets
            with Publisher(url, noise=True) as publisher:
                figures |= steady(server.worker, clients, seconds)
                figures["publisher_late_ms"] = 1e3 * publisher.late
                figures |= silence(server, clients, silent)
            figures["bytes_a_socket_afterwards"] = (server.worker.memory_info().rss - before) / sockets
            figures |= storm(server, clients, url, sockets, silent)
    return figures


def measure_peer(python: Path, sockets: int, seconds: float) -> dict[str, float]:
    """The same clients at a plain broadcaster; all of them read. `python`: an interpreter that has `websockets`."""
    port = free_port()
    command = [str(python), str(Path(__file__).parent / "socket_peer.py"), str(port), str(TOPICS)]
    with process(command, env={"PATH": os.environ["PATH"]}) as started:
        peer = psutil.Process(started.pid)
        wait_until(lambda: bool(peer.net_connections()), "the peer listens")
        before = peer.memory_info().rss
        with crowd(Plan(port, topics_of(sockets, 0), 0, ticket="none")) as clients:
            clients.send("start")
            figures = {"connect_s": wait_for_all(clients, sockets)}
            figures["bytes_a_socket"] = (peer.memory_info().rss - before) / sockets
            return figures | steady(peer, clients, seconds)


def topics_of(sockets: int, silent: int) -> list[list[str]]:
    return [[f"run_{number % TOPICS:03d}", *(["run_noise"] if number < silent else [])] for number in range(sockets)]


def warm_up(server: Server) -> None:
    """What the first requests load is nobody's socket."""
    for _ in range(20):
        httpx.get(f"http://127.0.0.1:{server.port}/metrics", trust_env=False)


def ask(clients: Connection, what: str) -> Any:
    clients.send(what)
    return clients.recv()


def wait_for_all(clients: Connection, number: int) -> float:
    begun = time.monotonic()
    wait_until(lambda: ask(clients, "live") >= number, f"{number} clients are subscribed", 120)
    return time.monotonic() - begun


def steady(server: psutil.Process, clients: Connection, seconds: float) -> dict[str, float]:
    """One message a second for everybody. CPU is told per process, and what all others on this machine took."""
    time.sleep(2)
    ask(clients, "report")
    process, machine = server.cpu_times(), psutil.cpu_times()
    time.sleep(seconds)
    report: Report = ask(clients, "report")
    now, machine_now = server.cpu_times(), psutil.cpu_times()
    busy = seconds * (os.cpu_count() or 1) - (machine_now.idle - machine.idle)
    quantiles = statistics.quantiles(report.latencies, n=1000)
    return {
        "p50_ms": 1e3 * quantiles[499],
        "p99_ms": 1e3 * quantiles[989],
        "max_ms": 1e3 * max(report.latencies),
        "received_a_second": len(report.latencies) / seconds,
        "server_cores": (now.user + now.system - process.user - process.system) / seconds,
        "generator_cores": report.cpu / seconds,
        "machine_cores": busy / seconds,
        "holes": report.holes,
    }


def silence(server: Server, clients: Connection, silent: int) -> dict[str, float]:
    """Those who never read must go, for the right reason, while the noise goes on."""
    wait_until(lambda: ask(clients, "gone") >= silent, "the silent ones are gone", 90)
    figures = httpx.get(f"http://127.0.0.1:{server.port}/metrics", trust_env=False).text.splitlines()
    too_slow = next(line for line in figures if line.startswith("groundup_sockets_too_slow_total "))
    return {"silent_closed_as_too_slow": float(too_slow.split()[1])}


def storm(server: Server, clients: Connection, url: str, sockets: int, silent: int) -> dict[str, float]:
    """kill -9 under load; from the moment it serves again until everybody is back, and what they saw."""
    with Publisher(url, noise=False):
        ask(clients, "report")
        server.kill()
        wait_until(lambda: ask(clients, "live") == 0, "everybody has noticed")
        server.start()
        back = wait_for_all(clients, sockets - silent)
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


def tell(figures: Figures, found: Mapping[str, float], peer: Mapping[str, float] | None, options: Size) -> None:
    """Properties are held to their numbers, times to the peer's."""
    other = peer or {}
    figures.tell("sockets: publish to receive, p50", found["p50_ms"], "ms", most=100, timed=True, peer=other.get("p50_ms"))
    figures.tell("sockets: publish to receive, p99", found["p99_ms"], "ms", most=250, timed=True, peer=other.get("p99_ms"))
    figures.tell("sockets: messages received", found["received_a_second"], "/s", least=0.9 * (options.sockets - options.silent))
    figures.tell(
        "sockets: memory of the monitor",
        found["bytes_a_socket"] / 1e3,
        "kB a socket",
        most=30,
        peer=_kilobytes(peer),
        ratio=1 if peer else None,
    )
    afterwards = found["bytes_a_socket_afterwards"] / 1e3
    figures.tell("sockets: the same after some never read", afterwards, "kB a socket", most=30)
    for name, what in (("server_cores", "the monitor"), ("generator_cores", "the load generator"), ("machine_cores", "everything here")):
        ratio = CPU_RATIO if peer and name == "server_cores" else None
        figures.tell(f"sockets: CPU of {what}", found[name], "cores", peer=other.get(name), ratio=ratio)
    figures.tell("sockets: closed as too slow", found["silent_closed_as_too_slow"], "sockets", least=options.silent)
    figures.tell("sockets: all connected, with a ticket each", found["connect_s"], "s", peer=other.get("connect_s"))
    figures.tell("sockets: all back after kill -9", found["reconnect_s"], "s", most=15, timed=True)
    for name in ("holes", "reconnect_holes", "reconnect_doubled", "reconnect_resets"):
        figures.tell(f"sockets: {name.replace('_', ', ')}", found[name], "", most=0)


def _kilobytes(peer: Mapping[str, float] | None) -> float | None:
    return peer["bytes_a_socket"] / 1e3 if peer else None


def peer_interpreter() -> Path:
    """Of a virtual environment with the peer, made once."""
    home = ROOT / "build" / "peer-websockets"
    if not (home / "stamp").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        subprocess.run([str(home / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", *PEER], check=True)
        (home / "stamp").touch()
    return home / "bin" / "python"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--sockets", type=int, default=8000)
    arguments.add_argument("--silent", type=int, default=200)
    arguments.add_argument("--seconds", type=float, default=20)
    arguments.add_argument("--without-peer", action="store_true", help="leave out what comes from PyPI")
    options = arguments.parse_args()
    size = Size(options.sockets, options.silent, options.seconds)
    figures = Figures("bench-events --part sockets", ABOUT)
    peer = None if options.without_peer else measure_peer(peer_interpreter(), size.sockets, size.seconds)
    tell(figures, measure(size.sockets, size.silent, size.seconds), peer, size)
    return figures.finish("browsers, TLS, a network", short=True)


if __name__ == "__main__":
    sys.exit(main())
