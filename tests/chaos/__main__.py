"""`./run chaos [--seed N] [--kills 500] [--flips 1000] [--short] [--only K]`: what breaks on purpose, and what must hold all the same."""

import argparse
import shutil
import signal
import sys
import time
from pathlib import Path

from tests.chaos.kills import Kills, all_points, planned
from tests.chaos.platform import platform
from tests.e2e.stack import ROOT


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    arguments.add_argument("--kills", type=int, default=500)
    options = arguments.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    folder = ROOT / "build" / "chaos"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print("seed", options.seed)
    with platform(folder / "data") as stage:
        kills = Kills(stage, folder / "kills.jsonl")
        kills.run(planned(options.seed, options.kills, all_points()), print)
    print(kills.killed, kills.restores, kills.fresh, kills.moments)
    print("\n".join(kills.wrong))
    return 0


if __name__ == "__main__":
    sys.exit(main())
