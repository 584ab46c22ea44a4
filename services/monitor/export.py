"""`/api/v1/runs/{id}/metrics/export`: every point of a run as a file, for other programs.

What a file holds is settled when it is asked for: the chunks of the history and how many points each has then. They are read one by one
while they are sent, each in a transaction of its own, so that a slow download holds neither memory nor the database. A run that is deleted
meanwhile breaks the stream off.
"""

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from flask import Response, current_app
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.monitor import columns, event_files, groups, tables
from services.monitor.columns import Columns
from services.monitor.keeping import NO_POINTS
from services.monitor.models import MetricChunk, MetricRollup, StoredEvent
from services.monitor.paths import RunPath
from services.monitor.tables import Block
from services.monitor.timeline import read_timeline
from serving.database import Database
from shared.errors import InvalidField, NotFound
from shared.events import Record, unpack
from shared.run_events import RunCreated

api = APIBlueprint("export", __name__)
Format = Literal["csv", "jsonl", "parquet", "tensorboard"]
_FILES: Final[dict[Format, tuple[str, str]]] = {
    "csv": (".csv", "text/csv; charset=utf-8"),
    "jsonl": (".jsonl", "application/jsonl; charset=utf-8"),
    "parquet": (".parquet", "application/vnd.apache.parquet"),
    "tensorboard": ("-tensorboard.zip", "application/zip"),
}
_NAMES_TOLD: Final = 20


class ExportQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    format: Format = Field(description="tensorboard: a zip of event files")
    names: str | None = Field(None, max_length=20_000, description="metric names, separated by commas; without it all")
    attempts: Literal["latest", "all"] = Field("latest", description="latest: where attempts overlap the highest wins; all: every point")


@dataclass(frozen=True)
class Part:
    """Of a chunk the first `count` points, and of those the ones before step `hidden_from`."""

    chunk_id: int
    name: str
    attempt: int
    count: int
    hidden_from: int | None


@api.get("/api/v1/runs/<run_id>/metrics/export", responses={200: None})
def export_metrics(path: RunPath, query: ExportQuery) -> Response:
    """Every point of a run as a file, made while it is sent

    CSV, JSON lines and Parquet have a row per point: run_id, attempt, step, tokens, time (seconds since 1970), name, value. A value that is
    not finite is NaN, inf or -inf in CSV and a string ("NaN", "Infinity", "-Infinity") in JSON lines. Where retention has taken the single
    points there is one row for 16 of them, with their mean.
    """
    database: Database = current_app.extensions["database"]
    every = query.attempts == "all"
    with database.reading() as session:
        parts = _plan(session, path.run_id, named(query.names), every_attempt=every)
        title = _title(session, path.run_id)
    if query.format == "tensorboard" and every:
        parts.sort(key=lambda part: part.attempt)  # a file each
    suffix, content_type = _FILES[query.format]
    response = Response(_content(query.format, _blocks(database, path.run_id, parts), title, every), content_type=content_type)
    response.headers.set("Content-Disposition", "attachment", filename=f"{title}-metrics{suffix}")
    response.headers["X-Accel-Buffering"] = "no"  # what breaks off must break off at the client too
    return response


def named(text: str | None) -> list[str]:
    return [name for each in (text or "").split(",") if (name := each.strip())]


def _plan(session: Session, run_id: str, names: list[str], *, every_attempt: bool) -> list[Part]:
    """By name, attempt and step. Raises NotFound where the run has no points, InvalidField where it has none of that name."""
    timeline = read_timeline(session, run_id)
    if timeline is None:
        raise NotFound(f"run '{run_id}' has no metric points", remedy="the first come with its first step; GET /api/v1/runs/{id} shows it")
    known = sorted(session.scalars(select(MetricChunk.name).where(MetricChunk.run_id == run_id).distinct()))
    if missing := [name for name in names if name not in known]:
        told = ", ".join(known[:_NAMES_TOLD]) + (", ..." if len(known) > _NAMES_TOLD else "")
        raise InvalidField("names", f"the run has no metric '{missing[0]}'", remedy=f"it has {told}")
    query = select(MetricChunk.id, MetricChunk.name, MetricChunk.attempt, MetricChunk.count.label("points"), MetricChunk.first_step)
    query = query.where(MetricChunk.run_id == run_id).order_by(MetricChunk.name, MetricChunk.attempt, MetricChunk.id)
    hidden = {} if every_attempt else timeline.superseded
    return [
        Part(row.id, row.name, row.attempt, row.points, hidden_from)
        for row in session.execute(query.where(MetricChunk.name.in_(names)) if names else query)
        if (hidden_from := hidden.get((row.name, row.attempt))) is None or row.first_step < hidden_from
    ]


def _title(session: Session, run_id: str) -> str:
    """The run's name, which api told when it was made, and its id, since names need not differ; fit for a file or a folder."""
    query = select(StoredEvent.body).where(StoredEvent.topic == run_id, StoredEvent.type == "RunCreated")
    body = session.scalars(query.order_by(StoredEvent.id).limit(1)).first()
    event = Record(**unpack(body)).event if body else None
    title = f"{event.name}-{run_id}" if isinstance(event, RunCreated) else run_id
    return re.sub(r"[^A-Za-z0-9._-]", "_", title).lstrip(".")


def _blocks(database: Database, run_id: str, parts: Iterable[Part]) -> Iterator[Block]:
    """Raises LookupError where a chunk is gone."""
    for part in parts:
        with database.reading() as session:
            points = _points(session, part.chunk_id)
        if points is None:
            raise LookupError(f"a chunk of {run_id} is gone: the run was deleted while it was exported")
        points = points[: part.count]
        if part.hidden_from is not None:
            points = points[points.step < part.hidden_from]
        if len(points):
            yield Block(run_id, part.name, part.attempt, points)
        time.sleep(0)  # long downloads take turns with the sockets of the same process


def _points(session: Session, chunk_id: int) -> Columns | None:
    """None where the chunk is gone. Where retention has taken its points, the means of 16 each."""
    row = session.execute(select(MetricChunk.data, MetricChunk.sealed).where(MetricChunk.id == chunk_id)).one_or_none()
    if row is None:
        return None
    if row.data != NO_POINTS:
        return columns.decode(row.data, sealed=row.sealed)
    coarse = select(MetricRollup.data).where(MetricRollup.chunk_id == chunk_id, MetricRollup.size == groups.SIZES[0])
    return groups.means(groups.decode(list(session.scalars(coarse))))


def _content(form: Format, blocks: Iterator[Block], title: str, every_attempt: bool) -> Iterator[bytes]:
    if form == "tensorboard":
        return event_files.archive(blocks, lambda block: f"{title}/attempt-{block.attempt}" if every_attempt else title)
    return {"csv": tables.csv, "jsonl": tables.jsonl, "parquet": tables.parquet}[form](blocks)
