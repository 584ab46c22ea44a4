"""Whose slots a run of higher priority gets: the choice itself, without a database."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from services.api.line import Waiting
from services.api.offers import Offer
from services.api.preemption import AT_ONCE, Holder, Preemption, choose

NUMBERS = iter(range(10**9))


def holder(slots: int = 1, priority: int = 50, placed_at: float = 0.0, *, worker: str = "w1", **more: bool) -> Holder:
    name = f"r{next(NUMBERS)}"
    return Holder(f"att_{name}", f"run_{name}", name, worker, "cpu", priority, slots, placed_at, **more)


def waiting(processes: int = 1, priority: int = 90, device: str = "auto", name: str = "urgent") -> Waiting:
    return Waiting(f"run_{name}", name, "default", priority, processes, device, 0.0, "", "prep_1", None, 0, 0)


def preemption(offers: list[Offer], holders: list[Holder]) -> Preemption:
    return Preemption(offers, lambda priority: [one for one in holders if one.leaving or one.priority < priority])


holders_of_a_worker = st.lists(
    st.builds(
        holder,
        st.integers(1, 4),
        st.integers(0, 100),
        st.floats(0, 1e6),
        preemptible=st.sampled_from([True, True, False]),
        leaving=st.sampled_from([False, False, True]),
    ),
    max_size=7,
)


@given(holders_of_a_worker, st.integers(1, 8), st.integers(0, 100))
def test_only_who_may_be_asked_and_never_more_than_is_needed(holders: list[Holder], needed: int, priority: int) -> None:
    may = [one for one in holders if one.preemptible and not one.leaving and one.priority < priority]
    sets = [some for count in range(1, len(may) + 1) for some in combinations(may, count)]
    enough = [some for some in sets if sum(one.slots for one in some) >= needed]
    found = choose(needed, priority, holders)
    assert (found is not None) == bool(enough), "whenever it makes the run fit, and only then"
    if found is None:
        return
    victims = found[1]
    assert set(victims) <= set(may)
    freed = sum(one.slots for one in victims)
    assert freed == min(sum(one.slots for one in some) for some in enough), "the fewest slots"
    assert all(freed - one.slots < needed for one in victims), "each of them is needed"
    as_few = [some for some in enough if sum(one.slots for one in some) == freed]
    assert max(one.priority for one in victims) == min(max(one.priority for one in some) for some in as_few), "the lowest priority"


def test_the_youngest_of_equals_gives_way() -> None:
    old, young = holder(placed_at=1.0), holder(placed_at=2.0)
    for holders in ([old, young], [young, old]):
        found = choose(1, 90, holders)
        assert found is not None
        assert found[1] == [young]


def test_two_of_low_priority_rather_than_one_of_a_higher_and_one_rather_than_two_of_the_same() -> None:
    low, high = [holder(priority=10), holder(priority=10)], holder(2, priority=40)
    found = choose(2, 90, [high, *low])
    assert found is not None
    assert set(found[1]) == set(low)
    one = holder(2, priority=10)
    found = choose(2, 90, [one, *low])
    assert found is not None
    assert found[1] == [one]


def test_the_worker_where_the_least_is_lost_and_gpus_first() -> None:
    holders = [holder(2), holder(1, worker="w2", priority=60), holder(1, worker="w3"), holder(1, worker="w3", preemptible=False)]
    gpu = Holder("att_g", "run_g", "on-gpu", "w4", "cuda", 89, 2, 0.0)

    def victims(run: Waiting, *more: Offer) -> list[Holder]:
        offers = [Offer("w1", "cpu", 2, 0), Offer("w2", "cpu", 2, 1), Offer("w3", "cpu", 2, 0), *more]
        decision = preemption(offers, [*holders, gpu]).decide(run)
        assert decision is not None
        return list(decision.victims)

    assert victims(waiting(2)) == [holders[1]], "one slot of w2 is free"
    assert victims(waiting(2), Offer("w4", "cuda", 2, 0)) == [gpu]
    assert victims(waiting(2, device="cpu"), Offer("w4", "cuda", 2, 0)) == [holders[1]]


def test_what_is_on_its_way_is_not_asked_for_again() -> None:
    offers = [Offer("w1", "cpu", 4, 0)]
    holders = [holder(1, leaving=True), holder(1), holder(1), holder(1)]
    round_ = preemption(offers, holders)
    first, second = round_.decide(waiting(name="first")), round_.decide(waiting(name="second"))
    assert first is not None
    assert second is not None
    assert (list(first.victims), first.reason) == ([], f"waits for run '{holders[0].name}' to be saved and to give back its slots")
    assert len(second.victims) == 1, "those slots are the first one's"
    assert offers[0].held_for is not None, "runs behind them get none"


def test_a_gang_waits_for_all_of_its_slots() -> None:
    holders = [holder(1, leaving=True), holder(1), holder(1), holder(1, priority=90)]
    decision = preemption([Offer("w1", "cpu", 5, 1)], holders).decide(waiting(4))
    assert decision is not None
    assert set(decision.victims) == set(holders[1:3])
    names = [f"'{one.name}'" for one in holders[:3]]
    assert decision.reason == f"waits for runs {names[0]}, {names[1]} and {names[2]} to be saved and to give back their slots"
    many = preemption([Offer("w1", "cpu", 9, 0)], [holder() for _ in range(9)]).decide(waiting(9))
    assert many is not None
    assert "and 7 more to be saved" in many.reason


def test_a_larger_run_finds_what_was_freed_for_it() -> None:
    """Whichever comes first: the smaller one takes the smaller gap."""
    holders = [holder(3, leaving=True), holder(1, leaving=True, worker="w2"), holder(3, worker="w2")]
    for sizes in ((1, 3), (3, 1)):
        round_ = preemption([Offer("w1", "cpu", 3, 0), Offer("w2", "cpu", 4, 0)], holders)
        decisions = [round_.decide(waiting(size, name=str(size))) for size in sizes]
        assert [list(one.victims) for one in decisions if one] == [[], []]


def test_nothing_is_taken_where_another_run_waits_for_the_slots() -> None:
    held = Offer("w1", "cpu", 2, 1, held_for=waiting(2, 95, name="before"))
    assert preemption([held], [holder()]).decide(waiting()) is None


def test_equals_and_higher_ones_stay() -> None:
    assert preemption([Offer("w1", "cpu", 2, 0)], [holder(priority=90), holder(priority=91)]).decide(waiting()) is None
    assert choose(0, 90, [holder()]) is None


def test_a_round_has_a_limit() -> None:
    offers = [Offer(f"w{number}", "cpu", 1, 0) for number in range(AT_ONCE + 5)]
    round_ = preemption(offers, [holder(worker=offer.worker) for offer in offers])
    decisions = [round_.decide(waiting(name=str(number))) for number in range(AT_ONCE + 5)]
    assert [decision is not None for decision in decisions] == [True] * AT_ONCE + [False] * 5
