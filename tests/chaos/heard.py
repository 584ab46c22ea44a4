"""What clients were told of a run, against what may never happen, against the history and against the trainers' spools."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from shared.events import pack
from tests.chaos.compared import unlike_the_spools
from tests.chaos.kept import Kept, Place
from tests.chaos.listening import STEPS_AND_LOGS, Heard
from tests.chaos.spools import Said


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


def unsteady_logs(log: Sequence[Heard]) -> Iterator[str]:
    """One client, one topic: each rank's log goes on where it was, until a reset lets it be told again."""
    places: dict[tuple[str, int], int] = {}
    for heard in log:
        if heard.kind == "reset":
            places.clear()
        offset = heard.event.get("offset")
        if heard.about[0] != "LogWritten" or offset is None:
            continue
        whose = heard.producer, heard.event["rank"]
        if offset <= places.get(whose, 0):
            yield f"the log of rank {whose[1]} was told up to byte {offset} behind byte {places[whose]} by {heard.producer}"
        places[whose] = offset


def unknown_to_history(log: Sequence[Heard], kept: Kept) -> Iterator[str]:
    """What a client was told is in the history, in the order in which it was told. Where Redis forgot (a reset), producers say all again
    beside each other, and only what each of them said keeps its order, which its numbers tell."""
    order = {place: number for number, place in enumerate(kept.events)}
    newest, forgot = -1, any(heard.kind == "reset" for heard in log)
    yield from _unknown_points_and_lines(log, kept)
    for heard in log:
        kind = heard.about[0]
        if heard.kind != "event" or kind in STEPS_AND_LOGS:
            continue
        found = order.get((heard.producer, heard.producer_seq))
        if found is None:
            yield f"{kind} of {heard.producer} was told and is not in the history"
        elif found < newest and not forgot:
            yield f"{kind} of {heard.producer} is in the history before what was told earlier"
        else:
            newest = found


def _unknown_points_and_lines(log: Sequence[Heard], kept: Kept) -> Iterator[str]:
    steps, lines = set(kept.steps), {(*whose, line) for whose, some in kept.lines.items() for line in some}
    told = {heard.about[1:] for heard in log if heard.about[0] == "StepCompleted"}
    if missing := sorted(told - steps):
        yield f"{len(missing)} steps were told and are not in the history, (attempt, step) {missing[:3]}"
    logs = [heard for heard in log if heard.about[0] == "LogWritten"]
    if unknown := sorted({(one.about[1], one.event["rank"], line) for one in logs for line in one.event["lines"]} - lines):
        yield f"{len(unknown)} lines were told and are not in the history, (attempt, rank, line) {unknown[:3]}"


def unlike_what_was_said(log: Sequence[Heard], said: Sequence[Said]) -> Iterator[str]:
    """What a client was told of a trainer or its agent is what that one's spool has under this number: values, lines, everything."""
    written = {(record.producer, record.producer_seq): pack(record.event.model_dump()) for one in said for record in one.records}
    producers = {f"{who}-{one.attempt}" for one in said if one.records for who in ("attempt", "agent")}
    for heard in log:
        if heard.kind != "event" or heard.producer not in producers:
            continue
        record = written.get((heard.producer, heard.producer_seq))
        if record is None:
            yield f"event {heard.producer_seq} of {heard.producer} was told and is in no spool"
        elif record != pack(heard.event):
            yield f"event {heard.producer_seq} of {heard.producer} was told otherwise than its spool has it"


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


def mistakes(logs: Mapping[str, Sequence[Heard]], said: Sequence[Said], kept: Kept) -> list[str]:
    """Everything that may not be, of one topic. `logs`: by client. `said`: of every attempt; a topic that is no run's has none."""
    checks = (unheard_of, unsteady_logs, lambda log: unknown_to_history(log, kept), lambda log: unlike_what_was_said(log, said))
    found = [f"{name}: {what}" for name, log in logs.items() for check in checks for what in check(log)]
    return [*found, *doubled(kept.events), *disordered(kept.events), *unlike_the_spools(said, kept)]
