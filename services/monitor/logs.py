"""`/api/v1/runs/{id}/logs`"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from flask import current_app
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy import Select, select

from services.monitor.models import LogChunk
from services.monitor.ordering import OrderedQuery
from services.monitor.paths import RunPath
from serving.database import Database
from serving.times import iso

api = APIBlueprint("logs", __name__)
_NO_END: Final = 1 << 62


class LogsQuery(OrderedQuery):
    limit: int = Field(50, ge=1, le=1000)
    rank: int | None = Field(None, ge=0, le=1_000_000, description="only lines of this process")
    from_line: int = Field(
        0, ge=0, lt=_NO_END, description="no line before this one; lines are numbered from 0 per run, over all ranks and attempts"
    )


class LogLine(BaseModel):
    rank: int
    line: int
    attempt: int
    at: str
    text: str


class LogPage(BaseModel):
    items: list[LogLine]
    next_cursor: str | None


@api.get("/api/v1/runs/<run_id>/logs", responses={200: LogPage})
def list_log_lines(path: RunPath, query: LogsQuery) -> dict[str, Any]:
    """What a run's processes wrote, in order of arrival. To follow, ask again from the last line + 1."""
    database: Database = current_app.extensions["database"]
    with database.reading() as session:
        chunks = session.scalars(_chunks(path.run_id, query)).yield_per(32)
        lines = list(islice((line for chunk in chunks for line in _lines(chunk, query)), query.limit + 1))
    more = len(lines) > query.limit
    lines = lines[: query.limit]
    return {"items": lines, "next_cursor": _cursor(lines[-1]["line"], query) if more else None}


def _span(query: LogsQuery) -> tuple[int, int]:
    """The first line that is asked for, and the one behind the last. A cursor is the first line not given yet, or the last one given."""
    if query.newest_first:
        return query.from_line, _NO_END if query.cursor is None else query.position
    return max(query.from_line, query.position), _NO_END


def _cursor(last: int, query: LogsQuery) -> str:
    return str(last if query.newest_first else last + 1)


def _chunks(run_id: str, query: LogsQuery) -> Select[LogChunk]:
    first, end = _span(query)
    chunks = select(LogChunk).where(LogChunk.run_id == run_id, LogChunk.first_line + LogChunk.count > first, LogChunk.first_line < end)
    if query.rank is not None:
        chunks = chunks.where(LogChunk.rank == query.rank)
    # As many chunks as lines are enough: each has one at least, and at most the first is cut.
    return chunks.order_by(LogChunk.first_line.desc() if query.newest_first else LogChunk.first_line).limit(query.limit + 2)


def _lines(chunk: LogChunk, query: LogsQuery) -> Iterator[dict[str, Any]]:
    first, end = _span(query)
    numbered = list(enumerate(chunk.text.decode().split("\n"), chunk.first_line))
    for number, text in reversed(numbered) if query.newest_first else numbered:
        if first <= number < end:
            yield {"rank": chunk.rank, "line": number, "attempt": chunk.attempt, "at": iso(chunk.at), "text": text}
