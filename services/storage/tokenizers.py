"""Tokenizers: train one, look at them, try them out."""

from typing import Any, Literal

from flask_openapi3.blueprint import APIBlueprint
from pydantic import Field
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from services.storage.datasets import VersionPath
from services.storage.encoders import load
from services.storage.manifest import Strict
from services.storage.models import DatasetVersion, IdempotencyKey, Tokenizer
from services.storage.progress import TRAIN_TOKENIZER
from services.storage.resolve import parse_reference, resolve_dataset
from services.storage.stores import now, stores
from services.storage.vocabularies import BUILT_IN, byte_row, find_tokenizer, next_tokenizer_version, read_tokenizer
from serving.idempotency import Answer, once
from serving.ids import new_id
from serving.paging import PageQuery
from serving.principal import principal
from serving.times import iso
from shared.errors import Conflict, InvalidField, NotFound
from shared.spec import Name, Reference

tokenizers = APIBlueprint("tokenizers", __name__, url_prefix="/api/v1/tokenizers")


class NewTokenizer(Strict):
    name: Name
    kind: Literal["bpe"] = "bpe"
    vocab_size: int = Field(ge=258, le=200_000, description="256 bytes, end-of-text, and what is merged from them")
    dataset: Reference


class TokenizerView(Strict):
    """`vocab_size` may end below what was asked for: small texts have no more pairs. `dataset`: what it was made from."""

    id: str
    name: str
    version: int
    kind: Literal["byte", "char", "bpe"]
    vocab_size: int
    state: Literal["training", "ready", "failed"]
    progress: float
    reason: str
    bytes_per_token: float | None
    dataset: str | None
    created_at: str
    created_by: str


class TokenizerList(Strict):
    items: list[TokenizerView]
    next_cursor: str | None


class Text(Strict):
    text: str = Field(max_length=1_000_000)


class Encoded(Strict):
    """`tokens`: each id as it is spelt in the vocabulary."""

    ids: list[int]
    tokens: list[str]


@tokenizers.post("", responses={201: TokenizerView})
def create_tokenizer(body: NewTokenizer) -> Any:
    """Train a byte-level BPE on a dataset version; it is ready some time later."""
    if body.name in BUILT_IN:
        raise InvalidField("name", f"'{body.name}' is built in", remedy="choose another name")
    version = resolve_dataset(stores(), "dataset", body.dataset)
    answer, status = once(stores().database, IdempotencyKey, lambda session: _create(session, body, version))
    with stores().database.reading() as session:
        row = session.get_one(Tokenizer, answer["id"])
        view = _view(session, row)
    if row.state == "training" and row.tries == 0:
        stores().enqueue(TRAIN_TOKENIZER, row.id)
    return view.model_dump(), status


@tokenizers.get("", responses={200: TokenizerList})
def list_tokenizers(query: PageQuery) -> Any:
    """Tokenizers by name and version. `char` has a version for each dataset version it was used with."""
    byte_row(stores())
    by_name = select(Tokenizer).order_by(Tokenizer.name, Tokenizer.version).limit(query.limit + 1)
    if query.cursor:
        name, number = parse_reference("cursor", query.cursor)
        by_name = by_name.where(tuple_(Tokenizer.name, Tokenizer.version) > (name, number or 0))
    with stores().database.reading() as session:
        rows = list(session.scalars(by_name))
        items = [_view(session, row) for row in rows[: query.limit]]
    last = items[-1] if len(rows) > query.limit else None
    return TokenizerList(items=items, next_cursor=last and f"{last.name}@{last.version}").model_dump()


@tokenizers.get("/<name>/versions/<n>", responses={200: TokenizerView})
def show_tokenizer(path: VersionPath) -> Any:
    """One version of a tokenizer: how far its training is, how large its vocabulary came out."""
    row = _find(path)
    with stores().database.reading() as session:
        return _view(session, row).model_dump()


@tokenizers.post("/<name>/versions/<n>/encode", responses={200: Encoded})
def encode(path: VersionPath, body: Text) -> Any:
    """The token ids of a text."""
    row = _find(path)
    if row.state != "ready":
        raise Conflict(f"{row.name}@{row.version} is {row.state}", remedy="wait until it is ready", code="tokenizer-not-ready")
    encoding = load(read_tokenizer(stores(), row).decode()).encode(body.text, add_special_tokens=False)
    return Encoded(ids=encoding.ids, tokens=encoding.tokens).model_dump()


def _create(session: Session, body: NewTokenizer, version: DatasetVersion) -> Answer:
    row = Tokenizer(
        id=new_id("tok"),
        name=body.name,
        version=next_tokenizer_version(session, body.name),
        kind=body.kind,
        state="training",
        vocab_size=body.vocab_size,
        dataset_id=version.id,
        touched_at=now(),
        created_at=now(),
        created_by=principal().name,
    )
    session.add(row)
    session.flush()
    return {"id": row.id}, 201


def _find(path: VersionPath) -> Tokenizer:
    if path.name == "byte":
        byte_row(stores())
    with stores().database.reading() as session:
        row = find_tokenizer(session, path.name, path.n)
    if row is None:
        raise NotFound(f"there is no version {path.n} of a tokenizer '{path.name}'", remedy="GET /api/v1/tokenizers lists what there is")
    return row


def _view(session: Session, row: Tokenizer) -> TokenizerView:
    version = session.get(DatasetVersion, row.dataset_id) if row.dataset_id else None
    return TokenizerView(
        id=row.id,
        name=row.name,
        version=row.version,
        kind=row.kind,
        vocab_size=row.vocab_size,
        state=row.state,
        progress=row.progress,
        reason=row.reason,
        bytes_per_token=row.bytes_per_token,
        dataset=version and f"{version.dataset}@{version.version}",
        created_at=iso(row.created_at),
        created_by=row.created_by,
    )
