"""`python -m tests.trainer.poisoned_child <run directory>`: a training child of which one rank has a bad time.

POISON=5,6,7    at these steps the loss of rank 1, and of no other, is NaN, though its gradients are finite
SLOW=30         rank 1 takes so many milliseconds longer for its batches
"""

import math
import os
import time
from typing import Any

from torch import Tensor

from services.trainer import main_child
from services.trainer.data import TrainingBatches
from services.trainer.skipping import Judged, Skipping

if __name__ == "__main__":
    steps = {int(step) for step in os.environ.get("POISON", "").split(",") if step}
    honest, batches = Skipping.judge, TrainingBatches.__call__

    def judge(self: Skipping, loss: Tensor, norm: Tensor) -> Judged:
        poisoned = self.world.rank == 1 and self.history.step + 1 in steps
        return honest(self, loss * math.nan if poisoned else loss, norm)

    def slowly(self: TrainingBatches, step: int) -> Any:
        time.sleep(float(os.environ.get("SLOW", "0")) / 1000 if self.world.rank == 1 else 0)
        return batches(self, step)

    Skipping.judge = judge  # type: ignore[method-assign]
    TrainingBatches.__call__ = slowly  # type: ignore[method-assign]
    main_child.leave(main_child.main())
