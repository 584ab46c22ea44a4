"""What the history holds, read straight from its tables."""

from sqlalchemy import select

from services.monitor import columns
from services.monitor.models import LogChunk, MetricChunk, StoredEvent
from serving.database import Database
from shared.events import Record, unpack


def points(database: Database, name: str = "train/loss", run_id: str = "run_a") -> list[tuple[int, int, float]]:
    """(attempt, step, value), in order of arrival within an attempt."""
    with database.reading() as session:
        where = (MetricChunk.run_id == run_id, MetricChunk.name == name)
        chunks = session.scalars(select(MetricChunk).where(*where).order_by(MetricChunk.attempt, MetricChunk.id)).all()
    read = []
    for chunk in chunks:
        decoded = columns.decode(chunk.data, sealed=chunk.sealed)
        assert len(decoded) == chunk.count
        assert (decoded.step.min(), decoded.step.max()) == (chunk.first_step, chunk.last_step)
        read += [(chunk.attempt, step, value) for step, value in zip(decoded.step.tolist(), decoded.value.tolist(), strict=True)]
    return read


def steps(database: Database) -> list[int]:
    return [step for _, step, _ in points(database)]


def events(database: Database) -> list[Record]:
    with database.reading() as session:
        return [Record(**unpack(row.body)) for row in session.scalars(select(StoredEvent).order_by(StoredEvent.id))]


def log_text(database: Database) -> list[str]:
    with database.reading() as session:
        chunks = session.scalars(select(LogChunk).order_by(LogChunk.first_line)).all()
    assert [chunk.first_line for chunk in chunks] == [sum(other.count for other in chunks[:index]) for index in range(len(chunks))]
    return [line for chunk in chunks for line in chunk.text.decode().split("\n")]
