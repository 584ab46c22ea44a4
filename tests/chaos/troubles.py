"""What goes wrong in the model."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from tests.chaos.hands import Hand

if TYPE_CHECKING:
    from tests.chaos.world import World

LENGTHS: Final = (3.0, 20.0, 45.0, 80.0, 130.0)
"""Simulated seconds, within the lease and past it."""
FOR_GOOD: Final = 0.2
"""Such a share of the hosts with one slot that die or freeze never comes back: nobody but the scheduler ends their attempts."""


def go_wrong(world: "World") -> str:
    """One fault, of one worker where it is a worker's; which."""
    hand, kind = world.rng.choice(world.hands), world.rng.choice(list(FAULTS))
    FAULTS[kind](world, hand, world.rng.choice(LENGTHS))
    return kind


def host_killed(world: "World", hand: Hand, seconds: float) -> None:
    if hand.up:
        hand.die()
        _later(world, hand, seconds, hand.come_back)


def agent_killed(_world: "World", hand: Hand, _: float) -> None:
    """Its children go on, and the next agent adopts them."""
    if hand.up:
        hand.come_back()


def agent_stopped(_world: "World", hand: Hand, _: float) -> None:
    hand.save_all("left")


def process_killed(_world: "World", hand: Hand, _: float) -> None:
    hand.crash_a_child()


def frozen(world: "World", hand: Hand, seconds: float) -> None:
    """SIGSTOP, and SIGCONT: it goes on as if nothing had been."""
    if hand.up:
        hand.up = False
        _later(world, hand, seconds, lambda: setattr(hand, "up", True))


def _later(world: "World", hand: Hand, seconds: float, back: Callable[[], None]) -> None:
    if hand.slots == 1 and world.rng.random() < FOR_GOOD:
        world.counts["hosts gone for good"] += 1
    else:
        world.after(seconds, back)


def cut_off(world: "World", hand: Hand, seconds: float) -> None:
    hand.network.cut = True
    world.after(seconds, lambda: setattr(hand.network, "cut", False))


def api_down(world: "World", _hand: Hand, seconds: float) -> None:
    world.api_up = False
    world.after(seconds / 2, lambda: setattr(world, "api_up", True))


def scheduler_restarted(world: "World", _hand: Hand, _: float) -> None:
    world.schedulers[world.rng.randrange(2)] = world.new_scheduler()


def killed_writing(world: "World", _hand: Hand, _: float) -> None:
    world.database.armed = (world.rng.randrange(6), world.rng.choice(("before", "after")))


FAULTS: Final[Mapping[str, Callable[["World", Hand, float], None]]] = {
    "host killed": host_killed,
    "agent killed": agent_killed,
    "agent stopped": agent_stopped,
    "process killed": process_killed,
    "frozen": frozen,
    "cut off": cut_off,
    "api down": api_down,
    "scheduler restarted": scheduler_restarted,
    "killed writing": killed_writing,
}
