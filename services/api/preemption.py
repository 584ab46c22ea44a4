"""Which running attempts give their slots to a run of higher priority that finds no place. Pure: it decides, `giving_way` carries out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from services.api.line import Waiting
from services.api.offers import Offer

AT_ONCE: Final = 20
"""So many runs at most have others preempted in one round of placement; saving takes longer than the next round needs to come."""
_NAMED: Final = 3

Cost = tuple[int, int, int, int, float]
"""Slots, the highest priority among the victims, their number, their priorities' sum, and how long they have had their slots, taken
together: less is better, in this order.
"""


class Holder(NamedTuple):
    """An attempt and its slots, all of one device on one worker. `leaving`: it has been asked to give them back."""

    attempt_id: str
    run_id: str
    name: str
    worker: str
    device: str
    priority: int
    slots: int
    placed_at: float
    preemptible: bool = True
    leaving: bool = False


@dataclass(frozen=True)
class Decision:
    """Slots are on their way: of `awaited`, all that is to be waited for; `victims` are those that have yet to be asked."""

    awaited: Sequence[Holder]
    victims: Sequence[Holder] = ()

    @property
    def reason(self) -> str:
        names = [f"'{holder.name}'" for holder in self.awaited]
        if len(names) == 1:
            return f"waits for run {names[0]} to be saved and to give back its slots"
        shown = names if len(names) <= _NAMED else [*names[: _NAMED - 1], f"{len(names) - _NAMED + 1} more"]
        return f"waits for runs {', '.join(shown[:-1])} and {shown[-1]} to be saved and to give back their slots"


def choose(needed: int, priority: int, holders: Iterable[Holder]) -> tuple[Cost, list[Holder]] | None:
    """Victims of lower priority that free `needed` slots or as little more as can be, at the least cost; None where they cannot."""
    able = [one for one in holders if one.preemptible and not one.leaving and one.priority < priority]
    if needed <= 0 or sum(one.slots for one in able) < needed:
        return None
    fewest = _cheapest(needed, able)[0][0]
    for highest in sorted({one.priority for one in able}):
        lower = [one for one in able if one.priority <= highest]
        if sum(one.slots for one in lower) >= needed:
            cost, victims = _cheapest(needed, lower)
            if cost[0] == fewest:
                return cost, victims
    raise AssertionError("all of them together were enough")


def _cheapest(needed: int, able: Sequence[Holder]) -> tuple[Cost, list[Holder]]:
    """By the sum of their slots, the cheapest set that has it: each holder is added to each set or not."""
    sets: dict[int, tuple[tuple[int, int, float], list[Holder]]] = {0: ((0, 0, 0.0), [])}
    for one in able:
        for slots, ((count, priorities, age), chosen) in list(sets.items()):
            if slots >= needed:
                continue  # one more would be more than is needed
            cost, total = (count + 1, priorities + one.priority, age - one.placed_at), slots + one.slots
            if total not in sets or cost < sets[total][0]:
                sets[total] = (cost, [*chosen, one])
    total = min(slots for slots in sets if slots >= needed)
    (count, priorities, age), chosen = sets[total]
    return (total, max(one.priority for one in chosen), count, priorities, age), chosen


@dataclass
class _Place:
    """An offer and what holds its slots. `leaving`: of those on their way out, what nobody has been promised; `promised`: the others.
    `extra`: what promises have added to the offer's free slots, or taken. `answers`: of `choose` about these holders, which thousands
    of waiting runs ask for.
    """

    offer: Offer
    holders: list[Holder] = field(default_factory=list)
    leaving: list[Holder] = field(default_factory=list)
    promised: list[Holder] = field(default_factory=list)
    extra: int = 0
    answers: dict[tuple[int, int], tuple[Cost, list[Holder]] | None] = field(default_factory=dict)

    def victims(self, run: Waiting) -> tuple[Cost, list[Holder]] | None:
        asked = (run.processes - self.spare, run.priority)
        if asked not in self.answers:
            self.answers[asked] = choose(*asked, self.holders)
        return self.answers[asked]

    def ask(self, victims: Sequence[Holder]) -> None:
        self.holders = [one for one in self.holders if one not in victims]
        self.leaving += victims
        self.answers.clear()

    @property
    def spare(self) -> int:
        return self.offer.free + self.extra + sum(one.slots for one in self.leaving)

    def suits(self, run: Waiting, device: str) -> bool:
        ours = self.offer.held_for is None or bool(self.promised)
        return self.offer.device == device and run.device in {"auto", device} and self.offer.total >= run.processes and ours

    def promise(self, run: Waiting) -> list[Holder]:
        """Free slots first, then those on their way; says whose. None of them is for runs behind it."""
        self.offer.held_for = self.offer.held_for or run
        missing, awaited = run.processes - self.offer.free - self.extra, []
        while missing > 0:
            awaited.append(self.leaving.pop(0))
            missing -= awaited[-1].slots
        self.extra = -missing - self.offer.free
        self.promised += awaited
        return awaited or self.promised[-1:]


class Preemption:
    """During one round of placement. `load` is asked for the holders, of lower priority than the run's, when a run first needs them.

    `coming`: where slots are on their way, which is all that most of ten thousand waiting runs need to look at.
    A run that others have been preempted for finds the slots that are on their way promised to it again in each round, so nothing is
    preempted twice for one need.
    """

    def __init__(self, offers: Sequence[Offer], load: Callable[[int], Iterable[Holder]]) -> None:
        self.offers, self.load = offers, load
        self.places: list[_Place] | None = None
        self.coming: list[_Place] = []
        self.hopeless: set[tuple[str, int]] = set()
        self.left = AT_ONCE

    def decide(self, run: Waiting) -> Decision | None:
        """None where nothing would make it fit. Asked for runs in order of priority, so a shape that finds nothing finds nothing later."""
        shape = (run.device, run.processes)
        if shape in self.hopeless:
            return None
        if self.places is None:
            self.places = self._loaded(run.priority)
            self.coming = [place for place in self.places if place.leaving]
        for way, places in ((self._await, self.coming), (self._preempt, self.places if self.left else [])):
            for device in ("cuda", "cpu"):
                if decision := way(run, [place for place in places if place.suits(run, device)]):
                    return decision
        self.hopeless.add(shape)  # also where nobody may be asked any more in this round: what is on its way only becomes less
        return None

    def _loaded(self, priority: int) -> list[_Place]:
        offers = {(offer.worker, offer.device): offer for offer in self.offers}
        places: dict[tuple[str, str], _Place] = {}
        for holder in sorted(self.load(priority), key=lambda holder: (holder.placed_at, holder.attempt_id)):
            key = (holder.worker, holder.device)
            if key in offers:
                place = places.setdefault(key, _Place(offers[key]))
                (place.leaving if holder.leaving else place.holders).append(holder)
        return list(places.values())

    def _await(self, run: Waiting, places: Iterable[_Place]) -> Decision | None:
        """The tightest fit, so that a larger run that was promised more still finds it."""
        enough = [place for place in places if place.spare >= run.processes]
        if not enough:
            return None
        return Decision(min(enough, key=lambda place: (place.spare, place.offer.worker)).promise(run))

    def _preempt(self, run: Waiting, places: Iterable[_Place]) -> Decision | None:
        found: list[tuple[Cost, str, _Place, list[Holder]]] = []
        for place in places:
            if chosen := place.victims(run):
                found.append((chosen[0], place.offer.worker, place, chosen[1]))
        if not found:
            return None
        self.left -= 1
        _cost, _worker, place, victims = min(found, key=lambda one: one[:2])
        place.ask(victims)
        if place not in self.coming:
            self.coming.append(place)
        return Decision(place.promise(run), victims)
