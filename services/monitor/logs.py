"""`/api/v1/runs/{id}/logs`"""

from typing import Any, Final

from flask import current_app
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy import Select, func, literal_column, or_, select

from services.monitor.log_search import CHUNK_BYTES, SEARCH_BYTES, Page, Pattern
from services.monitor.models import LogChunk
from services.monitor.ordering import OrderedQuery
from services.monitor.paths import RunPath
from serving.database import Database

api = APIBlueprint("logs", __name__)
_NO_END: Final = 1 << 62
_AT_ONCE: Final = 64


class LogsQuery(OrderedQuery):
    limit: int = Field(50, ge=1, le=1000)
    rank: int | None = Field(None, ge=0, le=1_000_000, description="only lines of this process")
    from_line: int = Field(
        0, ge=0, lt=_NO_END, description="no line before this one; lines are numbered from 0 per run, over all ranks and attempts"
    )
    q: str | None = Field(
        None, min_length=1, max_length=200, pattern=r"^[^\r\n]+$", description="only lines with this text, in upper or lower case"
    )
    errors: bool = Field(False, description="only lines that tell an error")

    @property
    def span(self) -> tuple[int, int]:
        """The first line that is asked for, and the one behind the last. A cursor is `next_line` of the page before."""
        if self.newest_first:
            return self.from_line, _NO_END if self.cursor is None else self.position
        return max(self.from_line, self.position), _NO_END


class LogLine(BaseModel):
    rank: int
    line: int
    attempt: int
    at: str
    text: str
    error: bool = Field(description="it tells one")


class LogPage(BaseModel):
    """A page may hold fewer lines than `limit`, even none, and yet have a cursor: then so much of the log was searched for it."""

    items: list[LogLine]
    next_cursor: str | None
    next_line: int = Field(
        description="where to go on, also when there is no more for now: no line before it is left (from the end: none from it on)"
    )


@api.get("/api/v1/runs/<run_id>/logs", responses={200: LogPage})
def list_log_lines(path: RunPath, query: LogsQuery) -> dict[str, Any]:
    """What a run's processes wrote, in order of arrival, or those lines of it that are looked for.

    To follow, ask again from `next_line`. The first error: `errors=true&limit=1`, from page to page until there is one.
    """
    page = find(current_app.extensions["database"], path.run_id, query)
    return {"items": page.lines, "next_cursor": None if page.complete else str(page.next_line), "next_line": page.next_line}


def find(database: Database, run_id: str, query: LogsQuery) -> Page:
    pattern = Pattern(query.q, errors=query.errors)
    with database.reading() as session:
        chunks = session.execute(_chunks(run_id, query, pattern)).yield_per(_AT_ONCE)
        return Page(*query.span, query.limit, query.newest_first).fill(chunks, pattern)  # type: ignore[arg-type]


def _chunks(run_id: str, query: LogsQuery, pattern: Pattern) -> Select[*tuple[Any, ...]]:
    first, end = query.span
    fields = (LogChunk.first_line, LogChunk.count, LogChunk.rank, LogChunk.attempt, LogChunk.at, LogChunk.text, LogChunk.errors)
    # Chunks leave no number out, so the one that holds line `first` is the last to begin at or before it; an index finds that in any log.
    holding = select(func.max(LogChunk.first_line)).where(LogChunk.run_id == run_id, LogChunk.first_line <= first).scalar_subquery()
    chunks = select(*fields).where(LogChunk.run_id == run_id, LogChunk.first_line >= func.coalesce(holding, 0), LogChunk.first_line < end)
    if query.errors:
        # As the index over these chunks says it: with a parameter, or with the ranks' own index at hand, a database takes another.
        chunks = chunks.where(or_(LogChunk.errors.is_(None), LogChunk.errors > literal_column("0")))
    if query.rank is not None:
        chunks = chunks.where((LogChunk.rank + 0 if query.errors else LogChunk.rank) == query.rank)
    # As many chunks as lines are enough: each has one at least, and at most the first is cut. A search ends by what it has read.
    enough = query.limit + 2 if pattern.takes_all else SEARCH_BYTES // CHUNK_BYTES + 2
    return chunks.order_by(LogChunk.first_line.desc() if query.newest_first else LogChunk.first_line).limit(enough)
