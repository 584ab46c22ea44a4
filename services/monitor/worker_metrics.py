"""`/api/v1/workers/{name}/metrics`"""

import time
from typing import Any

from flask import current_app
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field

from services.monitor.samples import extent, read_worker
from serving.database import Database
from shared.conversation import WorkerName
from shared.errors import InvalidField

api = APIBlueprint("worker_metrics", __name__)


class WorkerMetricsQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True, allow_inf_nan=False)
    names: str | None = Field(None, max_length=20_000, description="metric names, separated by commas; without it all")
    first: float | None = Field(None, alias="from", ge=0, le=1e11, description="seconds since 1970; without it ten minutes before `to`")
    last: float | None = Field(None, alias="to", ge=0, le=1e11, description="seconds since 1970; without it now")
    buckets: int = Field(300, ge=1, le=5000, description="largest number of buckets per series, but for one more at an edge")


class WorkerSeries(BaseModel):
    """Lists of the same length, an element per bucket, as for a run. `x`: the second of a bucket's first sample, since 1970."""

    name: str
    x: list[float]
    min: list[float | None]
    max: list[float | None]
    mean: list[float | None]
    last: list[float | None]
    count: list[int]
    nan: list[int]


class WorkerMetricsAnswer(BaseModel):
    series: list[WorkerSeries]
    oldest: int | None = Field(description="the first second that is kept of this worker, to the hour; null: there is none")
    newest: int | None = Field(description="the last one")


@api.get("/api/v1/workers/<name>/metrics", responses={200: WorkerMetricsAnswer})
def read_worker_metrics(path: WorkerName, query: WorkerMetricsQuery) -> dict[str, Any]:
    """What a worker's host did: processors, memory, disk, network and GPUs, second by second, in at most `buckets` buckets each.

    A worker that nothing is known of, or was never sampled, has none.
    """
    last = time.time() if query.last is None else query.last
    first = max(last - 600, 0) if query.first is None else query.first
    if first > last:
        raise InvalidField("from", f"{first} is greater than `to`, {last}", remedy="exchange them")
    names = None if query.names is None else [name.strip() for name in query.names.split(",") if name.strip()]
    database: Database = current_app.extensions["database"]
    with database.reading() as session:
        kept = extent(session, path.name)
        series = read_worker(session, path.name, names, (first, last), query.buckets)
    return {"series": series, "oldest": kept and kept[0], "newest": kept and kept[1]}
