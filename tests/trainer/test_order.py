import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from services.trainer.order import epoch_key, permute

SEEDS = st.integers(0, 2**63 - 1)


@given(count=st.integers(1, 5000), seed=SEEDS, epoch=st.integers(0, 10**9))
@settings(max_examples=60, deadline=None)
def test_it_is_a_permutation(count: int, seed: int, epoch: int) -> None:
    places = permute(np.arange(count, dtype=np.uint64), count, epoch_key(seed, epoch))
    assert sorted(places.tolist()) == list(range(count))


@given(count=st.integers(1, 2**40), seed=SEEDS, data=st.data())
@settings(max_examples=60, deadline=None)
def test_an_element_does_not_depend_on_what_is_asked_beside_it(count: int, seed: int, data: st.DataObject) -> None:
    indices = np.array(data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=20)), dtype=np.uint64)
    key = epoch_key(seed, 0)
    alone = [int(permute(indices[position : position + 1], count, key)[0]) for position in range(len(indices))]
    assert permute(indices, count, key).tolist() == alone


def test_it_looks_random() -> None:
    """Neighbours end up far apart, on average a third of the range as independent draws would."""
    count = 10_000
    places = permute(np.arange(count, dtype=np.uint64), count, epoch_key(3, 5)).astype(np.int64)
    assert abs(np.abs(np.diff(places)).mean() / count - 1 / 3) < 0.01
    assert abs(np.corrcoef(np.arange(count), places)[0, 1]) < 0.03


def test_seed_and_epoch_each_change_the_order() -> None:
    indices = np.arange(1000, dtype=np.uint64)
    orders = {tuple(permute(indices, 1000, epoch_key(seed, epoch)).tolist()) for seed in range(4) for epoch in range(4)}
    assert len(orders) == 16


def test_the_order_is_the_same_for_ever() -> None:
    """A changed order would break the resumption of every run that exists."""
    assert permute(np.arange(10, dtype=np.uint64), 10, epoch_key(1337, 0)).tolist() == [0, 4, 6, 7, 9, 8, 5, 1, 3, 2]
