"""Prepared tokens: a dataset version's text as token ids of one tokenizer, in shards that a trainer reads."""

from typing import Any, Final

from flask_openapi3.blueprint import APIBlueprint
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.storage.encoders import END_OF_TEXT, load, token_bytes, token_dtype
from services.storage.keys import shard_key
from services.storage.models import DatasetVersion, PreparedTokens, Shard, Tokenizer
from services.storage.progress import PREPARE_CHUNK
from services.storage.stores import Stores, lock, now, stores
from services.storage.vocabularies import locate_tokenizer, read_tokenizer
from serving.ids import new_id
from shared.errors import Conflict, InvalidField, NotFound
from shared.internal import Located, Prepared, PrepareRequest, TokenShards

prepared = APIBlueprint("prepared", __name__, url_prefix="/internal/prepared", doc_ui=False)
RETRY_SECONDS: Final = 60
"""A preparation that failed longer ago than this is tried again when somebody asks for it; sooner, they are told why it failed."""


class PreparedPath(BaseModel):
    id: str


@prepared.post("")
def prepare(body: PrepareRequest) -> Any:
    """Make sure that these tokens are there or in the making; how far they are."""
    with stores().database.writing() as session:
        row, started = _ensure(session, body)
    if started:
        stores().enqueue(PREPARE_CHUNK, row.id, row.next_offset)
    progress = 1.0 if row.state == "ready" else row.next_offset / row.bytes
    state: Any = row.state
    return Prepared(id=row.id, state=state, progress=progress, reason=row.reason, tokens=row.tokens).model_dump()


@prepared.get("/<id>")
def show_token_shards(path: PreparedPath) -> Any:
    """Where to read the tokens, with presigned URLs."""
    return token_shards(stores(), path.id).model_dump()


def token_shards(stores: Stores, prepared_id: str) -> TokenShards:
    """Raises NotFound, Conflict while they are not ready."""
    with stores.database.reading() as session:
        row = session.get(PreparedTokens, prepared_id)
        if row is None:
            raise NotFound(f"there are no prepared tokens '{prepared_id}'", remedy="ask for them with POST /internal/prepared")
        if row.state != "ready":
            raise Conflict(f"prepared tokens {row.id} are {row.state}", remedy=row.reason or "ask again later", code="prepared-not-ready")
        tokenizer_row = session.get_one(Tokenizer, row.tokenizer_id)
        shards = list(session.scalars(select(Shard).where(Shard.prepared_id == row.id).order_by(Shard.position)))
    tokenizer = load(read_tokenizer(stores, tokenizer_row).decode())
    return TokenShards(
        dtype=token_dtype(tokenizer_row.vocab_size).name,
        tokens=row.tokens,
        vocab_size=tokenizer_row.vocab_size,
        end_of_text=tokenizer.token_to_id(END_OF_TEXT),
        token_bytes=token_bytes(tokenizer_row.kind, tokenizer),
        shards=[_locate(stores, shard) for shard in shards],
        tokenizer=locate_tokenizer(stores, tokenizer_row),
    )


def _ensure(session: Session, body: PrepareRequest) -> tuple[PreparedTokens, bool]:
    """The row, and whether its work has to be started."""
    lock(session, f"prepared {body.dataset_id} {body.tokenizer_id}")
    both = (PreparedTokens.dataset_id == body.dataset_id, PreparedTokens.tokenizer_id == body.tokenizer_id)
    row = session.scalars(select(PreparedTokens).where(*both)).first()
    if row is None:
        row = _new_row(session, body)
    elif row.state == "failed" and row.touched_at < now() - RETRY_SECONDS:
        row.state, row.reason, row.tries, row.touched_at = "running", "", 0, now()
    else:
        return row, False
    return row, True


def _new_row(session: Session, body: PrepareRequest) -> PreparedTokens:
    version, tokenizer = session.get(DatasetVersion, body.dataset_id), session.get(Tokenizer, body.tokenizer_id)
    if version is None:
        raise InvalidField("dataset_id", f"there is no dataset version '{body.dataset_id}'", remedy="use an id that /internal/resolve gave")
    if tokenizer is None or tokenizer.state != "ready":
        raise InvalidField("tokenizer_id", f"no tokenizer '{body.tokenizer_id}' is ready", remedy="use an id that /internal/resolve gave")
    row = PreparedTokens(
        id=new_id("prep"), dataset_id=version.id, tokenizer_id=tokenizer.id, state="pending", bytes=version.bytes, touched_at=now()
    )
    session.add(row)
    session.flush()
    return row


def _locate(stores: Stores, shard: Shard) -> Located:
    url = stores.objects.get_url(shard_key(shard.sha256))
    return Located(name=f"{shard.position:05d}.tokens", bytes=shard.bytes, sha256=shard.sha256, url=url)
