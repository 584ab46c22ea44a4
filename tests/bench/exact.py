"""`./run bench-exact [--short] [--seed N]`: kills at random points change nothing, a replay of spec and journal is the same run, another
number of processes reads the same samples, and what a checkpoint costs the training. Exits with 1 where a figure misses its limit.
"""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from services.trainer.host import Command
from services.trainer.world import available_cores
from tests.bench import stall
from tests.bench.figures import Figures
from tests.bench.forks import fork_command
from tests.bench.kills import Kills, spec_of
from tests.bench.replays import LAST_STEP, Replays
from tests.bench.worlds import changed_samples, switch_worlds

ABOUT = """A small run (two processes, dropout, two micro-batches a step, documents packed into one stream) is killed at random points,
by a seed, again and again, and goes on from the newest committed checkpoint; a real courier carries those, and is killed too. Every
fifth attempt is started by torchrun, the others are forks of a process that has torch. All losses of steps and evaluations, weights,
optimiser states, random numbers and `state.json` are compared bit by bit with the same run undisturbed, and so is what the api would
know of each checkpoint's evaluation. Then such a run is steered (learning rate, weight decay, betas, clipping, schedule, batch and
last step are changed while it trains, while it stands still and before it leaves), held, paused and killed twice, and replayed from
its spec and its journal without all that: the losses of every step and evaluation of every attempt, and the last checkpoint. At
another number of processes the samples that are compared are those the ranks really read. Then what a checkpoint costs: the peer of
the stall is one synchronous `torch.save` of the same state, that of restoring a plain read of the files."""


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--short", action="store_true", help="4 kills, 1 replay and a smaller model, for CI; under 2 minutes")
    arguments.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    options = arguments.parse_args()
    print(f"bench-exact: seed {options.seed}", file=sys.stderr, flush=True)
    about = f"{ABOUT}\n\nSeed {options.seed}{', --short' if options.short else ''}."
    figures = Figures("bench-exact", about)
    with tempfile.TemporaryDirectory() as scratch, fork_command(Path(scratch)) as forks:
        folder = Path(scratch)
        kill(figures, Kills(folder / "kills", 4 if options.short else 50, random.Random(options.seed), forks))
        replay(figures, Replays(folder / "replays", 1 if options.short else 5, random.Random(options.seed), forks))
        change_worlds(figures, folder, forks)
        size = stall.Size(n_embd=160, every=20) if options.short else stall.Size(n_embd=640, every=50)
        cost(figures, size, folder, promised=not options.short)
    return figures.finish(not_here="GPUs, several hosts", short=options.short)


def kill(figures: Figures, kills: Kills) -> None:
    kills.run()
    for line in (*kills.inexact, *kills.misjudged, *kills.uncommitted):
        print(f"NOT EXACT: {line}", file=sys.stderr, flush=True)
    told = ", ".join(f"{place} {count}" for place, count in sorted(kills.killed.items()))
    figures.about += f" {kills.killed.total()} kills in {kills.finished} runs: {told}."
    figures.tell("kills", kills.killed.total(), "")
    if kills.wanted >= len(kills.places):
        figures.tell("crash points without a kill", len(set(kills.places) - set(kills.killed)), "", most=0)
    figures.tell("differences after a kill", len(kills.inexact), "", most=0)
    figures.tell("checkpoints with another evaluation than their step's", len(kills.misjudged), "", most=0)
    figures.tell("restores from another than the newest committed checkpoint", len(kills.uncommitted), "", most=0)


def replay(figures: Figures, replays: Replays) -> None:
    replays.run()
    for line in replays.different:
        print(f"NOT THE SAME: {line}", file=sys.stderr, flush=True)
    told = ", ".join(f"{ended} {count}" for ended, count in sorted(replays.ended.items()))
    figures.about += f" {replays.changes} changes in {replays.wanted} replayed run(s), whose attempts ended thus before the last: {told}."
    figures.tell("steps compared with a replay of spec and journal", replays.steps, "", least=replays.wanted * LAST_STEP)
    figures.tell("differences between a run and its replay", len(replays.different), "", most=0)


def change_worlds(figures: Figures, folder: Path, forks: Command) -> None:
    found = switch_worlds(folder / "worlds", forks)
    figures.tell("steps with other samples at another world size", changed_samples(spec_of(), folder / "tokens"), "", most=0)
    figures.tell("steps after a restore with other samples than undisturbed", found.samples, "", most=0)
    figures.tell("largest loss difference of 2 -> 1 -> 2 processes", 1e6 * found.loss, "millionths", most=10)


def cost(figures: Figures, size: stall.Size, folder: Path, *, promised: bool) -> None:
    """`promised`: the size of which something is promised; of a small model with few steps between, a moment's noise is a large share."""
    found = stall.measure(size, folder / "stall")
    megabytes = found.bytes / 1e6
    figures.about += (
        f" The stall is of a model of {found.parameters / 1e6:.1f} M parameters ({megabytes:.0f} MB of state) on {available_cores()} cores,"
        f" 256 tokens a step, a checkpoint every {size.every} steps."
    )
    figures.tell("worst stall", 1e3 * found.worst, "ms", peer=1e3 * found.torch_save)
    figures.tell("worst stall, of the interval", 100 * found.share, "%", most=1, timed=not promised)
    figures.tell("from the step to the disk", found.written, "s")
    figures.tell("a step while one is written, of any other", found.meanwhile, "times")
    figures.tell("restored and verified", megabytes / found.restored, "MB/s", peer=megabytes / found.plain_read)


if __name__ == "__main__":
    sys.exit(main())
