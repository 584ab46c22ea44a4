"""What clients were told of a run, against what may never happen and against the history; the history against the trainers' spools."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos.listening import STEPS_AND_LOGS, Heard

Place = tuple[str, int]
"""Of a producer: its name, its number."""
Taken = tuple[int, int]
"""A step: attempt, number."""


@dataclass
class Kept:
    """What the history has of a topic: steps of every attempt, with how often; other events, in order."""

    steps: Counter[Taken] = field(default_factory=Counter)
    events: list[Place] = field(default_factory=list)


def unheard_of(log: Sequence[Heard]) -> Iterator[str]:
    """One client, one topic: every event follows the one before it, or an explicit reset."""
    place: tuple[str, int] | None = None
    producers: dict[str, int] = {}
    for heard in log:
        if heard.kind == "cut":
            continue
        if heard.kind == "subscribed" and place not in {None, (heard.epoch, heard.seq)}:
            yield f"subscribed at {heard.seq}, and was at {place}, without a reset"
        if heard.kind == "event":
            yield from _misplaced(heard, place, producers)
            producers[heard.producer] = heard.producer_seq
        if heard.kind == "reset":
            producers.clear()
        place = heard.epoch, heard.seq


def _misplaced(heard: Heard, place: tuple[str, int] | None, producers: Mapping[str, int]) -> Iterator[str]:
    if place is None:
        yield f"event {heard.seq} before it was subscribed"
        return
    epoch, seq = place
    if heard.epoch != epoch:
        yield f"event {heard.seq} of another epoch behind {seq}, without a reset"
    elif heard.seq != seq + 1:
        yield f"event {heard.seq} behind {seq}: {'lost' if heard.seq > seq else 'doubled or out of order'}"
    last = producers.get(heard.producer)
    if last is not None and heard.producer_seq != last + 1:
        yield f"{heard.producer} says {heard.producer_seq} behind {last}"


def unknown_to_history(log: Sequence[Heard], kept: Kept) -> Iterator[str]:
    """What a client was told is in the history, in the order in which it was told. Where Redis forgot (a reset), producers say all again
    beside each other, and only what each of them said keeps its order, which its numbers tell."""
    order = {place: number for number, place in enumerate(kept.events)}
    newest, forgot = -1, any(heard.kind == "reset" for heard in log)
    for heard in log:
        if heard.kind != "event":
            continue
        kind, attempt, step = heard.about
        if kind == "StepCompleted" and not kept.steps[attempt, step]:
            yield f"step {step} of attempt {attempt} was told and is not in the history"
        if kind in STEPS_AND_LOGS:
            continue
        found = order.get((heard.producer, heard.producer_seq))
        if found is None:
            yield f"{kind} of {heard.producer} was told and is not in the history"
        elif found < newest and not forgot:
            yield f"{kind} of {heard.producer} is in the history before what was told earlier"
        else:
            newest = found


def unlike_the_spools(logged: Mapping[int, Sequence[int]], kept: Kept) -> Iterator[str]:
    """Of each attempt, what its spool says and what the history has. A successor's fence may cut an earlier attempt short, nothing else."""
    there: dict[int, list[int]] = defaultdict(list)
    for (attempt, step), count in sorted(kept.steps.items()):
        there[attempt].append(step)
        if count != 1:
            yield f"step {step} of attempt {attempt} is in the history {count} times"
    for attempt in sorted({*there, *logged}):
        said, has = list(logged.get(attempt, ())), there.get(attempt, [])
        if attempt == max(logged, default=0):
            lost, more = sorted(set(said) - set(has)), sorted(set(has) - set(said))
            if lost or more:
                yield f"attempt {attempt} logged {len(said)} steps: {len(lost)} lost {lost[:5]}, {len(more)} never logged {more[:5]}"
        elif has != said[: len(has)]:
            yield f"attempt {attempt}, which had a successor: the history is no beginning of what it logged"


def disordered(events: Sequence[Place]) -> Iterator[str]:
    newest: dict[str, int] = {}
    for producer, number in events:
        if number < newest.get(producer, 0):
            yield f"event {number} of {producer} is in the history behind {newest[producer]}"
        newest[producer] = number


def doubled(events: Iterable[Place]) -> Iterator[str]:
    for (producer, number), count in Counter(events).items():
        if count > 1:
            yield f"event {number} of {producer} is in the history {count} times"


def mistakes(logs: Mapping[str, Sequence[Heard]], logged: Mapping[int, Sequence[int]], kept: Kept) -> list[str]:
    """Everything that may not be, of one topic. `logs`: by client. `logged`: steps of each attempt's spool; empty where there is none."""
    found = [f"{name}: {what}" for name, log in logs.items() for what in (*unheard_of(log), *unknown_to_history(log, kept))]
    return found + [*doubled(kept.events), *disordered(kept.events)] + (list(unlike_the_spools(logged, kept)) if logged else [])
