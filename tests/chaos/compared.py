"""The history against what the trainers logged: every step with all its values, every line of every rank, every other event, in order.

An attempt that had a successor may be cut short by that one's fence, at one place for each of its two producers and nowhere else, and only
where the fence has refused it.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.events import Record
from shared.training_events import EvaluationCompleted, LogWritten, StepCompleted
from tests.chaos.kept import Kept, Point
from tests.chaos.spools import SPOOLS, Said, unsaid

Things = Mapping[str, Sequence[Any]]
"""By what they are, in words: points of a metric, lines of a rank, numbers of other events."""


def unlike_the_spools(said: Sequence[Said], kept: Kept) -> Iterator[str]:
    """`said`: every attempt that the api knows, whether a spool of it was kept or not; the one with the highest number is the last."""
    last = max((one.attempt for one in said), default=0)
    for unknown in sorted(kept.attempts - {one.attempt for one in said}):
        yield f"attempt {unknown} is in the history and nowhere else"
    for one in sorted(said, key=lambda one: one.attempt):
        for what in (*unsaid(one, last=one.attempt == last), *_unlike(one, kept, last=one.attempt == last)):
            yield f"attempt {one.attempt}: {what}"
    if kept.line_numbers != list(range(len(kept.line_numbers))):
        yield "the lines of the run's log are not numbered from 0 on without holes"
    yield from _shown_otherwise(kept)


def unlike_the_outbox(numbers: Sequence[int], kept: Kept) -> Iterator[str]:
    """`numbers`: of the platform's own events of the topic, as the api's outbox has them."""
    if difference := _difference(numbers, [number for producer, number in kept.events if producer == "api"]):
        yield f"events of the api: {difference}"


def _unlike(said: Said, kept: Kept, *, last: bool) -> Iterator[str]:
    expected: dict[str, Sequence[Any]] = {}
    there = _kept_of(kept, said.attempt)
    for name in SPOOLS:
        records = said.spools.get(name, [])
        end = len(records) if last else _reached(records, there)
        if end < len(records) and said.refused.get(name) != end:
            refused = f"a fence refused what is behind {said.refused[name]}" if name in said.refused else "no fence refused the rest"
            yield f"the history has {end} of {len(records)} events of its {name}, and {refused}"
        expected |= _things(records[:end])
    for what in sorted({*expected, *there}):
        if difference := _difference(expected.get(what, ()), there.get(what, ())):
            yield f"{what}: {difference}"


def _reached(records: Sequence[Record], there: Things) -> int:
    """How many of the records lie before the place to which the history got: up to the last of which it has something."""
    seen: Counter[str] = Counter()
    end = 0
    for number, record in enumerate(records, 1):
        for what, some in _things([record]).items():
            seen[what] += len(some)
            if seen[what] <= len(there.get(what, ())):
                end = number
    return end


def _things(records: Sequence[Record]) -> dict[str, list[Any]]:
    """What the history makes of events. An evaluation is points and an event."""
    found: dict[str, list[Any]] = defaultdict(list)
    for record in records:
        event = record.event
        if isinstance(event, StepCompleted | EvaluationCompleted):
            for name, value in event.metrics.items():
                found[name].append((event.step, event.tokens, float(value).hex()))
        if isinstance(event, LogWritten):
            found[f"lines of rank {event.rank}"] += event.lines
        elif not isinstance(event, StepCompleted):
            found[f"events of {record.producer}"].append(record.producer_seq)
    return found


def _kept_of(kept: Kept, attempt: int) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {name: list(points) for (of, name), points in kept.points.items() if of == attempt}
    found |= {f"lines of rank {rank}": lines for (of, rank), lines in kept.lines.items() if of == attempt}
    for producer in (f"attempt-{attempt}", f"agent-{attempt}"):
        if numbers := [number for name, number in kept.events if name == producer]:
            found[f"events of {producer}"] = numbers
    return found


def _difference(said: Sequence[Any], has: Sequence[Any]) -> str:
    """Empty where they are the same, in the same order."""
    lost, more = list((Counter(said) - Counter(has)).elements()), Counter(has) - Counter(said)
    doubled = [one for one in more.elements() if one in said]
    never = [one for one in more.elements() if one not in said]
    counts = [(lost, "lost"), (doubled, "doubled"), (never, "never logged")]
    told = [f"{len(some)} {how} {some[:3]}" for some, how in counts if some]
    if told:
        return f"{len(said)} were logged: {', '.join(told)}"
    return "" if list(said) == list(has) else f"all {len(said)} are there, in another order"


def _shown_otherwise(kept: Kept) -> Iterator[str]:
    """On a step the highest attempt counts: an earlier one until a later one has its first point of the name, or took its first step."""
    first: dict[tuple[int, str], int] = {place: min(step for step, *_ in points) for place, points in kept.points.items() if points}
    expected: dict[tuple[int, str], list[Point]] = {}
    for (attempt, name), points in kept.points.items():
        later = [step for (other, of), step in first.items() if other > attempt and of in {name, "train/loss"}]
        shown = [point for point in points if not later or point[0] < min(later)]
        expected |= {(attempt, name): shown} if shown else {}
    for attempt, name in sorted({*expected, *kept.shown}):
        if difference := _difference(expected.get((attempt, name), ()), kept.shown.get((attempt, name), ())):
            yield f"{name} of attempt {attempt} as the charts show it: {difference}"
