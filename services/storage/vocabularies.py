"""Tokenizers by name: `byte` and `char` come into being when they are asked for, the others are trained."""

import hashlib

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.storage.content import parts_of
from services.storage.encoders import byte_tokenizer, char_tokenizer, dump
from services.storage.keys import tokenizer_key
from services.storage.models import DatasetVersion, Part, Tokenizer, UploadPart
from services.storage.stores import Stores, lock, now
from shared.errors import EnvironmentFault
from shared.internal import Located

BUILT_IN = ("byte", "char")
BYTE_ID = "tok_byte"


def byte_row(stores: Stores) -> Tokenizer:
    """The one byte tokenizer."""
    with stores.database.reading() as session:
        if row := session.get(Tokenizer, BYTE_ID):
            return row
    return _store(stores, Tokenizer(id=BYTE_ID, name="byte", kind="byte", bytes_per_token=1.0), dump(byte_tokenizer()), 257)


def char_row(stores: Stores, version: DatasetVersion) -> Tokenizer:
    """The character tokenizer of a dataset version."""
    tokenizer_id = f"tok_char_{version.id}"
    with stores.database.reading() as session:
        if row := session.get(Tokenizer, tokenizer_id):
            return row
        hashes = select(UploadPart.sha256).where(UploadPart.upload_id == version.upload_id)
        found = {part.sha256: part for part in session.scalars(select(Part).where(Part.sha256.in_(hashes)))}
        counts = sum(found[part.sha256].n_characters or 0 for part in parts_of(session, version))
    characters = "".join(sorted(set().union(*((part.characters or b"").decode() for part in found.values()))))
    row = Tokenizer(id=tokenizer_id, name="char", kind="char", dataset_id=version.id, bytes_per_token=version.bytes / counts)
    return _store(stores, row, dump(char_tokenizer(characters)), len(characters) + 2)


def find_tokenizer(session: Session, name: str, version: int | None) -> Tokenizer | None:
    """The one with this version, or the newest."""
    named = select(Tokenizer).where(Tokenizer.name == name)
    if version is not None:
        named = named.where(Tokenizer.version == version)
    return session.scalars(named.order_by(Tokenizer.version.desc()).limit(1)).first()


def next_tokenizer_version(session: Session, name: str) -> int:
    """Until the transaction ends, nobody else gets this number."""
    lock(session, f"tokenizer {name}")
    newest = session.scalar(select(func.max(Tokenizer.version)).where(Tokenizer.name == name))
    return (newest or 0) + 1


def read_tokenizer(stores: Stores, row: Tokenizer) -> bytes:
    """The tokenizer.json of a ready tokenizer. Raises DamagedObject."""
    located = locate_tokenizer(stores, row)
    return stores.objects.read_verified(tokenizer_key(row.id), located.sha256, located.bytes)


def locate_tokenizer(stores: Stores, row: Tokenizer) -> Located:
    if row.sha256 is None or row.bytes is None:
        raise EnvironmentFault(f"tokenizer {row.id} is {row.state}")
    return Located(name="tokenizer.json", bytes=row.bytes, sha256=row.sha256, url=stores.objects.get_url(tokenizer_key(row.id)))


def _store(stores: Stores, row: Tokenizer, tokenizer_json: bytes, vocab_size: int) -> Tokenizer:
    """Two that make the same at once write the same bytes; the first row counts."""
    digest = hashlib.sha256(tokenizer_json).hexdigest()
    stores.objects.put(tokenizer_key(row.id), tokenizer_json, digest)
    with stores.database.writing() as session:
        version = next_tokenizer_version(session, row.name)
        if there := session.get(Tokenizer, row.id):
            return there
        row.version, row.state, row.progress, row.vocab_size = version, "ready", 1.0, vocab_size
        row.sha256, row.bytes = digest, len(tokenizer_json)
        row.touched_at = row.created_at = now()
        row.created_by = "groundup"
        session.add(row)
        session.flush()
        return row
