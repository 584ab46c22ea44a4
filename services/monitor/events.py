"""`/api/v1/runs/{id}/events` and `/samples`"""

from collections.abc import Sequence

from flask import Response, current_app
from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel, Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.monitor.models import StoredEvent
from services.monitor.ordering import OrderedQuery
from services.monitor.paths import RunPath
from serving.database import Database
from serving.times import iso
from shared.events import Envelope, unpack
from shared.training_events import SampleGenerated

api = APIBlueprint("events", __name__)


class EventsQuery(OrderedQuery):
    type: str | None = Field(None, max_length=100, description="only events of this type")


class EventPage(BaseModel):
    items: list[Envelope]
    next_cursor: str | None


class SampleAnswer(BaseModel):
    step: int
    prompt: str
    text: str
    at: str
    attempt: int | None


class SamplePage(BaseModel):
    items: list[SampleAnswer]
    next_cursor: str | None


@api.get("/api/v1/runs/<run_id>/events", responses={200: EventPage})
def list_events(path: RunPath, query: EventsQuery) -> Response:
    """What happened to a run: all events but steps and logs, which are read as metrics and logs."""
    with _database().reading() as session:
        rows, cursor = _page(session, path.run_id, query.type, query)
    return _json(EventPage(items=[_envelope(row) for row in rows], next_cursor=cursor))


@api.get("/api/v1/runs/<run_id>/samples", responses={200: SamplePage})
def list_samples(path: RunPath, query: OrderedQuery) -> Response:
    """Texts that the run's model wrote while it was trained."""
    with _database().reading() as session:
        rows, cursor = _page(session, path.run_id, "SampleGenerated", query)
    return _json(SamplePage(items=[_sample(row) for row in rows], next_cursor=cursor))


def _database() -> Database:
    database: Database = current_app.extensions["database"]
    return database


def _page(session: Session, run_id: str, kind: str | None, page: OrderedQuery) -> tuple[Sequence[StoredEvent], str | None]:
    query = select(StoredEvent).where(StoredEvent.topic == run_id)
    if kind is not None:
        query = query.where(StoredEvent.type == kind)
    if page.cursor is not None:
        query = query.where(StoredEvent.id < page.position if page.newest_first else StoredEvent.id > page.position)
    order = StoredEvent.id.desc() if page.newest_first else StoredEvent.id
    rows = session.scalars(query.order_by(order).limit(page.limit + 1)).all()
    more = len(rows) > page.limit
    rows = rows[: page.limit]
    return rows, str(rows[-1].id) if more else None


def _envelope(row: StoredEvent) -> Envelope:
    return Envelope(**unpack(row.body), epoch=row.epoch, seq=row.seq)


def _sample(row: StoredEvent) -> SampleAnswer:
    event = _envelope(row).event
    assert isinstance(event, SampleGenerated), event.type
    return SampleAnswer(step=event.step, prompt=event.prompt, text=event.text, at=iso(row.at), attempt=row.attempt)


def _json(page: BaseModel) -> Response:
    """By pydantic, which writes null for NaN."""
    return Response(page.model_dump_json(), content_type="application/json")
