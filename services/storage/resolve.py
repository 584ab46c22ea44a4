"""What a run spec's names mean now. The ids stay right for ever, as versions never change."""

import difflib
import re
from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.storage.models import Dataset, DatasetVersion, Tokenizer
from services.storage.stores import Stores, stores
from services.storage.versions import find_version, newest_version
from services.storage.vocabularies import BUILT_IN, byte_row, char_row, find_tokenizer
from shared.errors import Conflict, FieldError, InvalidField
from shared.internal import DatasetRef, Resolved, ResolveRequest, TokenizerRef

resolve = APIBlueprint("resolve", __name__, url_prefix="/internal", doc_ui=False)


@resolve.post("/resolve")
def resolve_names(body: ResolveRequest) -> Any:
    """A dataset and a tokenizer by `name` or `name@version`."""
    version = resolve_dataset(stores(), "dataset", body.dataset)
    tokenizer = resolve_tokenizer(stores(), body.tokenizer, version)
    dataset = DatasetRef(id=version.id, name=version.dataset, version=version.version, bytes=version.bytes)
    return Resolved(dataset=dataset, tokenizer=tokenizer_ref(tokenizer)).model_dump()


def resolve_dataset(stores: Stores, field: str, reference: str) -> DatasetVersion:
    """Raises InvalidField naming what there is."""
    name, number = parse_reference(field, reference)
    with stores.database.reading() as session:
        newest = newest_version(session, name)
        if newest is None:
            known = list(session.scalars(select(Dataset.name).order_by(Dataset.name)))
            remedy = "`groundup data push` makes one; GET /api/v1/datasets lists them"
            raise InvalidField(field, f"there is no dataset '{name}'; {_nearest(name, known)}", remedy=remedy)
        version = newest if number is None else find_version(session, name, number)
    if version is None:
        raise InvalidField(field, f"'{name}' has versions 1 to {newest.version}, not {number}", remedy=f"use {name}@{newest.version}")
    return version


def resolve_tokenizer(stores: Stores, reference: str, version: DatasetVersion) -> Tokenizer:
    """Raises InvalidField naming what there is, Conflict while it is in training."""
    name, number = parse_reference("tokenizer", reference)
    if name == "byte" and number in {None, 1}:
        return byte_row(stores)
    if name == "char" and number is None:
        return char_row(stores, version)
    with stores.database.reading() as session:
        row = find_tokenizer(session, name, number)
        if row is None:
            raise _no_tokenizer(session, name, number)
    if row.state == "training":
        message = f"{name}@{row.version} is still in training ({row.progress:.0%})"
        raise Conflict(message, remedy="wait until it is ready", errors=(FieldError("tokenizer", message),), code="tokenizer-training")
    if row.state == "failed":
        raise InvalidField("tokenizer", f"training of {name}@{row.version} failed: {row.reason}", remedy="train it again")
    return row


def tokenizer_ref(row: Tokenizer) -> TokenizerRef:
    return TokenizerRef(
        id=row.id,
        name=row.name,
        version=row.version,
        vocab_size=row.vocab_size,
        bytes_per_token=row.bytes_per_token or 1.0,
        bytes=row.bytes or 0,
    )


def parse_reference(field: str, reference: str) -> tuple[str, int | None]:
    """Raises InvalidField where it is neither `name` nor `name@version`."""
    match = re.fullmatch(r"([a-z0-9][a-z0-9._-]{0,62})(?:@([0-9]{1,9}))?", reference)
    if match is None:
        raise InvalidField(field, f"'{reference}' is neither a name nor name@version", remedy="for example novels or novels@2")
    return match[1], int(match[2]) if match[2] else None


def _no_tokenizer(session: Session, name: str, number: int | None) -> InvalidField:
    if number is not None and (newest := find_tokenizer(session, name, None)):
        return InvalidField(
            "tokenizer", f"'{name}' has versions 1 to {newest.version}, not {number}", remedy=f"use {name}@{newest.version}"
        )
    known = {*session.scalars(select(Tokenizer.name).distinct()), *BUILT_IN}
    remedy = "POST /api/v1/tokenizers trains one; GET lists them; byte and char need no training"
    return InvalidField("tokenizer", f"there is no tokenizer '{name}'; {_nearest(name, sorted(known))}", remedy=remedy)


def _nearest(name: str, known: list[str]) -> str:
    if not known:
        return "there is none yet"
    nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(nearest)}?" if nearest else f"there are: {', '.join(known[:20])}"
