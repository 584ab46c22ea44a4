"""Pages of a list: `?cursor=` names where the last page ended, `?limit=` how many rows at most."""

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import InvalidField


class PageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    cursor: str | None = Field(None, max_length=500, description="`next_cursor` of the page before")
    limit: int = Field(50, ge=1, le=200)

    @property
    def position(self) -> int:
        """For lists whose cursor is a number. Raises InvalidField for one that is none of ours."""
        if self.cursor is None:
            return 0
        if not (self.cursor.isascii() and self.cursor.isdigit() and len(self.cursor) <= 18):
            raise foreign_cursor()
        return int(self.cursor)


def foreign_cursor() -> InvalidField:
    return InvalidField("cursor", "is not one that a list has given", remedy="start again without a cursor")
