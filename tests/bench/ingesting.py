"""How many points a second come from the trainers' spools into the history, beside MLflow's server and TensorBoard's file."""

import contextlib
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import redis

from services.trainer.shipper import Shipper
from services.trainer.spool import SpoolWriter
from services.trainer.tail import Tail
from shared import bus
from shared.training_events import StepCompleted
from tests.bench.figures import Figures
from tests.bench.peers import Peers
from tests.bench.watchers import Watchers, watching
from tests.servers import postgres_binaries, postgres_server, redis_server, wait_until

NAMES: Final = tuple(f"bench/metric_{number}" for number in range(10))
RUNS: Final = 4
AIM, TIMES_MLFLOW = 20_000, 50
ABOUT: Final = f"""Ingest: {RUNS} runs' spools, written beforehand, each step with {len(NAMES)} metrics; then the agent's own shipper
sends them through a real Redis (128 KiB at a time), and the monitor's two processes stand beside: from the first batch until `/metrics`
says that the history has every event, and each curve is then asked for. MLflow: its server with SQLite and one worker, since one client
asks it one thing after the other, `MlflowClient.log_batch` of 1,000 metrics a call over HTTP. TensorBoard: tensorboardX writing its file,
which nobody receives; told for comparison. Each of ours is the median of several passes, before and after MLflow's."""


@dataclass(frozen=True)
class Load:
    """Points in all of a pass, and of the peers."""

    points: int
    peers: int
    passes: int = 3

    @property
    def steps(self) -> int:
        """Of each run."""
        return self.points // RUNS // len(NAMES)


def measure(figures: Figures, scratch: Path, load: Load, peers: Peers | None) -> None:
    passes = [one_pass(scratch / f"pass-{number}", load) for number in range(load.passes - 1)]
    theirs = mlflow(scratch / "mlflow", load.peers, peers) if peers else None
    passes.append(one_pass(scratch / "pass-last", load))
    seconds, cpu = (sorted(one)[len(passes) // 2] for one in zip(*passes, strict=True))
    figures.tell("ingest, SQLite: points in the history", load.points / seconds, "/s", least=AIM, timed=True)
    figures.tell("ingest, SQLite: the ingester's own CPU for a million points", cpu * 1e6 / load.points, "s")
    if theirs and peers:
        figures.tell("MLflow's log_batch: points", theirs[0], "/s")
        per_million = {"peer": 1e6 / theirs[0], "ratio": 1 / TIMES_MLFLOW, "timed": True}
        figures.tell(
            f"ingest, SQLite: a million points, {TIMES_MLFLOW} times MLflow's pace", seconds * 1e6 / load.points, "s", **per_million
        )
        written = peers.run("peer_tensorboard.py", scratch / "tensorboard", load.peers)
        figures.tell("TensorBoard's writer, a file and no server: points", written["points"] / written["seconds"], "/s")
    if postgres_binaries():
        (scratch / "postgres").mkdir()
        with postgres_server(scratch / "postgres") as url:
            seconds, _ = one_pass(scratch / "pass-postgres", load, url)
        figures.tell("ingest, PostgreSQL: points in the history", load.points / seconds, "/s", least=AIM, timed=True)


def mlflow(folder: Path, points: int, peers: Peers) -> tuple[float, float, int]:
    """Points a second; seconds to read a curve, and its points."""
    folder.mkdir()
    with peers.mlflow(folder) as url:
        found = peers.run("peer_mlflow.py", url, points)
    return found["points"] / found["seconds"], found["read_seconds"], found["curve"]


def one_pass(folder: Path, load: Load, database_url: str = "") -> tuple[float, float]:
    """Seconds until the history has everything, and of the ingester's CPU."""
    (folder / "redis").mkdir(parents=True)
    spools = [write_spool(folder / f"spool-{number}", f"run_{number}", load.steps) for number in range(RUNS)]
    with contextlib.ExitStack() as stack:
        redis_url = stack.enter_context(redis_server(folder / "redis"))
        watchers = stack.enter_context(watching(folder, redis_url, database_url or f"sqlite:///{folder / 'monitor.db'}"))
        client = stack.enter_context(closing(bus.connect(redis_url)))
        wait_until(lambda: watchers.taken() == 0, "the ingester")
        assert watchers.ingester is not None
        used, begun = sum(watchers.ingester.cpu_times()[:2]), time.perf_counter()
        with shipping(client, spools):
            wait_for(watchers, RUNS * load.steps)
        seconds, used = time.perf_counter() - begun, sum(watchers.ingester.cpu_times()[:2]) - used
        check(watchers, load)
    return seconds, used


def wait_for(watchers: Watchers, events: int) -> None:
    """Asks seldom: each answer costs the monitor milliseconds of the time that is measured."""
    deadline = time.monotonic() + 600
    while watchers.taken() < events:
        assert time.monotonic() < deadline, "the history does not get all events"
        time.sleep(0.2)


def write_spool(path: Path, run_id: str, steps: int) -> Path:
    spool = SpoolWriter(path, run_id=run_id, attempt=1, fence=1, producer="attempt-1")
    for step in range(1, steps + 1):
        spool.emit(StepCompleted(step=step, tokens=step * 1024, metrics=dict.fromkeys(NAMES, 1 / step)))
    spool.close()
    return path


@contextlib.contextmanager
def shipping(client: redis.Redis, spools: list[Path]) -> Iterator[None]:
    """As an agent does, in a thread."""

    def refused() -> None:
        raise AssertionError("no other attempt speaks here")

    shipper = Shipper(client)
    for spool in spools:
        shipper.add(Tail(spool, refused))
    shipper.start()
    try:
        yield
    finally:
        shipper.stop()


def check(watchers: Watchers, load: Load) -> None:
    """Every point of every curve is there once."""
    with watchers.reader() as reader:
        for number in range(RUNS):
            answer = reader.get(f"/api/v1/runs/run_{number}/metrics", params={"buckets": 10}).raise_for_status().json()
            counts = {series["name"]: sum(series["count"]) for series in answer["series"]}
            assert counts == dict.fromkeys(NAMES, load.steps), f"run_{number} has {counts}"
