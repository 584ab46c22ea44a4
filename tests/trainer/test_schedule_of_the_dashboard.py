"""The dashboard previews the schedule with a formula of its own; its test reads what ours gives from a file, which this one keeps true."""

import json
from pathlib import Path

from services.trainer.optimizer import learning_rate
from shared.spec import ScheduleSpec

FIXTURE = Path(__file__).parents[2] / "frontend" / "tests" / "schedule.json"
CASES = [
    (100, 1e-3, {"name": "cosine", "warmup_steps": 10, "final_fraction": 0.1}),
    (100, 3e-4, {"name": "constant", "warmup_steps": 0, "final_fraction": 0.1}),
    (7, 0.5, {"name": "cosine", "warmup_steps": 7, "final_fraction": 0.0}),
    (2000, 6e-4, {"name": "cosine", "warmup_steps": 0, "final_fraction": 1.0}),
]


def test_the_file_has_what_the_trainer_computes() -> None:
    found = []
    for steps, lr, given in CASES:
        schedule = ScheduleSpec.model_validate(given)
        places = sorted({1, 2, steps // 3 or 1, steps // 2 or 1, steps - 1, steps})
        rates = [[step, learning_rate(step, steps, lr, schedule)] for step in places]
        found.append({"steps": steps, "lr": lr, "schedule": given, "rates": rates})
    assert json.loads(FIXTURE.read_text()) == found, f"write this into {FIXTURE.name}: {json.dumps(found)}"
