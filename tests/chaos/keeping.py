"""The part of `./run chaos` that concerns checkpoints, and its figures."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.bench.figures import Figures
from tests.chaos.disk import FullDisk, NotHere
from tests.chaos.flips import Flips
from tests.chaos.kills import KILLED_AT, Kill, Kills
from tests.chaos.lanes import say
from tests.chaos.leftovers import leftovers, unverified
from tests.chaos.platform import Platform, platform

ABOUT: Final = """Checkpoints: real processes on one machine: Redis, `rclone serve s3`, api, storage, the scheduler with its housekeeping,
an agent and its training child, on SQLite. They are forked from a process that has everything imported, look about them more often than
they do otherwise (tests/chaos/processes.py) and collect garbage after seconds; the child's checkpoints hold tensors that are a known
function of run and step. Kills: a process is armed to kill itself at a crash point (`shared/crash.py`); the agent before it is killed at
whatever moment that is; the next attempt's child compares what it went on from bit by bit, and this bench compares that with the tables.
Flipped bits: one bit of one file of the newest committed checkpoint, read by the product's own code, then flipped back. Full disk: a
tmpfs of 96 MiB under a child of torchrun."""
TIMES: Final = 20
"""At least so many kills at each point, where all kills together are enough for that."""


def keep(here: Path, seed: int, plan: list[Kill], flips: list[int]) -> Figures:
    figures = Figures("chaos", ABOUT)
    with platform(here / "data" / "checkpoints") as stage:
        if plan:
            kill(figures, stage, here, plan)
        if flips:
            flip(figures, stage, here, seed, flips)
        clear_up(figures, stage)
    return figures


def kill(figures: Figures, stage: Platform, here: Path, plan: list[Kill]) -> None:
    kills = Kills(stage, here / "kills.jsonl")
    kills.run(plan, say)
    complain(kills.wrong)
    figures.about += f"\n\nKills by point: {listed(kills.killed)}. Beside them {kills.moments} agents with their children, at any moment."
    figures.tell("kills at named crash points", kills.killed.total(), "")
    figures.tell("crash points", len(kills.killed), f"of {len(KILLED_AT)}")
    wanted = TIMES if len(plan) >= TIMES * len(KILLED_AT) else 0
    figures.tell(f"crash points with fewer than {TIMES} kills", sum(kills.killed[point] < wanted for point in KILLED_AT), "", most=0)
    figures.tell("attempts that went on from a checkpoint", kills.restores, "")
    figures.tell("attempts that began afresh, nothing being committed", kills.fresh, "")
    figures.tell("restores from an uncommitted, damaged or older checkpoint, or of other tensors", len(kills.bad_restores), "", most=0)
    figures.tell("committed checkpoints that were lost, or not offered", len(kills.lost), "", most=0)
    figures.tell("iterations that did not come to their end", len(kills.stuck), "", most=0)


def flip(figures: Figures, stage: Platform, here: Path, seed: int, numbers: list[int]) -> None:
    flips = Flips(stage, here / "flips.jsonl")
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


def fill_the_disk(here: Path) -> tuple[Figures, list[str]]:
    """And what could not be done here."""
    figures, disk = Figures("chaos", ""), FullDisk()
    try:
        disk.run(here / "data" / "checkpoints")
    except NotHere as why:
        return figures, [str(why)]
    complain(disk.wrong)
    figures.about = f" Full disk: {disk.failed} checkpoints failed and {disk.saved} were saved in {disk.steps} steps."
    figures.tell("steps from the last free byte to the next checkpoint", disk.while_full, "")
    figures.tell("full disk: what did not hold", len(disk.wrong), "", most=0)
    return figures, []


def listed(counts: Counter[str]) -> str:
    return ", ".join(f"`{name}` {count}" for name, count in sorted(counts.items()))


def complain(lines: Iterable[str]) -> None:
    for line in lines:
        say(f"DOES NOT HOLD: {line}")
