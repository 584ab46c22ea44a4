"""A million log lines of ten ranks: looking for a rare word and for the first error, against `grep -i` on the same text in one file."""

import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

from services.monitor import logs
from services.monitor.error_lines import count_errors
from services.monitor.logs import LogsQuery
from services.monitor.models import LogChunk
from serving.database import Database

RUN: Final = "run_logs"
RANKS: Final = 10
CHUNK_LINES: Final = 100
WORD: Final = "Zirconium"


def lines_of(rank: int, count: int) -> Iterator[str]:
    for step in range(count):
        yield f"step {step}/{count} rank {rank} loss {11 / (1 + step / 9e3):.4f} lr {3e-4:.2e} tokens/s {81_234 + step % 977} mem 12.3 GiB"


def fill(database: Database, file: Path, lines: int = 1_000_000) -> None:
    """The rare word and the only error are in the last hundredth, so that everything before has to be looked through."""
    ranks = [lines_of(rank, lines // RANKS) for rank in range(RANKS)]
    with file.open("w") as out, database.writing() as session:
        for first in range(0, lines, CHUNK_LINES):
            rank = first // CHUNK_LINES % RANKS
            told = list(islice(ranks[rank], CHUNK_LINES))
            if first == lines - lines // 100:
                told[7], told[8] = f"found some {WORD}", "ValueError: the last of a million"
            text = "\n".join(told)
            out.write(text + "\n")
            where = {"run_id": RUN, "first_line": first, "count": len(told), "rank": rank, "attempt": 1, "at": float(first)}
            session.add(LogChunk(**where, text=text.encode(), errors=count_errors(text)))
            if first % 10_000 == 0:
                session.flush()
                session.expunge_all()


def search(database: Database, **query: Any) -> tuple[list[float], int]:
    """Seconds of each request until the first hit, and the line of that."""
    taken: list[float] = []
    cursor: str | None = None
    while True:
        begun = time.perf_counter()
        page = logs.find(database, RUN, LogsQuery(cursor=cursor, limit=1, **query))
        taken.append(time.perf_counter() - begun)
        if page.lines or page.complete:
            return taken, page.lines[0]["line"] if page.lines else -1
        cursor = str(page.next_line)


def median_of(action: Callable[[], float], times: int = 5) -> float:
    return statistics.median(action() for _ in range(times))


def grep(file: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(["grep", "-n", "-i", "-m1", "-F", WORD, str(file)], check=True, capture_output=True)
    return time.perf_counter() - begun


def measure(database: Database, folder: Path, lines: int = 1_000_000) -> dict[str, float]:
    """Milliseconds; `database` has its tables and no run of ours yet. The ratio: all requests of one search over grep's time."""
    file = folder / "all-ranks.log"
    fill(database, file, lines)
    expected = lines - lines // 100
    requests, at = search(database, q=WORD.upper())
    assert at == expected + 7, at
    error, at = search(database, errors=True)
    assert at == expected + 8, at
    whole = median_of(lambda: sum(search(database, q=WORD.upper())[0]))
    peer = median_of(lambda: grep(file))
    tail = median_of(lambda: search(database, from_line=lines - 50)[0][0])
    return {
        "lines": lines,
        "megabytes": file.stat().st_size / 1e6,
        "search_requests": len(requests),
        "search_request_p50_ms": 1000 * median_of(lambda: statistics.median(search(database, q=WORD.upper())[0])),
        "search_request_max_ms": 1000 * max(requests),
        "search_ms": 1000 * whole,
        "grep_ms": 1000 * peer,
        "search_to_grep": whole / peer,
        "first_error_ms": 1000 * median_of(lambda: sum(search(database, errors=True)[0])),
        "first_error_requests": len(error),
        "first_error_of_a_rank_ms": 1000 * median_of(lambda: sum(search(database, errors=True, rank=at_rank(expected))[0])),
        "tail_from_a_line_ms": 1000 * tail,
    }


def at_rank(line: int) -> int:
    return line // CHUNK_LINES % RANKS
