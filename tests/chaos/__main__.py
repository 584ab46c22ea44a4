"""`./run chaos [--seed N] [--part runs|checkpoints] [--short] [--only K] [--kills 500] [--flips 1000] [--model 1000] [--runs 60]
[--torch 10]`: what breaks on purpose, and what must hold all the same.

Each iteration has a number and is a line in build/chaos/. Of checkpoints: kills, then flipped bits. Of runs: the model's, then those with
real processes, then those with torch. `--part P --only K` repeats one of them alone, with the same seed and the same other options.
"""

import argparse
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable

from shared.crash import POINTS
from tests.bench.figures import Figures
from tests.chaos import parts
from tests.chaos.disk import FullDisk, NotHere
from tests.chaos.flips import Flips
from tests.chaos.kills import Kill, Kills, planned
from tests.chaos.leftovers import leftovers, unverified
from tests.chaos.platform import Platform, platform
from tests.e2e.stack import ROOT

ABOUT = """Checkpoints: real processes on one machine: Redis, `rclone serve s3`, api, storage, the scheduler with its housekeeping, an agent
and its training child, on SQLite. They are forked from a process that has everything imported, look about them more often than they do
otherwise (tests/chaos/processes.py) and collect garbage after seconds; the child's checkpoints hold tensors that are a known function of
run and step. Kills: a process is armed to kill itself at a crash point (`shared/crash.py`); the agent before it is killed at whatever
moment that is; the next attempt's child compares what it went on from bit by bit, and this bench compares that with the tables. Flipped
bits: one bit of one file of the newest committed checkpoint, read by the product's own code, then flipped back. Full disk: a tmpfs of
96 MiB under a child of torchrun."""
TIMES = 20
"""At least so many kills at each point, where all kills together are enough for that."""
HERE = ROOT / "build" / "chaos"


def main() -> int:
    options = parsed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    say(f"chaos: seed {options.seed}")
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir(parents=True)
    figures = Figures("chaos", ABOUT)
    begun, not_here = time.monotonic(), ["several hosts", "GPUs", "loss of power"]
    if options.part in {"", "runs"}:
        survive(figures, options)
    if options.part in {"", "checkpoints"}:
        not_here += keep(figures, options)
    shutil.rmtree(HERE / "data", ignore_errors=True) if all(figure.holds for figure in figures.all) else None
    figures.tell("took", time.monotonic() - begun, "s")
    figures.about += f"\n\nSeed {options.seed}{', --short' if options.short else ''}."
    partly = options.short or bool(options.only) or bool(options.part)
    code = figures.finish(", ".join(not_here), short=partly)
    say(f"chaos: {'everything holds' if code == 0 else 'something does NOT hold; build/chaos/ has the history'} (seed {options.seed})")
    return code


def survive(figures: Figures, options: argparse.Namespace) -> None:
    """The runs' part."""
    figures.about += f"\n\n{parts.ABOUT}"
    numbers = list(range(1, options.model + 1))
    fake, torch = parts.plans(options.seed, options.model, options.runs, options.torch)
    if options.only:
        numbers = [number for number in numbers if number == options.only]
        fake, torch = ([one for one in plan if one[0] == options.only] for plan in (fake, torch))
    if numbers:
        parts.model(figures, options.seed, numbers, say)
    for plan, with_torch in ((fake, False), (torch, True)):
        if plan:
            parts.real(figures, HERE / "data", plan, options.seed, torch=with_torch, say=say)


def keep(figures: Figures, options: argparse.Namespace) -> list[str]:
    """The checkpoints' part. What could not be done here."""
    plan = planned(options.seed, options.kills, list(POINTS))
    flips = list(range(options.kills + 1, options.kills + options.flips + 1))
    if options.only:
        plan, flips = plan[options.only - 1 : options.only], [number for number in flips if number == options.only]
    with platform(HERE / "data" / "checkpoints") as stage:
        if plan:
            kill(figures, stage, plan)
        if flips:
            flip(figures, stage, options.seed, flips)
        clear_up(figures, stage)
    return fill_the_disk(figures) if not options.only else []


