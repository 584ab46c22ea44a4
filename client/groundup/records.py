"""What the API answers with. Fields that this version does not know are left out; docs/http-api.md describes them all."""

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar

from groundup.problems import LocalProblem

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

R = TypeVar("R", bound="DataclassInstance")


def read(kind: type[R], data: Any) -> R:
    """Raises LocalProblem where the answer is not of this kind."""
    try:
        return kind(**{item.name: _read_field(item, data[item.name]) for item in dataclasses.fields(kind) if item.name in data})
    except (TypeError, AttributeError) as error:
        remedy = "is the server of another version than this client?"
        raise LocalProblem(f"the server's answer is no {kind.__name__}: {error}", remedy=remedy) from error


def _read_field(item: "dataclasses.Field[Any]", value: Any) -> Any:
    kind = item.metadata.get("of")
    if kind is None:
        return value
    if isinstance(value, list):
        return [read(kind, entry) for entry in value]
    if value is None and item.default_factory is not dataclasses.MISSING:
        return item.default_factory()
    return None if value is None else read(kind, value)
