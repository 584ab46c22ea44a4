import pytest
from pydantic import BaseModel, ValidationError
from pydantic.json_schema import models_json_schema

from shared.errors import InvalidFields
from shared.spec import RunSpec, field_errors, parse_spec

MINIMAL = {"name": "first", "dataset": "novels"}


def mistakes(**changes: object) -> dict[str, str]:
    with pytest.raises(InvalidFields) as raised:
        parse_spec({**MINIMAL, **changes})
    return {error.field: error.message for error in raised.value.errors}


def test_a_minimal_spec_is_completed_by_its_preset() -> None:
    spec = parse_spec({**MINIMAL, "model": {"preset": "micro", "n_layer": 2}})
    assert (spec.model.n_layer, spec.model.n_head, spec.model.n_embd, spec.model.sequence_length) == (2, 6, 192, 128)


def test_an_unknown_field_is_named_with_the_nearest_known_one() -> None:
    assert "'batch_size'" in mistakes(train={"batchsize": 4})["train.batchsize"]
    assert "'dataset'" in mistakes(datset="x")["datset"]


def test_a_field_like_no_other_lists_the_known_ones() -> None:
    assert "known here: name, project, dataset" in mistakes(zzz=1)["zzz"]


def test_every_mistake_is_told_at_once() -> None:
    assert set(mistakes(name="Has Spaces", train={"steps": 0, "optimizer": {"lr": float("nan")}})) == {
        "name",
        "train.steps",
        "train.optimizer.lr",
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"train": {"batch_size": 3}, "compute": {"processes_per_node": 2}}, "train.batch_size"),
        ({"train": {"batch_size": 12, "micro_batch_size": 5}}, "train.micro_batch_size"),
        ({"model": {"n_embd": 100, "n_head": 3}}, "model.n_embd"),
        ({"model": {"n_embd": 36, "n_head": 4}}, "model.n_head"),
        ({"train": {"steps": 10}}, "train.schedule.warmup_steps"),
        ({"dataset": "novels@latest"}, "dataset"),
        ({"train": {"optimizer": {"lr": -1}}}, "train.optimizer.lr"),
        ({"train": {"micro_batch_size": 0}}, "train.micro_batch_size"),
        ({"train": {"micro_batch_size": -2}}, "train.micro_batch_size"),
        ({"train": {"micro_batch_size": "many"}}, "train.micro_batch_size"),
        ({"train": {"optimizer": {"betas": [1.5, 0.9]}}}, "train.optimizer.betas.0"),
        ({"train": {"optimizer": {"betas": [0.9, -1]}}}, "train.optimizer.betas.1"),
        ({"train": {"steps": 10**400}}, "train.steps"),
        ({"train": {"batch_size": 10**7}}, "train.batch_size"),
        ({"train": {"checkpoint": {"every": 10**10}}}, "train.checkpoint.every"),
        ({"train": {"sample": {"prompts": ["fine", ""]}}}, "train.sample.prompts.1"),
    ],
)
def test_combinations_that_cannot_work_are_found_before_the_queue(changes: dict[str, object], field: str) -> None:
    assert field in mistakes(**changes)


def test_a_choice_that_fits_nowhere_is_one_mistake_of_its_field() -> None:
    told = mistakes(train={"micro_batch_size": 0})
    assert list(told) == ["train.micro_batch_size"]
    assert "greater than or equal to 1" in told["train.micro_batch_size"]
    assert "'auto'" in told["train.micro_batch_size"]


def test_a_model_that_is_not_known_keeps_the_whole_path() -> None:
    with pytest.raises(ValidationError) as raised:
        RunSpec.model_validate({**MINIMAL, "train": {"optimizer": {"lr": -1}}})
    assert [error.field for error in field_errors(BaseModel, raised.value)] == ["train.optimizer.lr"]


def test_no_number_of_a_spec_is_without_bounds() -> None:
    """What is stored is multiplied and counted with later; one run must not break the list for everybody."""
    _, schema = models_json_schema([(RunSpec, "validation")])
    unbounded = [
        (section, name)
        for section, shape in schema["$defs"].items()
        for name, field in shape["properties"].items()
        for choice in field.get("anyOf", [field])
        if choice.get("type") == "integer" and "const" not in choice and not {"maximum", "exclusiveMaximum"} & choice.keys()
    ]
    assert unbounded == []


def test_something_that_is_no_object_is_refused() -> None:
    with pytest.raises(InvalidFields):
        parse_spec(["not", "a", "spec"])
