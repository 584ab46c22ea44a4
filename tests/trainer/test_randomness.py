import random

import numpy as np
import torch

from services.trainer.randomness import RandomPart, seed_all
from services.trainer.world import World


def draw() -> list[float]:
    return [random.gauss(0, 1), random.random(), float(np.random.normal()), float(np.random.rand()), *torch.rand(3).tolist()]


def test_a_seed_decides_all_of_them() -> None:
    seed_all(2**40)
    first = draw()
    seed_all(2**40)
    assert draw() == first
    seed_all(2**40 + 1)
    assert not set(draw()) & set(first)


def test_all_of_them_come_back_also_in_the_middle_of_a_pair() -> None:
    """A normal number is drawn together with another one, which is held back."""
    part = RandomPart(World())
    for drawn in range(3):
        seed_all(5)
        for _ in range(drawn):
            draw()
        held = {name: tensor.clone() for name, tensor in part.tensors().items()}
        expected = draw()
        seed_all(6)
        part.load(held)
        assert draw() == expected
