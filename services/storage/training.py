"""Training a byte-level BPE on the text of a dataset version."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from sqlalchemy import update
from tokenizers import Tokenizer as Trained
from tokenizers import models, pre_tokenizers, trainers

from services.storage.content import PartReader, PlacedPart, parts_of
from services.storage.encoders import END_OF_TEXT, PieceEncoder, byte_level, dump, load
from services.storage.keys import tokenizer_key
from services.storage.models import DatasetVersion, Tokenizer
from services.storage.objects import DamagedObject
from services.storage.progress import MAX_TRIES, pulse
from services.storage.settings import MIB
from services.storage.split import split_text
from services.storage.stores import Stores, now
from shared.errors import EnvironmentFault

log = logging.getLogger(__name__)
SAMPLE_BYTES: Final = 64 * MIB
"""More text than this hardly changes which pairs are frequent, and all of it passes through memory."""
_PIECE: Final = 1 << 16


def train_tokenizer(stores: Stores, reader: PartReader, tokenizer_id: str, stall_seconds: float) -> None:
    """Train, store and mark ready. Safe to repeat; what is not in training any more is left alone."""
    if (begun := _begin(stores, tokenizer_id)) is None:
        return
    row, parts = begun
    try:
        with pulse(lambda: _set(stores, row.id), stall_seconds / 3):
            trained = train_bpe(sample_text(reader, parts, lambda share: _note_progress(stores, row.id, share)), row.vocab_size)
            _finish(stores, row, trained, next(sample_text(reader, parts, lambda _share: None)))
    except DamagedObject as error:
        _set(stores, row.id, state="failed", reason=error.detail)
    except EnvironmentFault:
        _set(stores, row.id, tries=0)
        raise


def train_bpe(texts: Iterator[str], vocab_size: int) -> Trained:
    """At most `vocab_size` tokens: 256 bytes, end-of-text, and merges as far as the text has pairs that occur twice."""
    tokenizer = byte_level(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def sample_text(reader: PartReader, parts: Sequence[PlacedPart], report: Callable[[float], None]) -> Iterator[str]:
    """Up to SAMPLE_BYTES of the stream in pieces, spread evenly over its parts. `report` gets the share that is done, 0 to 1."""
    total = sum(part.bytes for part in parts)
    stride = max(1, min(total // SAMPLE_BYTES, len(parts) // 64))
    share = min(1.0, SAMPLE_BYTES * stride / total)
    chosen = parts[::stride]
    for index, part in enumerate(chosen):
        text = reader.read(part)[: max(4, int(part.bytes * share))].decode(errors="ignore")
        for count, (done, piece) in enumerate(split_text(text, _PIECE)):
            yield piece
            if count % 16 == 0:
                report((index + done) / len(chosen))


def bytes_per_token(tokenizer: Trained, text: str) -> float:
    ids = PieceEncoder(tokenizer).encode([text])[0]
    return len(text.encode()) / max(1, len(ids))


def _begin(stores: Stores, tokenizer_id: str) -> tuple[Tokenizer, list[PlacedPart]] | None:
    with stores.database.writing() as session:
        row = session.get(Tokenizer, tokenizer_id)
        if row is None or row.state != "training":
            return None
        row.tries += 1
        row.touched_at = now()
        if row.tries > MAX_TRIES:
            row.state, row.reason = "failed", f"given up after {MAX_TRIES} tries; the storage worker's log has the details"
            return None
        return row, parts_of(session, session.get_one(DatasetVersion, row.dataset_id))


def _note_progress(stores: Stores, tokenizer_id: str, share: float) -> None:
    """Reading is about half of the work."""
    _set(stores, tokenizer_id, progress=share / 2)


def _finish(stores: Stores, row: Tokenizer, trained: Trained, sample: str) -> None:
    tokenizer_json = dump(trained)
    digest = hashlib.sha256(tokenizer_json).hexdigest()
    stores.objects.put(tokenizer_key(row.id), tokenizer_json, digest)
    measured = bytes_per_token(load(tokenizer_json.decode()), sample)
    size = trained.get_vocab_size()
    ready = {
        "state": "ready",
        "progress": 1.0,
        "vocab_size": size,
        "bytes_per_token": measured,
        "sha256": digest,
        "bytes": len(tokenizer_json),
    }
    _set(stores, row.id, **ready)
    log.info("tokenizer %s has %d tokens, %.2f bytes each", row.id, size, measured)


def _set(stores: Stores, tokenizer_id: str, **values: object) -> None:
    """Only while it is in training: who comes late changes nothing."""
    training = update(Tokenizer).where(Tokenizer.id == tokenizer_id, Tokenizer.state == "training")
    with stores.database.writing() as session:
        session.execute(training.values(touched_at=now(), **values))
