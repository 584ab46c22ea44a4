"""What the workers have to give during one round of placement: the best place for a run, or why there is none.

Slots only become fewer in a round, and a worker that is held stays held; so what was once not there for a shape of run (device and number
of processes) need not be looked for again, and ten thousand waiting runs cost little more than their different shapes.
"""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from services.api.line import Waiting

_NAMED: Final = 3
"""So many draining or halted workers are named in a reason."""


@dataclass(slots=True)
class Offer:
    """One kind of device on one online worker. `halted`: why it takes nothing, if so. `held_for`: the run that waits for more of its slots
    and goes before later ones.
    """

    worker: str
    device: str
    total: int
    free: int
    draining: bool = False
    halted: str = ""
    held_for: Waiting | None = None
    index: int = 0

    def suits(self, run: Waiting) -> bool:
        return run.device in {"auto", self.device}


@dataclass
class _Shape:
    """Of all runs with one device and number of processes. `reason`: why none of them finds a place, once that cannot change any more.

    able: offers that could hold such a run if they were empty. open: those, by their free slots, most first; what has become held or
    has fewer is noticed when it comes up. suffix: of its reasons.
    """

    able: list[Offer] = field(default_factory=list)
    open: list[tuple[int, int]] = field(default_factory=list)
    reason: str = ""
    suffix: str = ""


class Offers:
    def __init__(self, offers: Iterable[Offer]) -> None:
        ordered = sorted(offers, key=lambda offer: (offer.worker, offer.device))
        self.usable = [offer for offer in ordered if not (offer.draining or offer.halted)]
        self.withheld = [offer for offer in ordered if offer.draining or offer.halted]
        self.largest = max((offer.total for offer in self.usable), default=0)
        self.with_free: dict[tuple[str, int], list[int]] = {}
        for index, offer in enumerate(self.usable):  # in the order of their names, so each list is a heap
            offer.index = index
            self.with_free.setdefault((offer.device, offer.free), []).append(index)
        self.shapes: dict[tuple[str, int], _Shape] = {}

    def best(self, run: Waiting) -> Offer | None:
        """GPUs before CPUs where the run leaves it open; then the fullest worker, so that large gaps stay."""
        for device in ("cuda", "cpu"):
            if run.device in {"auto", device}:
                for free in range(run.processes, self.largest + 1):
                    if offer := self._first(device, free):
                        return offer
        return None

    def _first(self, device: str, free: int) -> Offer | None:
        """The first that is not held with exactly so many free slots."""
        indices = self.with_free.get((device, free), [])
        while indices:
            offer = self.usable[indices[0]]
            if offer.free == free and offer.held_for is None:
                return offer
            heapq.heappop(indices)
        return None

    def take(self, offer: Offer, slots: int) -> None:
        offer.free -= slots
        heapq.heappush(self.with_free.setdefault((offer.device, offer.free), []), offer.index)

    def reason_to_wait(self, run: Waiting) -> str:
        """Also holds a worker for the run, so that smaller ones behind it cannot keep it waiting for ever."""
        key = (run.device, run.processes)
        shape = self.shapes.get(key) or self.shapes.setdefault(key, self._shape(run))
        if shape.reason:
            return shape.reason
        nearest = _pop_nearest(shape, self.usable)
        if nearest is None:
            first = shape.able[0].held_for
            shape.reason = f"waits behind run '{first.name}', which needs {_slots(first.processes)}" if first else "waits for its turn"
            shape.reason += shape.suffix
            return shape.reason
        nearest.held_for = run
        are = "is" if nearest.free == 1 else "are"
        return f"waits for {_slots(run.processes, 'free ')}; {nearest.free} of {nearest.total} {are} free{shape.suffix}"

    def _shape(self, run: Waiting) -> _Shape:
        suited = [offer for offer in self.usable if offer.suits(run)]
        withheld = [offer for offer in self.withheld if offer.suits(run) and offer.total >= run.processes]
        able = [(index, offer) for index, offer in enumerate(self.usable) if offer.suits(run) and offer.total >= run.processes]
        if able:
            nearest_first = [(-offer.free, index) for index, offer in able]
            heapq.heapify(nearest_first)
            return _Shape([offer for _, offer in able], nearest_first, suffix=f"; {_are_withheld(withheld)}" if withheld else "")
        if withheld:
            return _Shape(reason=_are_withheld(withheld))
        if not self.usable and not self.withheld:
            return _Shape(reason="no worker is online")
        suited += [offer for offer in self.withheld if offer.suits(run)]
        if not suited:
            return _Shape(reason=f"no online worker has a {run.device} slot")
        largest = max(offer.total for offer in suited)
        return _Shape(reason=f"waits for a worker with {run.processes} slots; the largest online has {largest}")


def _pop_nearest(shape: _Shape, offers: Sequence[Offer]) -> Offer | None:
    """The one with the most free slots that is not held for another run."""
    while shape.open:
        free, index = heapq.heappop(shape.open)
        offer = offers[index]
        if offer.held_for is not None:
            continue
        if offer.free == -free:
            return offer
        heapq.heappush(shape.open, (-offer.free, index))
    return None


def _are_withheld(offers: Sequence[Offer]) -> str:
    halted = {offer.worker: offer.halted for offer in offers if offer.halted}
    draining = sorted({offer.worker for offer in offers} - halted.keys())
    told = [f"{_named(draining)} draining"] if draining else []
    if len(halted) == 1:
        told += [f"worker {name} is halted: {why}" for name, why in halted.items()]
    elif halted:
        told.append(f"{_named(sorted(halted))} halted")
    return "; ".join(told)


def _named(workers: Sequence[str]) -> str:
    if len(workers) == 1:
        return f"worker {workers[0]} is"
    more = f" and {len(workers) - _NAMED} more" if len(workers) > _NAMED else ""
    return f"workers {', '.join(workers[:_NAMED])}{more} are"


def _slots(count: int, kind: str = "") -> str:
    return f"{count} {kind}slot{'' if count == 1 else 's'}"
