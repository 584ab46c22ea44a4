"""The parts of `./run chaos` that concern runs, and their figures."""

import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.bench.figures import Figures
from tests.chaos.eventful import tell_listeners
from tests.chaos.hosts import HEARTBEAT, LEASE, hosts
from tests.chaos.lanes import say
from tests.chaos.lived import Lived, Times
from tests.chaos.model import played
from tests.chaos.runs import OBEDIENT, STRICKEN, TORCH_PATIENCE, TORCH_STEPS, UNTOUCHED, planned
from tests.chaos.steered import SteeredRuns
from tests.chaos.troubles import FAULTS
from tests.chaos.world import ORDERS

SCALED: Final = f"lease {LEASE:g} s, of 60; heartbeat {HEARTBEAT:g} s, of 15"
ABOUT: Final = f"""Runs, in the model: the api's own code on SQLite, every tenth iteration on PostgreSQL where that is installed, with
simulated workers, two schedulers, a person and faults, all from one seed: hosts and agents killed, frozen and cut off, api and schedulers
killed between two writes, messages lost, late and doubled; commands, preemption, emergency stops and rollbacks among them. Runs, with real
processes: two agents with real children, each run with one fault ({SCALED}; agents look at their processes twice as often). Without torch
the child is tests/chaos/fake_training.py, two ranks of torchrun where it is said. Two platforms at a time, and the model behind them.
The history checker (tests/chaos/history.py) reads events and tables of all of them; its verdict is the number of its findings. Of runs with
real processes every point (all 64 bits of its value), every line and every other event of the history is compared with all segments of the
spools of every attempt and its agent, of which second names are kept, and these with the logs of the ranks (tests/chaos/compared.py)."""
OUTCOMES: Final = ("succeeded", "stopped", "killed", "failed", "lost", "paused", "preempted", "rolled_back")
MUST_HAPPEN: Final = (
    *FAULTS,
    *(f"{order} asked" for order in ORDERS),
    *(f"attempts {outcome}" for outcome in OUTCOMES),
    *(f"messages {what}" for what in ("lost", "late", "doubled", "unanswered")),
    *("api killed between two writes", "scheduler killed between two writes", "hosts gone for good", "emergency stops", "refused as stale"),
)
ENOUGH: Final = 200
"""In so many iterations of the model."""
ENOUGH_STEPS: Final = 500
"""While services are restarted. Fewer, of a restart or two, also tell what else the machine was doing, and are only told."""
RECONCILES: Final = LEASE / 4
"""The scheduler looks for silent workers that often."""


def model(seed: int, numbers: Sequence[int]) -> Figures:
    figures, counts, on, findings = Figures("chaos", ABOUT), Counter[str](), Counter[str](), 0
    for done in played(seed, numbers):
        counts += done.counts
        on[done.on] += 1
        findings += len(done.mistakes)
        for what in done.mistakes:
            say(f"DOES NOT HOLD: iteration {done.number} ({done.on}): {what}")
        if on.total() % 100 == 0:
            say(f"{on.total()} of {len(numbers)} iterations of the model")
    figures.about += f"\n\nIn the model: {', '.join(f'{name} {count}' for name, count in sorted(counts.items()))}."
    figures.tell("model: iterations", on.total(), f"({', '.join(f'{count} on {name}' for name, count in sorted(on.items()))})")
    figures.tell("model: runs, each brought to its end", counts["succeeded"] + counts["stopped"] + counts["killed"] + counts["failed"], "")
    if on.total() >= ENOUGH:
        never = [name for name in MUST_HAPPEN if not counts[name]]
        figures.tell(
            "model: kinds of faults, orders and ends that never happened", len(never), f"of {len(MUST_HAPPEN)} {never or ''}", most=0
        )
    figures.tell("model: what the history checker and the workers found", findings, "", most=0)
    return figures


def real(here: Path, name: str, plan: Sequence[tuple[int, str]], seed: int) -> Lived:
    """On a platform of its own, in the folder of that name."""
    torch = name.startswith("torch")
    with hosts(here / "data" / name, torch=torch) as platform:
        runs = SteeredRuns(platform, here / "runs.jsonl", seed)
        if torch:
            runs.count, runs.ranks, runs.patience = TORCH_STEPS, 2, TORCH_PATIENCE
        return runs.run(plan, say)


def told(lives: Sequence[Lived], *, torch: bool) -> Figures:
    figures, kind = Figures("chaos", ""), "torch, two ranks" if torch else "real processes"
    all_of_them = Lived()
    for lived in lives:
        all_of_them.add(lived)
    listed = ", ".join(f"{name} {count}" for name, count in sorted(all_of_them.done.items()))
    figures.about += f"Faults with {kind}: {listed}."
    figures.tell(f"{kind}: runs, each with a fault", all_of_them.done.total(), "")
    kinds = len({*UNTOUCHED, *STRICKEN, *OBEDIENT})
    all_hit = not torch and all_of_them.done.total() >= 3 * len(UNTOUCHED)  # they come in turn with two other kinds
    figures.tell(f"{kind}: kinds of faults", len(all_of_them.done), f"of {kinds}", least=kinds if all_hit else None)
    figures.tell(f"{kind}: steps in their histories, lost or doubled", all_of_them.flaws, f"of {all_of_them.steps}", most=0)
    figures.tell(f"{kind}: what did not hold, history checker included", len(all_of_them.wrong), "", most=0)
    tell_listeners(figures, kind, all_of_them)
    if not torch:
        tell_times(figures, all_of_them.times, full=all_hit)
    return figures


def tell_times(figures: Figures, times: Times, *, full: bool) -> None:
    late = LEASE + RECONCILES
    tell_two(figures, "submit to claimed by an idle worker", times.to_claimed, most=2.0)
    tell_two(figures, "submit to running, the start of a child without torch included", times.to_running, most=2.0)
    tell_two(figures, "dead process noticed, on a live host", times.dead_process, most=5.0)
    tell_two(figures, f"dead worker noticed (lease and a look: {late:g} s; 75 s unscaled)", times.dead_worker, most=late + 1)
    tell_two(figures, "emergency stop to all processes gone", times.emergency, most=2.0)
    tell_two(figures, f"the same with Redis down (heartbeat {HEARTBEAT:g} s)", times.emergency_without_redis, most=HEARTBEAT + 2)
    tell_two(figures, "command to applied", times.commands, most=1.0 + 0.01)
    if times.steps_during:
        before, during = statistics.median(times.steps_before) * 1000, statistics.median(times.steps_during) * 1000
        enough = len(times.steps_during) >= ENOUGH_STEPS
        figures.tell("steps while services were restarted", len(times.steps_during), "", least=ENOUGH_STEPS if full else None)
        figures.tell("step time while a service is restarted, median", during, "ms", peer=before, ratio=1.05 if enough else None)


def tell_two(figures: Figures, name: str, seconds: Sequence[float], *, most: float) -> None:
    if seconds:
        figures.tell(f"{name}: p50", statistics.median(seconds), "s")
        figures.tell(f"{name}: p95 of {len(seconds)}", sorted(seconds)[int(len(seconds) * 0.95)], "s", most=most, timed=True)


def plans(seed: int, first: int, fake: int, torch: int) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """Numbered on from `first`."""
    both = [(first + number, fault) for number, fault in [*planned(seed, fake), *((fake + n, f) for n, f in planned(seed + 1, torch))]]
    return both[:fake], both[fake:]
