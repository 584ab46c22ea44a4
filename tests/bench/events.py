"""`./run bench-events [--short] [--part P] [--without-peers]`: from the trainer's step to its spool, into the history, out of it again, to
thousands of sockets, and what a run notices of a Redis that is away. Exits with 1 where a ratio or a property does not hold.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.bench import curves, emitting, ingesting, outage, sockets
from tests.bench.figures import Figures
from tests.bench.peers import NoPeers, Peers


def main() -> int:
    options = parsed()
    parts = [part for part in PARTS if options.part in {"", part}]
    figures, not_here, code = Figures("bench-events", ""), ["several machines", "PostgreSQL's fsync"], 0
    peers = None
    if COMPARED & set(parts) and not options.without_peers:
        try:
            peers = Peers()
        except NoPeers as why:
            print(f"bench-events: NOT compared with MLflow ({why}); --without-peers leaves it out", file=sys.stderr)
            code = 1
    if peers is None:
        not_here.append("MLflow and TensorBoard to compare with")
    with tempfile.TemporaryDirectory(prefix="groundup-bench-", ignore_cleanup_errors=True) as scratch:
        for part in parts:
            PARTS[part](figures, Path(scratch), options.short, peers)
    figures.about = figures.about.strip()
    return max(code, figures.finish(", ".join(not_here), short=options.short or bool(options.part)))


def ingest(figures: Figures, scratch: Path, short: bool, peers: Peers | None) -> None:
    load = ingesting.Load(120_000, 4_000, passes=2) if short else ingesting.Load(1_000_000, 30_000)
    figures.about += ingesting.ABOUT + "\n\n"
    ingesting.measure(figures, scratch, load, peers)


def history(figures: Figures, scratch: Path, short: bool, peers: Peers | None) -> None:
    size = curves.Size(100_000, runs=3) if short else curves.Size(1_000_000)
    read = ingesting.mlflow(scratch / "read", 50_000, peers)[1:] if peers and not short else None
    figures.about += curves.ABOUT + "\n\n"
    curves.measure(figures, scratch, size, read)


def away(figures: Figures, scratch: Path, short: bool, _peers: Peers | None) -> None:
    figures.about += outage.ABOUT + "\n\n"
    outage.measure(figures, scratch, 8 if short else 60)


def emit(figures: Figures, _scratch: Path, short: bool, _peers: Peers | None) -> None:
    emitting.EVENTS = 2_000 if short else emitting.EVENTS
    found = emitting.measure()
    figures.about += EMITTING + "\n\n"
    figures.tell("log() of a step, p50", found["emit_p50_us"], "microseconds", most=LOG_MICROSECONDS, timed=True)
    figures.tell("log() of a step, p99", found["emit_p99_us"], "microseconds", peer=found["json_p99_us"])
    peer = {"peer": found["json_p50_us"], "ratio": TIMES_PLAIN}
    figures.tell("log() of a step beside a line of JSON that is flushed, p50", found["emit_p50_us"], "microseconds", timed=True, **peer)
    if "tensorboardx_p50_us" in found:
        figures.tell("the same twelve scalars with tensorboardX, p50", found["tensorboardx_p50_us"], "microseconds")


def listen(figures: Figures, _scratch: Path, short: bool, peers: Peers | None) -> None:
    size = sockets.Size(400, 20, 5) if short else sockets.Size()
    peer = sockets.measure_peer(sockets.peer_interpreter(), size.sockets, size.seconds) if peers and not short else None
    figures.about += sockets.ABOUT + "\n\n"
    sockets.tell(figures, sockets.measure(size.sockets, size.silent, size.seconds), peer, size)


PARTS: Final[dict[str, Callable[[Figures, Path, bool, Peers | None], None]]] = {
    "emit": emit,
    "ingest": ingest,
    "history": history,
    "sockets": listen,
    "outage": away,
}
COMPARED: Final = {"ingest", "history", "sockets"}
"""With peers from PyPI."""
LOG_MICROSECONDS, TIMES_PLAIN = 20.0, 1.5
EMITTING: Final = """Emitting: what a step pays for its event with twelve metrics, from `Report.emit` until it is packed, checksummed and in
the spool; beside it a line of JSON written and flushed, as the plainest loops do, and tensorboardX where it is installed."""


def parsed() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(
        prog="./run bench-events", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--short", action="store_true", help="less of everything, for CI; under 4 min")
    arguments.add_argument("--part", choices=PARTS, default="", help="one part alone; its table goes to build/benchmarks/")
    arguments.add_argument("--without-peers", action="store_true", help="leave out MLflow and TensorBoard, which come from PyPI")
    return arguments.parse_args()


if __name__ == "__main__":
    sys.exit(main())
