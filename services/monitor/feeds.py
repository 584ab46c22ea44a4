"""Who follows a topic, and how one of them goes on from where it stands."""

from dataclasses import dataclass, field

from services.monitor import frames
from services.monitor.outbox import Outbox
from shared import bus


@dataclass(eq=False, slots=True)
class Subscription:
    """`(epoch, seq)`: the last event that the outbox has. Without an epoch it begins where the history ends.

    paced: it is never live, but catches up now and then, by digests; resting: until then.
    """

    topic: str
    outbox: Outbox
    epoch: str | None = None
    seq: int = 0
    announced: bool = False
    live: bool = False
    paced: bool = False
    resting: bool = False

    @property
    def place(self) -> tuple[str | None, int]:
        return self.epoch, self.seq

    @property
    def settled(self) -> bool:
        """It has caught up, and needs no reading until something happens."""
        return self.live or self.resting

    def goes_with(self, other: "Subscription", place: tuple[str | None, int]) -> bool:
        """Whether a page read for the other one from `place` is right for this one, too."""
        return self.place == place and self.paced == other.paced and not self.resting and not self.outbox.frames


@dataclass(eq=False)
class Feed:
    """`(epoch, seq)`: the last event that every live subscription has."""

    topic: str
    epoch: str = ""
    seq: int = 0
    live: set[Subscription] = field(default_factory=set)
    joining: set[Subscription] = field(default_factory=set)

    @property
    def empty(self) -> bool:
        return not self.live and not self.joining


@dataclass(frozen=True, slots=True)
class Step:
    """How a joining subscription goes on: what it is sent, where it stands then, and whether the feed hands it the rest."""

    frames: list[bytes]
    epoch: str
    seq: int
    live: bool = False


def step(feed: Feed, page: bus.Range, place: tuple[str | None, int], manner: tuple[bool, bool]) -> Step:
    """`place`: where the subscription stands. `manner`: whether it is fresh, as it has not been told so yet; whether it is paced."""
    topic, (epoch, seq), (fresh, paced) = feed.topic, place, manner
    if epoch is None:
        return Step([frames.subscribed(topic, page.epoch, page.committed)], page.epoch, page.committed)
    entries = unbroken(seq, page)
    if epoch != page.epoch or entries is None:
        at = _restart_at(place, page)
        return Step([frames.reset(topic, page.epoch, at)], page.epoch, at)
    answer = [frames.subscribed(topic, page.epoch, seq)] if fresh else []
    entries = [entry for entry in entries if entry[0] <= feed.seq]
    told = frames.digest(topic, page.epoch, seq, entries) if paced else frames.events(topic, page.epoch, entries)
    seq += len(entries)
    return Step(answer + told, page.epoch, seq, live=seq == feed.seq)


def unbroken(seq: int, page: bus.Range) -> list[tuple[int, bytes]] | None:
    """The page's entries up to the first hole; None where the hole is right behind `seq`, or `seq` was never given out."""
    entries = [entry for place, entry in enumerate(page.entries, seq + 1) if entry[0] == place]
    return entries if entries or seq == page.newest else None


def _restart_at(place: tuple[str | None, int], page: bus.Range) -> int:
    """What the history has need not be sent again. Where even the stream behind that is gone, at what is left of it."""
    if place != (page.epoch, page.committed):
        return page.committed
    return page.entries[0][0] - 1 if page.entries else page.newest
