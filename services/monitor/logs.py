"""`/api/v1/runs/{id}/logs`"""

from collections.abc import Iterable, Iterator
from typing import Any

from flask import current_app
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy import select

from services.monitor.models import LogChunk
from services.monitor.paths import RunPath
from serving.database import Database
from serving.paging import PageQuery
from serving.times import iso

api = APIBlueprint("logs", __name__)


class LogsQuery(PageQuery):
    rank: int | None = Field(None, ge=0, le=1_000_000, description="only lines of this process")
    from_line: int = Field(
        0, ge=0, lt=1 << 62, description="the first line; lines are numbered from 0 per run, over all ranks and attempts"
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
    first = max(query.from_line, query.position)
    chunks = select(LogChunk).where(LogChunk.run_id == path.run_id, LogChunk.first_line + LogChunk.count > first)
    if query.rank is not None:
        chunks = chunks.where(LogChunk.rank == query.rank)
    database: Database = current_app.extensions["database"]
    with database.reading() as session:
        rows = session.scalars(chunks.order_by(LogChunk.first_line).limit(query.limit + 1)).all()
    lines = [line for line in _lines(rows) if line["line"] >= first]
    more = len(lines) > query.limit
    return {"items": lines[: query.limit], "next_cursor": str(lines[query.limit]["line"]) if more else None}


def _lines(chunks: Iterable[LogChunk]) -> Iterator[dict[str, Any]]:
    for chunk in chunks:
        for number, text in enumerate(chunk.text.decode().split("\n"), chunk.first_line):
            yield {"rank": chunk.rank, "line": number, "attempt": chunk.attempt, "at": iso(chunk.at), "text": text}
