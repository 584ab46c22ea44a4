"""What holds at a step: the spec, and the changes that were applied between its steps. A function of the two alone, so that it can be
done again.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from services.trainer.optimizer import learning_rate
from services.trainer.state import State
from shared.commands import Hyperparameters, with_hyperparameters
from shared.errors import InvalidField
from shared.spec import RunSpec, TrainSpec


class Plan:
    """`submitted`: the spec as it was. `spec`: as it is from the present step on. Samples are counted from the start of the run.

    The place in the data is counted on from the last change of the batch, or the checkpoint: (base_step, base_samples).
    """

    def __init__(self, submitted: RunSpec) -> None:
        self.submitted = self.spec = submitted
        self.base_step = self.base_samples = 0

    @property
    def train(self) -> TrainSpec:
        return self.spec.train

    @property
    def tokens_per_step(self) -> int:
        return self.train.batch_size * self.spec.model.sequence_length

    def go_on(self, state: State, *, forked: bool) -> None:
        """From a checkpoint's place in the data, which a run that began as a fork did not reach with its own batch alone; and, of this
        run, with what it had changed.
        """
        for entry in () if forked else state.journal:
            self.change(entry.step, entry.arguments)
        self.base_step, self.base_samples = state.step, state.tokens // self.spec.model.sequence_length

    def samples(self, step: int) -> int:
        """Seen up to and with `step`, which is not before the last change."""
        return self.base_samples + (step - self.base_step) * self.train.batch_size

    def tokens(self, step: int) -> int:
        return self.samples(step) * self.spec.model.sequence_length

    def rate(self, step: int) -> float:
        return learning_rate(step, self.train.steps, self.train.optimizer.lr, self.train.schedule)

    def due(self, step: int, every: int) -> bool:
        return step % every == 0 or step == self.train.steps

    def change(self, step: int, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Apply it after `step`: each changed field, old and new, by its path. Raises InvalidField(s); then all is as before."""
        try:
            change = Hyperparameters.model_validate(dict(arguments))
        except ValidationError as error:
            raise InvalidField("changes", str(error)) from error
        if change.steps is not None and change.steps < step:
            raise InvalidField("train.steps", f"the run is at step {step} already")
        changed = with_hyperparameters(self.spec, change)
        new = change.changes()
        old = {path: _at(self.spec.model_dump(mode="json"), path) for path in new}
        self.base_step, self.base_samples = step, self.samples(step)
        self.spec = changed
        return old, new


def _at(values: Any, path: str) -> Any:
    for name in path.split("."):
        values = values[name]
    return values
