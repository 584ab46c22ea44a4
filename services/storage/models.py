"""The catalogue: uploads and the dataset versions they became, tokenizers, prepared tokens, checkpoint files. Times are Unix seconds."""

from sqlalchemy import BigInteger, Float, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from serving.idempotency import IdempotencyColumns

Utf8 = bytes


class Record(DeclarativeBase):
    pass


class Part(Record):
    """A piece of text, stored once however many uploads have it. Verified means: its bytes were read back and are UTF-8.

    `resets` counts how often it was found bad, so that a slow reader of bad bytes cannot speak about newer ones.
    `characters` is the sorted set of its characters, as UTF-8. `n_characters` is set once it was ever verified, and `bytes` is its size
    from then on; before, it is what somebody promised.
    """

    __tablename__ = "parts"
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    bytes: Mapped[int]
    resets: Mapped[int] = mapped_column(default=0)
    verified_at: Mapped[float | None] = mapped_column(Float)
    characters: Mapped[Utf8 | None] = mapped_column(LargeBinary)
    n_characters: Mapped[int | None]


class Upload(Record):
    """`content` is the digest of its list of files and parts; `version_id` is set once it is complete."""

    __tablename__ = "uploads"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    dataset: Mapped[str] = mapped_column(String(63))
    content: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int] = mapped_column(BigInteger)
    files: Mapped[int]
    version_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[float] = mapped_column(Float)
    created_by: Mapped[str] = mapped_column(String(200))


class File(Record):
    """A document: `bytes` from `offset` in the stream of the upload's parts."""

    __tablename__ = "files"
    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str] = mapped_column(Text)
    offset: Mapped[int] = mapped_column(BigInteger)
    bytes: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (Index("files_by_offset", "upload_id", "offset"),)


class UploadPart(Record):
    """Where a part lies in an upload's stream. `checked`: every file of this upload that begins in it begins with a whole character."""

    __tablename__ = "upload_parts"
    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(ForeignKey("parts.sha256"), index=True)
    offset: Mapped[int] = mapped_column(BigInteger)
    bytes: Mapped[int]
    checked: Mapped[bool]


class Dataset(Record):
    __tablename__ = "datasets"
    name: Mapped[str] = mapped_column(String(63), primary_key=True)
    created_at: Mapped[float] = mapped_column(Float)


class DatasetVersion(Record):
    """Immutable. Its files and parts are its upload's."""

    __tablename__ = "dataset_versions"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    dataset: Mapped[str] = mapped_column(ForeignKey("datasets.name"))
    version: Mapped[int]
    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id"), unique=True)
    content: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int] = mapped_column(BigInteger)
    files: Mapped[int]
    created_at: Mapped[float] = mapped_column(Float)
    created_by: Mapped[str] = mapped_column(String(200))
    __table_args__ = (UniqueConstraint("dataset", "version"),)


class Tokenizer(Record):
    """`vocab_size` is what was asked for until the state is ready, then what came out. `tries`: starts since the last progress."""

    __tablename__ = "tokenizers"
    id: Mapped[str] = mapped_column(String(80), primary_key=True)
    name: Mapped[str] = mapped_column(String(63))
    version: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    vocab_size: Mapped[int]
    dataset_id: Mapped[str | None] = mapped_column(ForeignKey("dataset_versions.id"))
    progress: Mapped[float] = mapped_column(Float, default=0.0)
    reason: Mapped[str] = mapped_column(Text, default="")
    bytes_per_token: Mapped[float | None] = mapped_column(Float)
    sha256: Mapped[str | None] = mapped_column(String(64))
    bytes: Mapped[int | None]
    tries: Mapped[int] = mapped_column(default=0)
    touched_at: Mapped[float] = mapped_column(Float)
    created_at: Mapped[float] = mapped_column(Float)
    created_by: Mapped[str] = mapped_column(String(200))
    __table_args__ = (UniqueConstraint("name", "version"),)


class PreparedTokens(Record):
    """A dataset version as tokens of one tokenizer. The stream is done up to `next_offset` of its `bytes`."""

    __tablename__ = "prepared"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    dataset_id: Mapped[str] = mapped_column(ForeignKey("dataset_versions.id"))
    tokenizer_id: Mapped[str] = mapped_column(ForeignKey("tokenizers.id"))
    state: Mapped[str] = mapped_column(String(16))
    next_offset: Mapped[int] = mapped_column(BigInteger, default=0)
    bytes: Mapped[int] = mapped_column(BigInteger)
    tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    reason: Mapped[str] = mapped_column(Text, default="")
    tries: Mapped[int] = mapped_column(default=0)
    touched_at: Mapped[float] = mapped_column(Float)
    __table_args__ = (UniqueConstraint("dataset_id", "tokenizer_id"),)


class Shard(Record):
    __tablename__ = "shards"
    prepared_id: Mapped[str] = mapped_column(ForeignKey("prepared.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    bytes: Mapped[int]
    tokens: Mapped[int]


class CheckpointFile(Record):
    """A checkpoint's object that was read back and had the promised hash."""

    __tablename__ = "checkpoint_files"
    checkpoint_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(101), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(64), index=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    verified_at: Mapped[float] = mapped_column(Float)


class Reservation(Record):
    """Room for the one checkpoint that a run is uploading."""

    __tablename__ = "reservations"
    run_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    checkpoint_id: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int] = mapped_column(BigInteger)
    made_at: Mapped[float] = mapped_column(Float)


class IdempotencyKey(IdempotencyColumns, Record):
    __tablename__ = "idempotency_keys"
