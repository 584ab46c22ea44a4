"""The order of the line and the choice of a place are fast; beside them stands the plain way, which looks at everything each time."""

from hypothesis import given, settings
from hypothesis import strategies as st

from services.api.line import Line, Waiting
from services.api.offers import Offer, Offers

PROJECTS = ("a", "b", "c")
DEVICES = st.sampled_from(["auto", "cpu", "cuda"])
RUNS = st.lists(st.tuples(st.sampled_from(PROJECTS), st.sampled_from([50, 90]), st.integers(1, 4), DEVICES), max_size=25)
OFFERS = st.lists(st.tuples(st.sampled_from(["cpu", "cuda"]), st.integers(1, 5), st.integers(0, 5)), max_size=6)
WEIGHTS = st.dictionaries(st.sampled_from(PROJECTS), st.sampled_from([0.5, 2.0, 3.0]))


def waiting(number: int, project: str, priority: int, processes: int, device: str) -> Waiting:
    return Waiting(f"run_{number:02}", f"r{number}", project, priority, processes, device, number // 3, "", "prep", None, 0, 0)


def offer(number: int, device: str, total: int, free: int) -> Offer:
    return Offer(f"w{number}", device, total, min(total, free))


def plainly(runs: list[Waiting], offers: list[Offer], weights: dict[str, float]) -> list[tuple[str, str]]:
    """(run, worker) or (run, why it waits), in order."""
    busy = dict.fromkeys(PROJECTS, 0)
    told, left = [], list(runs)
    while left:
        left.sort(key=lambda run: (-run.priority, busy[run.project] / weights.get(run.project, 1), run.created_at, run.id))
        run = left.pop(0)
        fitting = [one for one in offers if one.suits(run) and one.free >= run.processes and one.held_for is None]
        if fitting:
            best = min(fitting, key=lambda one: (one.device != "cuda", one.free, one.worker))
            best.free -= run.processes
            busy[run.project] += run.processes
            told.append((run.id, best.worker))
        else:
            able = [one for one in offers if one.suits(run) and one.total >= run.processes]
            told.append((run.id, _plain_reason(run, offers, able)))
    return told


def _plain_reason(run: Waiting, offers: list[Offer], able: list[Offer]) -> str:
    suited = [one for one in offers if one.suits(run)]
    if not offers:
        return "no worker is online"
    if not suited:
        return f"no online worker has a {run.device} slot"
    if not able:
        return f"waits for a worker with {run.processes} slots; the largest online has {max(one.total for one in suited)}"
    free = [one for one in able if one.held_for is None]
    if not free:
        first = able[0].held_for
        assert first
        return f"waits behind run '{first.name}', which needs {first.processes} slot{'' if first.processes == 1 else 's'}"
    nearest = max(free, key=lambda one: one.free)
    nearest.held_for = run
    slots = "slot" if run.processes == 1 else "slots"
    return f"waits for {run.processes} free {slots}; {nearest.free} of {nearest.total} {'is' if nearest.free == 1 else 'are'} free"


@settings(max_examples=300, deadline=None)
@given(RUNS, OFFERS, WEIGHTS)
def test_the_fast_way_places_and_says_what_the_plain_way_does(
    runs: list[tuple[str, int, int, str]], offers: list[tuple[str, int, int]], weights: dict[str, float]
) -> None:
    queue = [waiting(number, *run) for number, run in enumerate(runs)]
    line, places, told = Line(queue, {}, weights), Offers(offer(number, *one) for number, one in enumerate(offers)), []
    for run in line:
        best = places.best(run)
        if best:
            places.take(best, run.processes)
            line.placed(run)
        told.append((run.id, best.worker if best else places.reason_to_wait(run)))
    assert told == plainly(queue, [offer(number, *one) for number, one in enumerate(offers)], weights)
