"""The tables of the metric history."""

from sqlalchemy import BigInteger, Boolean, Double, Index, Integer, LargeBinary, String, UniqueConstraint, false, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Id = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only where the key is a plain INTEGER."""


_MAY_HAVE_ERRORS = text("errors IS NULL OR errors > 0")
HAS_POINTS = text("sealed AND length(data) > 0")
"""Of a metric chunk that retention may empty; in these words, by which databases know that an index holds them."""


class Base(DeclarativeBase):
    pass


class Position(Base):
    """How far a topic's stream has been taken. Written in the transaction of what was taken."""

    __tablename__ = "positions"

    topic: Mapped[str] = mapped_column(String(200), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(100))
    seq: Mapped[int] = mapped_column(BigInteger)
    events: Mapped[int] = mapped_column(BigInteger)
    next_line: Mapped[int] = mapped_column(BigInteger)
    deleted: Mapped[bool] = mapped_column(Boolean, server_default=false(), default=False)
    """The run is gone: what is told of it later, or told again after a loss, is stepped over."""
    refused: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    """Points whose metric has no name that fits or one too many, and events that cannot be read; of the last one why, in words."""
    refused_reason: Mapped[str] = mapped_column(String(500), server_default="", default="")


class Producer(Base):
    """The last event taken of a producer. Unlike `seq` its numbers outlive a Redis that forgets."""

    __tablename__ = "producers"

    topic: Mapped[str] = mapped_column(String(200), primary_key=True)
    producer: Mapped[str] = mapped_column(String(200), primary_key=True)
    producer_seq: Mapped[int] = mapped_column(BigInteger)


class MetricChunk(Base):
    """Points of one series, in order of arrival; `data` as in columns.py. `first_` and `last_`: the smallest and the largest."""

    __tablename__ = "metric_chunks"
    __table_args__ = (
        # The last three are for timelines, which look at all chunks of a run.
        Index("ix_metric_chunks_series", "run_id", "name", "attempt", "sealed", "first_step", "last_step", "first_at"),
        Index("ix_metric_chunks_old", "last_at", sqlite_where=HAS_POINTS, postgresql_where=HAS_POINTS),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    run_id: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(200))
    attempt: Mapped[int]
    first_step: Mapped[int] = mapped_column(BigInteger)
    last_step: Mapped[int] = mapped_column(BigInteger)
    first_tokens: Mapped[int] = mapped_column(BigInteger)
    last_tokens: Mapped[int] = mapped_column(BigInteger)
    first_at: Mapped[float] = mapped_column(Double)
    last_at: Mapped[float] = mapped_column(Double)
    count: Mapped[int]
    sealed: Mapped[bool] = mapped_column(Boolean)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class MetricRollup(Base):
    """A sealed chunk's points in groups of `size`; `data` as in groups.py. A chunk without them is read point by point; one whose points
    retention has taken has them still."""

    __tablename__ = "metric_rollups"
    __table_args__ = (Index("ix_metric_rollups_run", "run_id"),)

    chunk_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    run_id: Mapped[str] = mapped_column(String(200))
    data: Mapped[bytes] = mapped_column(LargeBinary)


class LogChunk(Base):
    """The lines of one `LogWritten`. Lines are numbered per run from 0, over all ranks and attempts, in order of arrival."""

    __tablename__ = "log_chunks"
    __table_args__ = (
        Index("ix_log_chunks_rank", "run_id", "rank", "first_line"),
        Index("ix_log_chunks_at", "at"),
        # The few chunks in which errors are looked for, so that the first of them is found at once in a log of any length.
        Index("ix_log_chunks_errors", "run_id", "first_line", sqlite_where=_MAY_HAVE_ERRORS, postgresql_where=_MAY_HAVE_ERRORS),
    )

    run_id: Mapped[str] = mapped_column(String(200), primary_key=True)
    first_line: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    count: Mapped[int]
    rank: Mapped[int]
    attempt: Mapped[int]
    at: Mapped[float] = mapped_column(Double)
    text: Mapped[bytes] = mapped_column(LargeBinary)
    """UTF-8, lines joined by a newline. Bytes, since PostgreSQL's text holds no NUL and logs may."""
    errors: Mapped[int | None]
    """How many lines are errors, see error_lines.py. None: taken in before that was counted, so that they are looked for."""


class StoredEvent(Base):
    """Every event but steps and logs; `body` is the packed `shared.events.Record`, which carries NaN."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("topic", "producer", "producer_seq"),
        Index("ix_events_type", "topic", "type", "id"),
        Index("ix_events_topic", "topic", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    topic: Mapped[str] = mapped_column(String(200))
    epoch: Mapped[str] = mapped_column(String(100))
    seq: Mapped[int] = mapped_column(BigInteger)
    attempt: Mapped[int | None]
    producer: Mapped[str] = mapped_column(String(200))
    producer_seq: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[float] = mapped_column(Double)
    type: Mapped[str] = mapped_column(String(100))
    body: Mapped[bytes] = mapped_column(LargeBinary)


class WorkerSample(Base):
    """What a worker's host said of one second, until its hour is sealed; `body` is its packed metrics."""

    __tablename__ = "worker_samples"

    worker: Mapped[str] = mapped_column(String(200), primary_key=True)
    second: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class WorkerHour(Base):
    """One metric of a worker over one hour, which begins at second `hour`; `raw` and `minutes` as in sealed.py."""

    __tablename__ = "worker_hours"
    __table_args__ = (Index("ix_worker_hours_hour", "hour"),)

    worker: Mapped[str] = mapped_column(String(200), primary_key=True)
    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    hour: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    minutes: Mapped[bytes] = mapped_column(LargeBinary)
