"""`/api/v1/runs/{id}/metrics`"""

from typing import Any, Literal

from flask import current_app
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, ConfigDict, Field

from services.monitor.history import Zoom, read_series
from services.monitor.models import Position
from services.monitor.paths import RunPath
from serving.database import Database
from shared.errors import InvalidField

api = APIBlueprint("metrics", __name__)


class MetricsQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True, allow_inf_nan=False)
    names: str | None = Field(None, max_length=20_000, description="metric names, separated by commas; without it all")
    x: Literal["step", "tokens", "time"] = Field("step", description="time: seconds since the run's first point")
    first: float | None = Field(None, alias="from", description="smallest x")
    last: float | None = Field(None, alias="to", description="largest x")
    buckets: int = Field(500, ge=1, le=5000, description="largest number of buckets per series")
    attempts: Literal["latest", "all"] = Field("latest", description="latest: where attempts overlap the highest wins; all: a series each")


class SeriesAnswer(BaseModel):
    """Lists of the same length, an element per bucket. `count` counts all points, `nan` those that are not finite, which `min`, `max` and
    `mean` leave out; null where nothing finite is left. `attempt`: the highest one with a point in this series."""

    name: str
    attempt: int
    x: list[float] = Field(description="of the bucket's first point")
    min: list[float | None]
    max: list[float | None]
    mean: list[float | None]
    last: list[float | None]
    count: list[int]
    nan: list[int]


class Reached(BaseModel):
    attempt: int
    step: int


class Refused(BaseModel):
    count: int = Field(description="points whose metric has a name that does not fit or is one too many, and events that cannot be read")
    reason: str = Field(description="of the last one")


class MetricsAnswer(BaseModel):
    series: list[SeriesAnswer]
    refused: Refused | None = Field(description="what the history did not take; null: nothing")
    reached: Reached | None = Field(description="the newest step of the whole run; no point before it is missing. null: there is none yet")


@api.get("/api/v1/runs/<run_id>/metrics", responses={200: MetricsAnswer})
def read_metrics(path: RunPath, query: MetricsQuery) -> dict[str, Any]:
    """The curves of a run, in at most `buckets` buckets each. A run without points has none."""
    if query.first is not None and query.last is not None and query.first > query.last:
        raise InvalidField("from", f"{query.first} is greater than `to`, {query.last}", remedy="exchange them")
    names = None if query.names is None else [name.strip() for name in query.names.split(",") if name.strip()]
    zoom = Zoom(query.x, query.first, query.last, query.buckets)
    database: Database = current_app.extensions["database"]
    with database.reading() as session:
        series, reached = read_series(session, path.run_id, names, zoom, all_attempts=query.attempts == "all")
        position = session.get(Position, path.run_id)
    refused = {"count": position.refused, "reason": position.refused_reason} if position and position.refused else None
    return {"series": series, "refused": refused, "reached": None if reached is None else {"attempt": reached[0], "step": reached[1]}}
