"""Lists in pages, oldest first: a cursor is the position behind the last row of its page."""

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import InvalidField


class RunPath(BaseModel):
    run_id: str = Field(max_length=200)


class PageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    cursor: str | None = Field(None, max_length=100, description="`next_cursor` of the page before")
    limit: int = Field(50, ge=1, le=200)

    @property
    def position(self) -> int:
        """Raises InvalidField for a cursor that is none of ours."""
        if self.cursor is None:
            return 0
        if not (self.cursor.isascii() and self.cursor.isdigit() and len(self.cursor) <= 18):
            raise InvalidField("cursor", "is not one that a list has given", remedy="start again without a cursor")
        return int(self.cursor)


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
