from collections.abc import Iterator

import pytest
import torch

from services.trainer.world import World, available_cores, choose_precision, join


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_a_world_of_one_needs_nobody() -> None:
    with join("cpu", {}) as world:
        assert (world.rank, world.size, world.device) == (0, 1, torch.device("cpu"))
        assert not torch.distributed.is_initialized()
    tensor = torch.ones(2)
    model = torch.nn.Linear(2, 2)
    assert world.total(tensor).tolist() == [1, 1]
    assert world.from_first(b"abc", 3) == b"abc"
    assert world.gather(tensor) == [tensor]
    assert world.replicate(model, tensor) is model


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"OMP_NUM_THREADS": "3"}, 3),
        ({}, available_cores()),
        ({"LOCAL_WORLD_SIZE": "1000"}, 1),
    ],
)
def test_threads(environ: dict[str, str], expected: int) -> None:
    with join("cpu", environ):
        assert torch.get_num_threads() == expected


def test_precision() -> None:
    assert choose_precision("auto", torch.device("cpu")) == "fp32"
    assert choose_precision("auto", torch.device("cuda")) == "bf16"
    assert choose_precision("fp32", torch.device("cuda")) == "fp32"
    linear = torch.nn.Linear(2, 2)
    with World().autocast("bf16"):
        assert linear(torch.ones(1, 2)).dtype == torch.bfloat16
    with World().autocast("fp32"):
        assert linear(torch.ones(1, 2)).dtype == torch.float32
