"""What a person may ask of a run, and what a running one may change about itself: the same for api, worker and training process."""

from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import BaseModel, Field, ValidationError

from shared.errors import FieldError, InvalidFields
from shared.spec import MAX_STEPS, Beta, Prompt, RunSpec, Section, Sequences, Steps, cross_field_errors, field_errors


class CommandType(StrEnum):
    """Every one is applied between two steps, on all ranks between the same two. `kill` alone waits for no step."""

    STOP = "stop"
    KILL = "kill"
    PAUSE = "pause"
    RESUME = "resume"
    SAVE_CHECKPOINT = "save_checkpoint"
    EVALUATE = "evaluate"
    SAMPLE = "sample"
    SET_HYPERPARAMETERS = "set_hyperparameters"
    ROLLBACK = "rollback"


class OptimizerChange(Section):
    lr: float | None = Field(None, gt=0, le=10)
    weight_decay: float | None = Field(None, ge=0, le=10)
    betas: tuple[Beta, Beta] | None = None
    grad_clip: float | None = Field(None, ge=0, description="largest norm of the gradient; 0 switches clipping off")


class ScheduleChange(Section):
    name: Literal["cosine", "constant"] | None = None
    warmup_steps: int | None = Field(None, ge=0, le=MAX_STEPS)
    final_fraction: float | None = Field(None, ge=0, le=1)


class EvaluateChange(Section):
    every: Steps | None = None
    batches: int | None = Field(None, ge=1, le=MAX_STEPS)


class CheckpointChange(Section):
    every: Steps | None = None


class SampleChange(Section):
    every: Steps | None = None
    prompts: list[Prompt] | None = Field(None, max_length=16)
    max_new_tokens: int | None = Field(None, ge=1, le=1024)


class Hyperparameters(Section):
    """What `set_hyperparameters` changes of `train`; what is not given stays. The learning rate of a step is the schedule's, computed from
    step 1 with the values that hold at that step. A batch is changed by accumulation: the micro-batch stays as it was.
    """

    steps: int | None = Field(None, ge=1, le=MAX_STEPS, description="the run's last step")
    batch_size: Sequences | None = Field(None, description="sequences per optimiser step over all devices")
    optimizer: OptimizerChange = OptimizerChange()
    schedule: ScheduleChange = ScheduleChange()
    evaluate: EvaluateChange = EvaluateChange()
    checkpoint: CheckpointChange = CheckpointChange()
    sample: SampleChange = SampleChange()

    def told(self) -> dict[str, Any]:
        """What is changed and nothing else, as JSON."""
        changed: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        return {name: value for name, value in changed.items() if value != {}}

    def changes(self) -> dict[str, Any]:
        """`{"train.optimizer.lr": 0.001}`: each changed field by its path in the spec."""
        return _flat("train", self.told())


def _flat(prefix: str, told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in told.items():
        found |= _flat(f"{prefix}.{name}", value) if isinstance(value, dict) else {f"{prefix}.{name}": value}
    return found


def parse_hyperparameters(given: object) -> Hyperparameters:
    """Raises InvalidFields naming each field at fault, or that nothing is changed."""
    try:
        found = Hyperparameters.model_validate(given)
    except ValidationError as error:
        raise InvalidFields(tuple(field_errors(Hyperparameters, error))) from None
    if not found.told():
        raise InvalidFields((FieldError("changes", f"nothing is changed; known are {', '.join(Hyperparameters.model_fields)}"),))
    return found


def with_hyperparameters(spec: RunSpec, change: Hyperparameters) -> RunSpec:
    """`spec` as it is from then on. Raises InvalidFields where the values do not go together."""
    train = _merged(spec.train.model_dump(), change.model_dump(exclude_none=True))
    if change.batch_size is not None:
        train["micro_batch_size"] = spec.micro_batch_size
    changed = RunSpec.model_validate({**spec.model_dump(), "train": train})
    if mistakes := tuple(_in_terms_of(change, spec, cross_field_errors(changed))):
        raise InvalidFields(mistakes)
    return changed


def _merged(values: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    return values | {name: _merged(values[name], new) if isinstance(new, dict) else new for name, new in change.items()}


def _in_terms_of(change: Hyperparameters, spec: RunSpec, mistakes: list[FieldError]) -> list[FieldError]:
    """A batch that does not divide is its own mistake: the micro-batch is not what was asked for."""
    at_once = spec.micro_batch_size * spec.compute.world_size
    if change.batch_size is not None and change.batch_size % at_once:
        made_of = f"{spec.micro_batch_size} sequences on each of {spec.compute.world_size} processes"
        message = f"{change.batch_size} is no multiple of {at_once} ({made_of})"
        others = [mistake for mistake in mistakes if mistake.field not in {"train.batch_size", "train.micro_batch_size"}]
        return [FieldError("train.batch_size", message), *others]
    return mistakes


class JournalEntry(BaseModel):
    """A change that was applied after `step` and before the next: replayed with the spec, it gives the same run."""

    model_config = Section.model_config
    step: int
    command_id: str
    type: str
    arguments: dict[str, Any] = Field(default_factory=dict)


JOURNALED: Final = frozenset({CommandType.SET_HYPERPARAMETERS})
"""What changes the numbers that follow, and so is part of a run's journal."""
