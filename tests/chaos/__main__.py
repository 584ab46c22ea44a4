"""`./run chaos [--seed N] [--part runs|events|checkpoints] [--short] [--only K] [--kills 500] [--flips 1000] [--model 1000] [--runs 60]
[--torch 10] [--events 36]`: what breaks on purpose, and what must hold all the same.

Each iteration has a number and is a line in build/chaos/. Of checkpoints: kills, then flipped bits. Of runs: the model's, then those with
real processes, then those with torch. Of events: each a run of its own. `--part P --only K` repeats one of them alone, with the same seed
and the same other options.
"""

import argparse
import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator

from tests.bench.figures import Figures
from tests.chaos import eventful, keeping, parts
from tests.chaos.kills import KILLED_AT, planned
from tests.chaos.lanes import BEHIND, lane, say
from tests.e2e.stack import ROOT

HERE = ROOT / "build" / "chaos"
MOST_SECONDS = 20 * 60


def main() -> int:
    options = parsed()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    say(f"chaos: seed {options.seed}")
    shutil.rmtree(HERE, ignore_errors=True)
    (HERE / "data").mkdir(parents=True)
    begun, not_here, found = time.monotonic(), ["several hosts", "GPUs", "loss of power"], list[Figures]()
    with model(options) as modelled:
        if options.part in {"", "runs"}:
            found += survive(options)
        if options.part in {"", "events"} and options.events:
            found += follow(options, not_here)
        if options.part in {"", "checkpoints"}:
            found += keep(options, not_here)
        found[:0] = modelled()
    figures = Figures("chaos", "\n\n".join(one.about.strip() for one in found), [figure for one in found for figure in one.all])
    shutil.rmtree(HERE / "data", ignore_errors=True) if all(figure.holds for figure in figures.all) else None
    figures.tell("took", time.monotonic() - begun, "s", most=None if options.short else MOST_SECONDS, timed=True)
    figures.about += f"\n\nSeed {options.seed}{', --short' if options.short else ''}."
    partly = options.short or bool(options.only) or bool(options.part)
    code = figures.finish(", ".join(not_here), short=partly)
    say(f"chaos: {'everything holds' if code == 0 else 'something does NOT hold; build/chaos/ has the history'} (seed {options.seed})")
    return code


@contextlib.contextmanager
def model(options: argparse.Namespace) -> Iterator[Callable[[], list[Figures]]]:
    """It computes behind everything else, from the beginning; what it yields waits for its figures."""
    numbers = [number for number in range(1, options.model + 1) if options.only in {None, number}]
    if not numbers or options.part not in {"", "runs"}:
        yield list
        return
    with lane(parts.model, options.seed, numbers, nice=BEHIND) as result:
        yield lambda: [result()]


def survive(options: argparse.Namespace) -> list[Figures]:
    """Runs, with real processes: two platforms at a time, since they mostly wait; then with torch, which needs both cores."""
    fake, torch = (
        [one for one in plan if options.only in {None, one[0]}]
        for plan in parts.plans(options.seed, options.model, options.runs, options.torch)
    )
    found = []
    for with_torch, plans in ((False, (fake[::2], fake[1::2])), (True, (torch,))):
        with contextlib.ExitStack() as stack:
            results = [
                stack.enter_context(lane(parts.real, HERE, f"{'torch' if with_torch else 'hosts'}-{number}", plan, options.seed))
                for number, plan in enumerate(plans)
                if plan
            ]
            lives = [result() for result in results]
        if lives:
            found.append(parts.told(lives, torch=with_torch))
    return found


def follow(options: argparse.Namespace, not_here: list[str]) -> list[Figures]:
    """The events' part: what clients are told, and what the history keeps."""
    numbers = [number for number in range(1, options.events + 1) if options.only in {None, number}]
    with lane(eventful.run, HERE, numbers, options.seed) as result:
        lived, missing = result()
    not_here += missing
    return [eventful.told(lived)]


def keep(options: argparse.Namespace, not_here: list[str]) -> list[Figures]:
    """The checkpoints' part."""
    plan = planned(options.seed, options.kills, list(KILLED_AT))
    flips = list(range(options.kills + 1, options.kills + options.flips + 1))
    if options.only:
        plan, flips = plan[options.only - 1 : options.only], [number for number in flips if number == options.only]
    with lane(keeping.keep, HERE, options.seed, plan, flips) as result:
        found = [result()]
    if not options.only:
        figures, missing = keeping.fill_the_disk(HERE)
        found.append(figures)
        not_here += missing
    return found


def parsed() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    arguments.add_argument("--kills", type=int, default=500)
    arguments.add_argument("--flips", type=int, default=1000)
    arguments.add_argument("--model", type=int, default=1000)
    arguments.add_argument("--runs", type=int, default=60)
    arguments.add_argument("--torch", type=int, default=10)
    arguments.add_argument("--events", type=int, default=36)
    arguments.add_argument("--part", choices=("runs", "events", "checkpoints"), default="")
    arguments.add_argument("--short", action="store_true", help="a few of each, for CI; under 2 min")
    arguments.add_argument("--only", type=int, metavar="K", help="one iteration alone")
    options = arguments.parse_args()
    if options.short:
        options.kills, options.flips, options.model, options.runs, options.torch = len(KILLED_AT), 40, 20, 5, 0
        options.events = 4
    if options.only and not options.part:
        arguments.error(f"--only {options.only}: of which part? Add --part runs, events or checkpoints")
    of_part = {"runs": options.model + options.runs + options.torch, "events": options.events}
    most = of_part.get(options.part, options.kills + options.flips)
    if options.only and not 1 <= options.only <= most:
        arguments.error(f"--only {options.only}: there are {most} iterations in that part")
    return options


if __name__ == "__main__":
    sys.exit(main())