def parsed() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    arguments.add_argument("--kills", type=int, default=500)
    arguments.add_argument("--flips", type=int, default=1000)
    arguments.add_argument("--model", type=int, default=1000)
    arguments.add_argument("--runs", type=int, default=60)
    arguments.add_argument("--torch", type=int, default=10)
    arguments.add_argument("--part", choices=("runs", "checkpoints"), default="")
    arguments.add_argument("--short", action="store_true", help="a few of each, for CI; under 150 s")
    arguments.add_argument("--only", type=int, metavar="K", help="one iteration alone")
    options = arguments.parse_args()
    if options.short:
        options.kills, options.flips, options.model, options.runs, options.torch = len(POINTS), 40, 20, 5, 0
    if options.only and not options.part:
        arguments.error(f"--only {options.only}: of which part? Add --part runs or --part checkpoints")
    most = options.model + options.runs + options.torch if options.part == "runs" else options.kills + options.flips
    if options.only and not 1 <= options.only <= most:
        arguments.error(f"--only {options.only}: there are {most} iterations in that part")
    return options


def kill(figures: Figures, stage: Platform, plan: list[Kill]) -> None:
    kills = Kills(stage, HERE / "kills.jsonl")
    kills.run(plan, say)
    complain(kills.wrong)
    figures.about += f"\n\nKills by point: {listed(kills.killed)}. Beside them {kills.moments} agents with their children, at any moment."
    figures.tell("kills at named crash points", kills.killed.total(), "")
    figures.tell("crash points", len(kills.killed), f"of {len(POINTS)}")
    wanted = TIMES if len(plan) >= TIMES * len(POINTS) else 0
    figures.tell(f"crash points with fewer than {TIMES} kills", sum(kills.killed[point] < wanted for point in POINTS), "", most=0)
    figures.tell("attempts that went on from a checkpoint", kills.restores, "")
    figures.tell("attempts that began afresh, nothing being committed", kills.fresh, "")
    figures.tell("restores from an uncommitted, damaged or older checkpoint, or of other tensors", len(kills.bad_restores), "", most=0)
    figures.tell("committed checkpoints that were lost, or not offered", len(kills.lost), "", most=0)
    figures.tell("iterations that did not come to their end", len(kills.stuck), "", most=0)


def flip(figures: Figures, stage: Platform, seed: int, numbers: list[int]) -> None:
    flips = Flips(stage, HERE / "flips.jsonl")
    flips.run(seed, numbers, say)
    complain(flips.wrong)
    by_kind = ", ".join(f"{kind} {flips.found[kind]} of {count}" for kind, count in sorted(flips.tried.items()))
    figures.about += f"\n\nFlipped bits found: {by_kind}."
    figures.tell("flipped bits", flips.tried.total(), "")
    figures.tell("flipped bits that were not found, not told or loaded", flips.tried.total() - flips.found.total(), "", most=0)


def clear_up(figures: Figures, stage: Platform) -> None:
    left, damaged = leftovers(stage), unverified(stage)
    complain(left + damaged)
    figures.tell("leftovers in run directories, S3 and tables", len(left), "", most=0)
    figures.tell("checkpoints in the table that do not read back", len(damaged), "", most=0)


def fill_the_disk(figures: Figures) -> list[str]:
    """What could not be done here."""
    disk = FullDisk()
    try:
        disk.run(HERE / "data" / "checkpoints")
    except NotHere as why:
        return [str(why)]
    complain(disk.wrong)
    figures.about += f" Full disk: {disk.failed} checkpoints failed and {disk.saved} were saved in {disk.steps} steps."
    figures.tell("steps from the last free byte to the next checkpoint", disk.while_full, "")
    figures.tell("full disk: what did not hold", len(disk.wrong), "", most=0)
    return []


def listed(counts: Counter[str]) -> str:
    return ", ".join(f"`{name}` {count}" for name, count in sorted(counts.items()))


def complain(lines: Iterable[str]) -> None:
    for line in lines:
        say(f"DOES NOT HOLD: {line}")


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
