"""What services say to each other on `/internal/*`: the worker's side of a run's life, and storage's.

Requests carry the join secret (`Authorization: Bearer`). Ids are opaque. Sizes are bytes, digests are SHA-256 in hex.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.spec import Name, RunSpec

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


# --- the worker's conversation: agent <-> api -----------------------------------------------------------------------------------


class SlotReport(Message):
    """`id`: a GPU's UUID, or `<host>/cpu<index>`."""

    id: Label
    device: Literal["cpu", "cuda"]
    name: Label


class Progress(Message):
    step: int = 0
    tokens: int = 0
    loss: float | None = None
    tokens_per_second: float | None = None


class AttemptReport(Message):
    attempt_id: str
    fence: int
    progress: Progress


class AppliedCommand(Message):
    command_id: str
    step: int
    ranks: int


class Heartbeat(Message):
    """`instance` is new with every start of the agent: attempts of an earlier instance that are not reported are gone.
    `applied` is repeated until a heartbeat that carried it was answered.
    """

    protocol: int
    instance: Label
    host: Label
    slots: list[SlotReport]
    attempts: list[AttemptReport]
    applied: list[AppliedCommand] = []


class CommandOrder(Message):
    command_id: str
    attempt_id: str
    type: Literal["stop", "kill"]


class HeartbeatReply(Message):
    """`assignments`: attempts to be claimed. `cancelled`: reported attempts that are no longer this worker's; end them at once."""

    assignments: list[str]
    commands: list[CommandOrder]
    cancelled: list[str]


class ClaimRequest(Message):
    worker: Label
    instance: Label


class CheckpointRef(Message):
    id: str
    run_id: str
    step: int
    files: list[FileRef]


class Claim(Message):
    """Everything an attempt needs. `checkpoints`: newest first, to resume from the first whose hashes verify; empty means from scratch."""

    run_id: str
    attempt_id: str
    attempt: int
    fence: int
    spec: RunSpec
    resolved: Resolved
    prepared_id: str
    slots: list[SlotReport]
    checkpoints: list[CheckpointRef]


class StateReport(Message):
    """`failed` with `retry` asks for a new attempt; without, the run itself is at fault and ends. `counts`: whether a failure
    counts against the run; an outage or the end of a worker does not.
    """

    worker: str
    fence: int
    state: Literal["running", "succeeded", "failed", "stopped", "killed"]
    reason: str = ""
    retry: bool = True
    counts: bool = True
    progress: Progress = Progress()
    summary: dict[str, float] = Field(default_factory=dict)


class CheckpointCommit(Message):
    """The one message that makes a checkpoint visible; refused with a stale fence."""

    fence: int
    checkpoint_id: Label
    step: int
    tokens: int
    metrics: dict[str, float]
    files: list[FileRef]


class CheckpointMetrics(Message):
    """What was measured of a run's committed checkpoint of this step after it was saved."""

    fence: int
    step: int
    metrics: dict[str, float]


class CheckpointDamage(Message):
    """A restore found a checkpoint's bytes wrong; it is a suspect until storage has read every byte."""

    worker: str
    fence: int
    checkpoint_id: Label
    reason: str


class WorkerName(Message):
    name: Name
