"""Pages of a list: `?cursor=` says where the last page ended."""

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import InvalidField


class Page(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(None, max_length=200, description="`next_cursor` of the page before")
    limit: int = Field(50, ge=1, le=200)

    def position(self) -> int:
        """For lists whose cursor is a number."""
        if self.cursor is None:
            return 0
        if not (self.cursor.isascii() and self.cursor.isdigit() and len(self.cursor) < 10):
            raise InvalidField("cursor", f"'{self.cursor}' is not one of ours", remedy="send `next_cursor` of the page before, unchanged")
        return int(self.cursor)


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
