import pytest
from torch import nn

from services.trainer.optimizer import learning_rate, make_optimizer
from shared.spec import OptimizerSpec, ScheduleSpec


def rates(steps: int, **schedule: object) -> list[float]:
    return [learning_rate(step, steps, 1.0, ScheduleSpec.model_validate(schedule)) for step in range(1, steps + 1)]


def test_cosine() -> None:
    curve = rates(100, name="cosine", warmup_steps=10, final_fraction=0.1)
    assert curve[:10] == pytest.approx([step / 10 for step in range(1, 11)])
    assert curve[10:] == sorted(curve[10:], reverse=True)
    assert curve[54] == pytest.approx(0.55)  # half way down
    assert curve[-1] == pytest.approx(0.1)


def test_constant() -> None:
    assert rates(6, name="constant", warmup_steps=2) == [0.5, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("warmup_steps", [0, 1, 5])
def test_the_shortest_runs(warmup_steps: int) -> None:
    curve = rates(5, name="cosine", warmup_steps=warmup_steps)
    assert max(curve) <= 1
    assert min(curve) > 0


def test_vectors_do_not_decay() -> None:
    model = nn.Linear(3, 3)
    optimizer = make_optimizer(model, OptimizerSpec(weight_decay=0.3))
    assert [(group["weight_decay"], [parameter.dim() for parameter in group["params"]]) for group in optimizer.param_groups] == [
        (0.3, [2]),
        (0.0, [1]),
    ]
