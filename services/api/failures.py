"""What attempts die of, as the tables keep it."""

from typing import Any

from shared.failures import Failure


def cleaned(failure: Failure | None) -> Failure | None:
    """Without NUL, which PostgreSQL has no place for."""
    if failure is None:
        return None
    return Failure(kind=failure.kind, message=failure.message.replace("\0", ""), remedy=failure.remedy.replace("\0", ""))


def kept(failure: Failure | None) -> dict[str, Any] | None:
    return failure.model_dump(mode="json") if failure else None


def read(stored: dict[str, Any] | None) -> Failure | None:
    return Failure.model_validate(stored) if stored else None
