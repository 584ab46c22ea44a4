"""`--set train.steps=100`: edits to a spec from the command line."""

from collections.abc import Iterable
from typing import Any

import yaml


def edited(spec: dict[str, Any], assignments: Iterable[str]) -> dict[str, Any]:
    """A copy with each `path.to.field=value` applied; values are YAML. Raises ValueError saying what is wrong with which."""
    result: dict[str, Any] = yaml.safe_load(yaml.safe_dump(spec))
    for assignment in assignments:
        path, value = _parse(assignment)
        _assign(result, path, value, assignment)
    return result


def _parse(assignment: str) -> tuple[list[str], Any]:
    name, equals, text = assignment.partition("=")
    path = name.strip().split(".")
    if not equals or not all(path):
        raise ValueError(f"'{assignment}' is not like train.steps=100")
    try:
        return path, yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"'{assignment}': the value is not YAML") from error


def _assign(spec: dict[str, Any], path: list[str], value: Any, assignment: str) -> None:
    section = spec
    for part in path[:-1]:
        inner = section.setdefault(part, {})
        if not isinstance(inner, dict):
            raise ValueError(f"'{assignment}': '{part}' has the value {inner!r} and no fields")
        section = inner
    section[path[-1]] = value
