"""How long a chart of a long run takes: the first look at it and a zoom, over HTTP."""

import statistics
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from sqlalchemy import literal, select

from services.monitor.ingest import take
from services.monitor.models import Base
from serving.database import Database
from shared.events import pack
from tests.bench.figures import Figures
from tests.bench.watchers import watching
from tests.monitor.producing import migrated
from tests.servers import redis_server

NAME: Final = "train/loss"
BATCH: Final = 10_000
FIRST_MS, ZOOM_MS, GROWTH = 1000.0, 300.0, 1.5
SHORTER: Final = 10
ABOUT: Final = f"""History: runs with one curve of so many points each, in SQLite. The first was written by the ingester's own code (`take`,
{BATCH:,} events a transaction, in the bench's process); the others are copies of its rows under other names, and one run with a tenth of
the points was written as the first. Then the real monitor, started anew, is asked over HTTP for the curve in 500 buckets: the first look at
each run, and zooms to a hundredth and to a tenth of it, all over the run. The peer of growth is the run with a tenth of the points, asked
in turns with a long one. MLflow reads a curve as its page does (`get-history-bulk-interval`, 500 points), of a run as long as it says."""


@dataclass(frozen=True)
class Size:
    points: int
    runs: int = 10


def measure(figures: Figures, scratch: Path, size: Size, mlflow: tuple[float, int] | None) -> None:
    """mlflow: seconds, points."""
    folder = scratch / "curves"
    (folder / "redis").mkdir(parents=True)
    url = f"sqlite:///{folder / 'monitor.db'}"
    with closing(migrated(url)) as database:
        fill(figures, database, size)
    with (
        redis_server(folder / "redis") as redis_url,
        watching(folder, redis_url, url, ingest=False) as watchers,
        watchers.reader() as reader,
    ):
        reader.get("/api/v1/runs/run_none/metrics").raise_for_status()  # what only the process's first answer costs
        firsts = [look(reader, f"run_{number}", size.points) for number in range(size.runs)]
        zooms = [zoom(reader, f"run_{number % size.runs}", size.points, share, place) for number, share, place in places()]
        long, short = in_turns(reader, size)
    label = f"{size.runs} runs of {size.points:,} points"
    figures.tell(f"{label}: first look, median", statistics.median(firsts), "ms", most=FIRST_MS, timed=True)
    figures.tell(f"{label}: first look, longest", max(firsts), "ms", most=FIRST_MS, timed=True)
    figures.tell(f"{label}: zoom, median of {len(zooms)}", statistics.median(zooms), "ms", most=ZOOM_MS, timed=True)
    figures.tell(f"{label}: zoom, longest", max(zooms), "ms", most=ZOOM_MS, timed=True)
    figures.tell(f"a look at {size.points:,} points beside one at {size.points // SHORTER:,}", long, "ms", peer=short, ratio=GROWTH)
    if mlflow:
        seconds, points = mlflow
        name = f"a look at {size.points:,} points, beside MLflow's at {points:,}"
        figures.tell(name, long, "ms", peer=seconds * 1000, ratio=1.0)


def fill(figures: Figures, database: Database, size: Size) -> None:
    begun = time.perf_counter()
    write(database, "run_0", size.points)
    figures.tell("history written in process, one metric an event: points", size.points / (time.perf_counter() - begun), "/s")
    write(database, "run_short", size.points // SHORTER)
    for number in range(1, size.runs):
        copy(database, "run_0", f"run_{number}", number)


def write(database: Database, run_id: str, points: int) -> None:
    for first in range(1, points + 1, BATCH):
        entries = [(number, record(run_id, number)) for number in range(first, min(first + BATCH, points + 1))]
        with database.writing() as session:
            take(session, "bench", {run_id: entries})


def record(run_id: str, number: int) -> bytes:
    event = {
        "type": "StepCompleted",
        "step": number,
        "tokens": number * 1024,
        "metrics": {NAME: 3 + number % 97 / 97 + 1000 / (number + 99)},
    }
    about = {"run_id": run_id, "attempt": 1, "fence": 1, "producer": "bench", "producer_seq": number, "at": 1.7e9 + number / 10}
    return pack({**about, "event": event})


def copy(database: Database, source: str, target: str, number: int) -> None:
    """Of every table that has rows of runs; what is numbered is numbered on."""
    with database.writing() as session:
        for table in Base.metadata.sorted_tables:
            if "run_id" not in table.c:
                continue
            known = list(table.c)
            chosen: list[Any] = [
                literal(target)
                if column.name == "run_id"
                else column + number * 10_000_000
                if column.name in {"id", "chunk_id"}
                else column
                for column in known
            ]
            session.execute(table.insert().from_select([column.name for column in known], select(*chosen).where(table.c.run_id == source)))


def look(reader: httpx.Client, run_id: str, points: int, **query: float) -> float:
    """Milliseconds. Every point asked for must be in the answer."""
    begun = time.perf_counter()
    answer = reader.get(f"/api/v1/runs/{run_id}/metrics", params={"names": NAME, "buckets": 500, **query})
    milliseconds = (time.perf_counter() - begun) * 1000
    (series,) = answer.raise_for_status().json()["series"]
    assert len(series["x"]) <= 500
    assert sum(series["count"]) == points, f"{sum(series['count'])} of {points} points"
    return milliseconds


def zoom(reader: httpx.Client, run_id: str, points: int, share: float, place: float) -> float:
    width = int(points * share)
    first = 1 + int((points - width) * place)
    return look(reader, run_id, width, **{"from": first, "to": first + width - 1})


def places() -> Iterable[tuple[int, float, float]]:
    """Number, share of the run, place in it."""
    return [(number, 0.01 if number % 2 else 0.1, number / 23) for number in range(24)]


def in_turns(reader: httpx.Client, size: Size) -> tuple[float, float]:
    """A look at a long run and at the short one: medians."""
    pairs = [(look(reader, "run_0", size.points), look(reader, "run_short", size.points // SHORTER)) for _ in range(31)]
    long, short = zip(*pairs, strict=True)
    return statistics.median(long), statistics.median(short)
