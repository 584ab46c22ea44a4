"""Signs of life of long tasks, and the sweep that takes up what has none: lost messages, killed workers."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute

from services.storage.models import PreparedTokens, Tokenizer
from services.storage.stores import Stores, now
from serving.database import Database

log = logging.getLogger(__name__)
MAX_TRIES: Final = 5
"""Starts without any progress, after which a job is given up. Faults of the environment do not count."""
PREPARE_CHUNK: Final = "storage.prepare_chunk"
TRAIN_TOKENIZER: Final = "storage.train_tokenizer"
SWEEP: Final = "storage.sweep"


@contextmanager
def pulse(database: Database, job: InstrumentedAttribute[str], row_id: str, every: float) -> Iterator[None]:
    """While the block runs, `touched_at` of the row is fresh; `job` is its table's id column. A killed process leaves it to age."""
    finished = threading.Event()

    def beat() -> None:
        while not finished.wait(every):
            try:
                with database.writing() as session:
                    session.execute(update(job.class_).where(job == row_id).values(touched_at=now()))
            except SQLAlchemyError:
                log.warning("no sign of life written for %s", row_id, exc_info=True)

    thread = threading.Thread(target=beat, name=f"pulse {row_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        finished.set()
        thread.join()


def sweep(stores: Stores, stall_seconds: float) -> int:
    """Send every unfinished job without a sign of life its task again; how many."""
    silent_since = now() - stall_seconds
    with stores.database.writing() as session:
        training = select(Tokenizer).where(Tokenizer.state == "training", Tokenizer.touched_at < silent_since)
        preparing = select(PreparedTokens).where(PreparedTokens.state.in_(["pending", "running"]), PreparedTokens.touched_at < silent_since)
        tokenizers, prepared = list(session.scalars(training)), list(session.scalars(preparing))
        for row in (*tokenizers, *prepared):
            row.touched_at = now()
    for tokenizer in tokenizers:
        stores.enqueue(TRAIN_TOKENIZER, tokenizer.id)
    for tokens in prepared:
        stores.enqueue(PREPARE_CHUNK, tokens.id, tokens.next_offset)
    if tokenizers or prepared:
        log.warning("taken up again: %d tokenizers, %d preparations", len(tokenizers), len(prepared))
    return len(tokenizers) + len(prepared)
