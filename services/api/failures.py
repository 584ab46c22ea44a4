"""What attempts die of, as the tables keep it."""

from typing import Any

from services.api.rows import storable
from shared.failures import Failure


def cleaned(failure: Failure | None) -> Failure | None:
    if failure is None:
        return None
    return Failure(kind=failure.kind, message=storable(failure.message), remedy=storable(failure.remedy))


def kept(failure: Failure | None) -> dict[str, Any] | None:
    return failure.model_dump(mode="json") if failure else None


def read(stored: dict[str, Any] | None) -> Failure | None:
    return Failure.model_validate(stored) if stored else None
