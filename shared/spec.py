"""The run spec: what a person submits, the same in the form, in YAML, over HTTP and in Python. Frozen once submitted."""

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator

from shared.alerts import AlertsSpec
from shared.errors import FieldError, InvalidFields
from shared.section import Section as Section

NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,62}$"
Name = Annotated[str, Field(pattern=NAME, description="lower-case letters, digits, '.', '_' and '-', at most 63")]
Reference = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}(@[0-9]{1,9})?$", description="name, or name@version")]

MAX_STEPS: Final = 10**9
MAX_SEQUENCES: Final = 10**6
"""Far beyond any run, and small enough for every number that is made of them."""
Steps = Annotated[int, Field(ge=1, le=MAX_STEPS, description="steps")]
Sequences = Annotated[int, Field(ge=1, le=MAX_SEQUENCES)]
Beta = Annotated[float, Field(ge=0, lt=1)]
Prompt = Annotated[str, Field(min_length=1, max_length=4096)]

PRESETS: Final[Mapping[str, Mapping[str, int]]] = {
    "nano": {"n_layer": 4, "n_head": 4, "n_embd": 128, "sequence_length": 64},
    "micro": {"n_layer": 6, "n_head": 6, "n_embd": 192, "sequence_length": 128},
    "gpt2-124m": {"n_layer": 12, "n_head": 12, "n_embd": 768, "sequence_length": 1024},
}
"""Named model shapes. A field given beside the preset overrides it."""


class ModelSpec(Section):
    architecture: Literal["decoder"] = "decoder"
    preset: Literal["nano", "micro", "gpt2-124m"] = "nano"
    n_layer: int = Field(4, ge=1, le=256)
    n_head: int = Field(4, ge=1, le=256)
    n_embd: int = Field(128, ge=8, le=65536)
    sequence_length: int = Field(64, ge=8, le=1_048_576, description="tokens in one training sequence")
    dropout: float = Field(0.0, ge=0.0, lt=1.0)
    tied_head: bool = Field(True, description="share the embedding with the output layer")

    @model_validator(mode="before")
    @classmethod
    def fill_from_preset(cls, given: Any) -> Any:
        """Fields that are not given come from the preset, so that the stored spec is complete and readable by itself."""
        if not isinstance(given, dict):
            return given
        return {**PRESETS.get(str(given.get("preset", "nano")), {}), **given}


class OptimizerSpec(Section):
    name: Literal["adamw"] = "adamw"
    lr: float = Field(1e-3, gt=0, le=10)
    weight_decay: float = Field(0.1, ge=0, le=10)
    betas: tuple[Beta, Beta] = (0.9, 0.95)
    grad_clip: float = Field(1.0, ge=0, description="largest norm of the gradient; 0 switches clipping off")


class ScheduleSpec(Section):
    name: Literal["cosine", "constant"] = "cosine"
    warmup_steps: int = Field(100, ge=0, le=MAX_STEPS)
    final_fraction: float = Field(0.1, ge=0, le=1, description="learning rate at the last step as a share of the peak")


class EvaluateSpec(Section):
    every: Steps = 250
    batches: int = Field(20, ge=1, le=MAX_STEPS)
    holdout: float = Field(0.1, gt=0, lt=1, description="share of the tokens, at the end of the dataset, kept for validation")


class CheckpointSpec(Section):
    every: Steps = 500
    keep_last: int = Field(3, ge=1, le=MAX_STEPS, description="so many of the newest are kept")
    keep_best: int = Field(1, ge=0, le=MAX_STEPS, description="so many of the best by best_metric are kept")
    best_metric: str = Field("val/loss", max_length=100, pattern=r"^[a-z0-9_.]+/[a-z0-9_.]+$", description="group/name of what is logged")
    best_mode: Literal["min", "max"] = Field("min", description="whether the smallest or the largest is best")
    keep_every: Steps | None = Field(None, description="what is saved at a multiple of it is kept for ever")


class SampleSpec(Section):
    every: Steps = 500
    prompts: list[Prompt] = Field(default_factory=list, max_length=16)
    max_new_tokens: int = Field(64, ge=1, le=1024)


class SkipSpec(Section):
    """Steps that are left out: their batch is used up, the weights stay as they are. `services/trainer/skipping.py` has the rules."""

    non_finite: bool = Field(True, description="leave out a step whose loss or gradient is NaN or infinite; else that ends the run")
    grad_norm: float | None = Field(None, gt=0, description="leave out a step whose gradient's norm, before clipping, is larger")
    loss_spike: float | None = Field(
        None, gt=0, le=1000, description="leave out a step whose loss is so many standard deviations above the mean of those before it"
    )
    window: int = Field(128, ge=4, le=1024, description="so many losses before a step tell what a spike is; half of them must be there")
    max_consecutive: int = Field(10, ge=0, le=MAX_STEPS, description="the run fails when more steps in a row are left out")


