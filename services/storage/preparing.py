"""Dataset text to token shards, one bounded range of the stream at a time.

A range's tokens depend on the text, the tokenizer and the range alone; its row moves on by one conditional update. So a task may come
twice, late, or be killed anywhere: at most the work of one range is lost, and nothing is counted twice.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from sqlalchemy import func, select, update

from services.storage.content import PartReader, PlacedPart, files_within, parts_of
from services.storage.encoders import END_OF_TEXT, Encoder, Ids, load_encoder, token_dtype
from services.storage.keys import shard_key
from services.storage.models import DatasetVersion, File, PreparedTokens, Shard, Tokenizer
from services.storage.objects import DamagedObject
from services.storage.progress import MAX_TRIES, PREPARE_CHUNK, pulse
from services.storage.settings import MIB, StorageSettings
from services.storage.split import last_cut, split_text
from services.storage.stores import Stores, now
from services.storage.vocabularies import read_tokenizer
from shared.errors import EnvironmentFault

MAX_SHARD: Final = 64 * MIB
_PIECE: Final = MIB
"""Characters encoded at once. `tokenizers` keeps some hundred bytes per token while it works."""


@dataclass(frozen=True)
class Range:
    """What one task does: the stream from `start` on, at most to `limit`."""

    prepared_id: str
    tokenizer: Tokenizer
    start: int
    limit: int
    total: int
    files: list[File]
    parts: list[PlacedPart]


def prepare_chunk(stores: Stores, reader: PartReader, settings: StorageSettings, prepared_id: str, start: int) -> None:
    """Tokenise the range that begins at `start`, commit it, and send for the next. A range that is done already is left alone."""
    if (work := _begin(stores, prepared_id, start, settings.chunk_bytes)) is None:
        return
    try:
        with pulse(lambda: _set(stores, prepared_id), settings.stall_seconds / 3):
            encoder = load_encoder(work.tokenizer.kind, read_tokenizer(stores, work.tokenizer).decode())
            end, data = _read(reader, work)
            shards = _store(stores, tokenise(encoder, work, data), work.tokenizer.vocab_size)
        if _commit(stores, work, end, shards) and end < work.total:
            stores.enqueue(PREPARE_CHUNK, prepared_id, end)
    except DamagedObject as error:
        _set(stores, prepared_id, state="failed", reason=error.detail)
    except EnvironmentFault:
        _set(stores, prepared_id, tries=0)
        raise


def tokenise(encoder: Encoder, work: Range, data: bytes) -> Ids:
    """Token ids of `data`, the stream from `work.start` on, with end-of-text behind each document that ends in it."""
    end_of_text = np.array([encoder.tokenizer.token_to_id(END_OF_TEXT)], np.uint32)
    ids: list[Ids] = []
    for batch in _batches(_pieces(work, data)):
        for encoded, (_text, ends) in zip(encoder.encode([text for text, _ends in batch]), batch, strict=True):
            ids.append(encoded)
            if ends:
                ids.append(end_of_text)
    return np.concatenate(ids)


def _begin(stores: Stores, prepared_id: str, start: int, chunk_bytes: int) -> Range | None:
    with stores.database.writing() as session:
        row = session.get(PreparedTokens, prepared_id)
        if row is None or row.state not in {"pending", "running"} or row.next_offset != start:
            return None
        row.state, row.touched_at = "running", now()
        row.tries += 1
        if row.tries > MAX_TRIES:
            row.state, row.reason = "failed", f"given up after {MAX_TRIES} tries at byte {start}; the storage worker's log has the details"
            return None
        version = session.get_one(DatasetVersion, row.dataset_id)
        limit = min(start + chunk_bytes, row.bytes)
        files = files_within(session, version, start, limit)
        parts = parts_of(session, version, start, limit)
        return Range(prepared_id, session.get_one(Tokenizer, row.tokenizer_id), start, limit, row.bytes, files, parts)


def _read(reader: PartReader, work: Range) -> tuple[int, bytes]:
    """Where the range ends and its bytes. It ends between documents; only one that is longer than a range is cut."""
    last = work.files[-1]
    fits = last.offset + last.bytes <= work.limit
    if fits or last.offset > work.start:
        end = work.limit if fits else last.offset
        return end, reader.read_stream(work.parts, work.start, end)
    data = reader.read_stream(work.parts, work.start, work.limit)
    cut = last_cut(data)
    return work.start + cut, data[:cut]


def _pieces(work: Range, data: bytes) -> Iterator[tuple[str, bool]]:
    """The documents' text in pieces, each with whether its document ends with it."""
    end = work.start + len(data)
    for file in work.files:
        if file.offset >= end:
            return
        behind = file.offset + file.bytes
        text = data[max(file.offset - work.start, 0) : behind - work.start].decode()
        for done, piece in split_text(text, _PIECE):
            yield piece, done == 1.0 and behind <= end


def _batches(pieces: Iterator[tuple[str, bool]]) -> Iterator[list[tuple[str, bool]]]:
    batch: list[tuple[str, bool]] = []
    size = 0
    for piece in pieces:
        batch.append(piece)
        size += len(piece[0])
        if size >= _PIECE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _store(stores: Stores, ids: Ids, vocab_size: int) -> list[Shard]:
    """Shards as objects, and rows for them that belong to nothing yet."""
    dtype = token_dtype(vocab_size)
    step = MAX_SHARD // dtype.itemsize
    shards = []
    for first in range(0, len(ids), step):
        data = ids[first : first + step].astype(dtype).tobytes()
        digest = hashlib.sha256(data).hexdigest()
        stores.objects.put(shard_key(digest), data, digest)
        shards.append(Shard(sha256=digest, bytes=len(data), tokens=len(data) // dtype.itemsize))
    return shards


def _commit(stores: Stores, work: Range, end: int, shards: list[Shard]) -> bool:
    """False where somebody else was faster."""
    at_start = update(PreparedTokens).where(
        PreparedTokens.id == work.prepared_id, PreparedTokens.state == "running", PreparedTokens.next_offset == work.start
    )
    moved = {
        "next_offset": end,
        "tokens": PreparedTokens.tokens + sum(shard.tokens for shard in shards),
        "state": "ready" if end == work.total else "running",
        "tries": 0,
        "touched_at": now(),
    }
    with stores.database.writing() as session:
        if not session.execute(at_start.values(moved).returning(PreparedTokens.id)).first():
            return False
        count = session.scalar(select(func.count()).where(Shard.prepared_id == work.prepared_id)) or 0
        for position, shard in enumerate(shards, start=count):
            shard.prepared_id, shard.position = work.prepared_id, position
            session.add(shard)
        return True


def _set(stores: Stores, prepared_id: str, **values: object) -> None:
    unfinished = PreparedTokens.state.in_(["pending", "running"])
    with stores.database.writing() as session:
        session.execute(update(PreparedTokens).where(PreparedTokens.id == prepared_id, unfinished).values(touched_at=now(), **values))
