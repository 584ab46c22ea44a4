"""Verified parts that turn out lost or damaged are not verified any more: whoever pushes their text again is asked for them."""

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import Final

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from services.storage.keys import part_key
from services.storage.models import Part
from services.storage.objects import DamagedObject
from services.storage.stores import Stores, now

log = logging.getLogger(__name__)
_ASKED_AT_ONCE: Final = 8


@contextmanager
def doubting(stores: Stores, sha256: str) -> Iterator[None]:
    """Around reading a part. Raises DamagedObject that says how to repair it."""
    began = now()
    try:
        yield
    except DamagedObject as error:
        unverify_since(stores, sha256, began)
        raise DamagedObject(f"{error.detail}; push the same text again to repair it") from error


def unverify_lost(stores: Stores, hashes: Iterable[str]) -> None:
    """Ask S3 for the size of each verified part among these; one that is absent or of another size is missing again."""
    began = now()
    with stores.database.reading() as session:
        verified = [part for part in find_parts(session, hashes).values() if part.verified_at is not None]
    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        sizes = pool.map(lambda part: stores.objects.size(part_key(part.sha256)), verified)
        for part, size in zip(verified, sizes, strict=True):
            if size != part.bytes:
                unverify_since(stores, part.sha256, began)


def find_parts(session: Session, hashes: Iterable[str]) -> dict[str, Part]:
    """The rows of those parts that were ever heard of."""
    left, known = iter(hashes), dict[str, Part]()
    while batch := list(islice(left, 500)):
        known |= {part.sha256: part for part in session.scalars(select(Part).where(Part.sha256.in_(batch)))}
    return known


def unverify_since(stores: Stores, sha256: str, began: float) -> None:
    """A reading that began then found it bad. What was verified later may be another object, of which it says nothing."""
    if unverify(stores, sha256, Part.verified_at <= began):
        log.error("part %s is lost or damaged; pushing its text again repairs it", sha256)


def unverify(stores: Stores, sha256: str, *where: ColumnElement[bool]) -> bool:
    """Whether the part was as `where` says. Readings that began before this cannot verify it."""
    bad = update(Part).where(Part.sha256 == sha256, *where).values(verified_at=None, resets=Part.resets + 1)
    with stores.database.writing() as session:
        return session.execute(bad.returning(Part.sha256)).first() is not None