class TrainSpec(Section):
    steps: int = Field(2000, ge=1, le=MAX_STEPS)
    batch_size: int = Field(12, ge=1, le=MAX_SEQUENCES, description="sequences per optimiser step over all devices")
    micro_batch_size: Sequences | Literal["auto"] = Field("auto", description="sequences per device and forward pass")
    optimizer: OptimizerSpec = OptimizerSpec()
    schedule: ScheduleSpec = ScheduleSpec()
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    evaluate: EvaluateSpec = EvaluateSpec()
    checkpoint: CheckpointSpec = CheckpointSpec()
    sample: SampleSpec = SampleSpec()
    skip: SkipSpec = SkipSpec()
    seed: int = Field(1337, ge=0, lt=2**63)


class ComputeSpec(Section):
    nodes: Literal[1] = Field(1, description="hosts; this version trains on one")
    processes_per_node: int = Field(1, ge=1, le=64)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    strategy: Literal["ddp"] = "ddp"
    priority: int = Field(50, ge=0, le=100, description="higher goes first")
    preemptible: bool = Field(True, description="a run of higher priority that finds no place may take its slots; it is saved and queued")

    @property
    def world_size(self) -> int:
        return self.nodes * self.processes_per_node


class RunSpec(Section):
    name: Name
    project: Name = "default"
    dataset: Reference
    tokenizer: Reference = Field("byte", description="char, byte, or name@version of a trained tokenizer")
    model: ModelSpec = ModelSpec.model_validate({})
    train: TrainSpec = TrainSpec()
    compute: ComputeSpec = ComputeSpec()
    alerts: AlertsSpec = AlertsSpec()

    @property
    def micro_batch_size(self) -> int:
        """Sequences per device and forward pass, after `auto` is resolved."""
        micro = self.train.micro_batch_size
        return self.train.batch_size // self.compute.world_size if micro == "auto" else micro


def parse_spec(given: object) -> RunSpec:
    """Check a spec from outside, fields and their combinations. Raises InvalidFields naming every field at fault."""
    try:
        spec = RunSpec.model_validate(given)
    except ValidationError as error:
        raise InvalidFields(tuple(field_errors(RunSpec, error))) from None
    if mistakes := tuple(cross_field_errors(spec)):
        raise InvalidFields(mistakes)
    return spec


def cross_field_errors(spec: RunSpec) -> list[FieldError]:
    """Mistakes that need more than one field to see, found before the run ever queues."""
    errors = []
    batch, world, micro = spec.train.batch_size, spec.compute.world_size, spec.train.micro_batch_size
    if batch % world:
        errors.append(FieldError("train.batch_size", f"{batch} sequences do not divide over {world} processes; use a multiple of {world}"))
    elif micro != "auto" and (batch // world) % micro:
        errors.append(FieldError("train.micro_batch_size", f"{micro} does not divide the {batch // world} sequences of one process"))
    if spec.model.n_embd % spec.model.n_head:
        errors.append(FieldError("model.n_embd", f"{spec.model.n_embd} does not divide into {spec.model.n_head} heads"))
    elif (spec.model.n_embd // spec.model.n_head) % 2:
        errors.append(FieldError("model.n_head", "rotary positions need an even number of channels per head"))
    if spec.train.schedule.warmup_steps > spec.train.steps:
        errors.append(FieldError("train.schedule.warmup_steps", f"longer than the run's {spec.train.steps} steps"))
    if spec.alerts.budget.cost_usd is not None and spec.alerts.budget.usd_per_slot_hour is None:
        errors.append(FieldError("alerts.budget.usd_per_slot_hour", "is needed to reckon cost_usd; say what an hour of one slot costs"))
    return errors


def field_errors(model: type[BaseModel], error: ValidationError, *, known: type[BaseModel] | None = None) -> list[FieldError]:
    """Pydantic's errors in our words: dotted path, and for an unknown field the nearest one of `known`. What a choice refuses is told as
    one.
    """
    messages: dict[str, list[str]] = {}
    for item in error.errors():
        messages.setdefault(_path(model, item["loc"]), []).append(_message(known or model, item))
    return [FieldError(field, ", or: ".join(told)) for field, told in messages.items()]


def _path(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """Behind a field that is no section, pydantic names the branch of a choice that refused the value; only places in a list are a path."""
    depth = 0 if model.model_fields else len(location)  # of an unknown model everything is a path
    while depth < len(location) and _section_at(model, location[:depth]):
        depth += 1
    return ".".join(str(part) for place, part in enumerate(location) if place < depth or isinstance(part, int)) or "(body)"


def _message(model: type[BaseModel], item: Any) -> str:
    if item["type"] != "extra_forbidden":
        return re.sub(r"^Value error, ", "", str(item["msg"]))
    section = _section_at(model, item["loc"][:-1])
    known = list(section.model_fields) if section else []
    nearest = difflib.get_close_matches(str(item["loc"][-1]), known, n=1, cutoff=0.5)
    if nearest:
        return f"unknown field; did you mean '{nearest[0]}'?"
    return f"unknown field; known here: {', '.join(known)}" if known else "unknown field"


def _section_at(model: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel] | None:
    for part in path:
        field = model.model_fields.get(str(part))
        if field is None or not isinstance(field.annotation, type) or not issubclass(field.annotation, BaseModel):
            return None
        model = field.annotation
    return model
