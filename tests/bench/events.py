"""`./run bench-events [--short] [--part P] [--without-peers]`: from the trainers' spools into the history, out of it again, and what a
run notices of a Redis that is away. Exits with 1 where a ratio or a property does not hold.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench import curves, ingesting, outage
from tests.bench.figures import Figures
from tests.bench.peers import NoPeers, Peers

PARTS = ("ingest", "history", "outage")


def main() -> int:
    options = parsed()
    parts = [part for part in PARTS if options.part in {"", part}]
    figures, not_here = Figures("bench-events", ""), ["several machines", "PostgreSQL's fsync"]
    with tempfile.TemporaryDirectory(prefix="groundup-bench-", ignore_cleanup_errors=True) as folder:
        scratch, peers, missing = Path(folder), None, ""
        if {"ingest", "history"} & set(parts) and not options.without_peers:
            try:
                peers = Peers()
            except NoPeers as why:
                missing = f"MLflow and TensorBoard ({why})"
        if "ingest" in parts:
            load = ingesting.Load(120_000, 4_000, passes=2) if options.short else ingesting.Load(1_000_000, 30_000)
            figures.about += ingesting.ABOUT + "\n\n"
            ingesting.measure(figures, scratch, load, peers)
        if "history" in parts:
            figures.about += curves.ABOUT + "\n\n"
            read = ingesting.mlflow(scratch / "read", ingesting.Load(0, 50_000), peers)[1:] if peers and not options.short else None
            curves.measure(figures, scratch, curves.Size(100_000, runs=3) if options.short else curves.Size(1_000_000), read)
        if "outage" in parts:
            figures.about += outage.ABOUT + "\n\n"
            outage.measure(figures, scratch, 8 if options.short else 60)
    figures.about = figures.about.strip()
    if missing:
        print(f"bench-events: NOT compared with {missing}; --without-peers leaves them out", file=sys.stderr)
    not_here += [missing or "peers"] if peers is None else []
    code = figures.finish(", ".join(not_here), short=options.short or bool(options.part))
    return 1 if missing else code


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
