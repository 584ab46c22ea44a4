"""What services say to each other on `/internal/*`: storage's side. What api and workers say to each other is in conversation.py.

Requests carry the join secret (`Authorization: Bearer`). Ids are opaque. Sizes are bytes, digests are SHA-256 in hex.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Label = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
"""What a database keeps as it is told: as long as its columns, and without what PostgreSQL has no place for."""


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


# --- datasets, tokenizers and their tokens: storage <-> api, agent ---------------------------------------------------------------


class ResolveRequest(Message):
    """`name` or `name@version`, as a person wrote them."""

    dataset: str
    tokenizer: str


class DatasetRef(Message):
    id: str
    name: str
    version: int
    bytes: int


class TokenizerRef(Message):
    """`bytes_per_token`: measured where it was trained; an estimate for other text. `bytes`: of its tokenizer.json; 0 where not known."""

    id: str
    name: str
    version: int
    vocab_size: int
    bytes_per_token: float
    bytes: int = 0


class Resolved(Message):
    dataset: DatasetRef
    tokenizer: TokenizerRef


class PrepareRequest(Message):
    dataset_id: str
    tokenizer_id: str


class Prepared(Message):
    """A dataset version as tokens of one tokenizer version. `progress` is a share, 0 to 1."""

    id: str
    state: Literal["pending", "running", "ready", "failed"]
    progress: float
    reason: str = ""
    tokens: int = 0


class Located(Message):
    """An object and where to read it: check `sha256` after reading."""

    name: str
    bytes: int
    sha256: Digest
    url: str


class TokenShards(Message):
    """Files of little-endian token ids, to be read one after the other as one sequence; documents end with `end_of_text`.

    `token_bytes[i]`: how many bytes of text token i stands for (0 for special tokens), so that loss can be told in bits per byte.
    """

    dtype: Literal["uint16", "uint32"]
    tokens: int
    vocab_size: int
    end_of_text: int
    token_bytes: list[int]
    shards: list[Located]
    tokenizer: Located


# --- checkpoint objects: agent <-> storage --------------------------------------------------------------------------------------


class FileRef(Message):
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]{0,100}$")]
    bytes: int = Field(ge=0)
    sha256: Digest


class CheckpointUpload(Message):
    run_id: str
    checkpoint_id: str
    files: list[FileRef]


class PutUrl(Message):
    name: str
    url: str


class UploadUrls(Message):
    """Each file is written by one PUT; files storage already has are not repeated."""

    puts: list[PutUrl]


# --- rights: monitor -> api --------------------------------------------------------------------------------------------------------


class RightsQuestion(Message):
    """Ids of tokens and sessions, as the gateway's credential header names them."""

    credentials: list[Annotated[str, Field(max_length=200)]] = Field(max_length=10_000)


class RightsAnswer(Message):
    """Those of them that are valid now."""

    valid: list[str]
