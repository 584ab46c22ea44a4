"""Signs of life of long tasks, and the sweep that takes up what has none: lost messages, killed workers."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from services.storage.models import PreparedTokens, Tokenizer
from services.storage.stores import Stores, now

log = logging.getLogger(__name__)
MAX_TRIES: Final = 5
"""Starts without any progress, after which a job is given up. Faults of the environment do not count."""
PREPARE_CHUNK: Final = "storage.prepare_chunk"
TRAIN_TOKENIZER: Final = "storage.train_tokenizer"
SWEEP: Final = "storage.sweep"


@contextmanager
def pulse(touch: Callable[[], None], every: float) -> Iterator[None]:
    """Call `touch` again and again while the block runs. It stops with the process, so that a killed one is noticed."""
    finished = threading.Event()

    def beat() -> None:
        while not finished.wait(every):
            try:
                touch()
            except SQLAlchemyError:
                log.warning("no sign of life written", exc_info=True)

    thread = threading.Thread(target=beat, name="pulse", daemon=True)
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
        touched: list[Tokenizer | PreparedTokens] = [*tokenizers, *prepared]
        for row in touched:
            row.touched_at = now()
    for tokenizer in tokenizers:
        stores.enqueue(TRAIN_TOKENIZER, tokenizer.id)
    for tokens in prepared:
        stores.enqueue(PREPARE_CHUNK, tokens.id, tokens.next_offset)
    if touched:
        log.warning("taken up again: %d tokenizers, %d preparations", len(tokenizers), len(prepared))
    return len(touched)
