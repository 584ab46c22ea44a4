"""Times as people and programs read them."""

from datetime import UTC, datetime


def iso(at: float) -> str:
    """Seconds since the epoch as ISO 8601, UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def iso_or_none(at: float | None) -> str | None:
    return None if at is None else iso(at)
