"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "parts",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("resets", sa.Integer, nullable=False),
        sa.Column("verified_at", sa.Float),
        sa.Column("characters", sa.LargeBinary),
        sa.Column("n_characters", sa.Integer),
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("dataset", sa.String(63), nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("files", sa.Integer, nullable=False),
        sa.Column("version_id", sa.String(64)),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
    )
    op.create_table(
        "files",
        sa.Column("upload_id", sa.String(64), sa.ForeignKey("uploads.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
    )
    op.create_index("files_by_offset", "files", ["upload_id", "offset"])
    op.create_table(
        "upload_parts",
        sa.Column("upload_id", sa.String(64), sa.ForeignKey("uploads.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("sha256", sa.String(64), sa.ForeignKey("parts.sha256"), nullable=False),
        sa.Column("offset", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("checked", sa.Boolean, nullable=False),
    )
    op.create_index("ix_upload_parts_sha256", "upload_parts", ["sha256"])
    op.create_table("datasets", sa.Column("name", sa.String(63), primary_key=True), sa.Column("created_at", sa.Float, nullable=False))
    op.create_table(
        "dataset_versions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("dataset", sa.String(63), sa.ForeignKey("datasets.name"), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("upload_id", sa.String(64), sa.ForeignKey("uploads.id"), nullable=False, unique=True),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("files", sa.Integer, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.UniqueConstraint("dataset", "version"),
    )
    _create_tokens()
    op.create_table(
        "checkpoint_files",
        sa.Column("checkpoint_id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(101), primary_key=True),
        sa.Column("run_id", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("verified_at", sa.Float, nullable=False),
    )
    op.create_index("ix_checkpoint_files_run_id", "checkpoint_files", ["run_id"])
    op.create_table(
        "idempotency_keys",
        sa.Column("principal", sa.String(200), primary_key=True),
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("request_digest", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
    )


def _create_tokens() -> None:
    op.create_table(
        "tokenizers",
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("vocab_size", sa.Integer, nullable=False),
        sa.Column("dataset_id", sa.String(64), sa.ForeignKey("dataset_versions.id")),
        sa.Column("progress", sa.Float, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("bytes_per_token", sa.Float),
        sa.Column("sha256", sa.String(64)),
        sa.Column("bytes", sa.Integer),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("touched_at", sa.Float, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("created_by", sa.String(200), nullable=False),
        sa.UniqueConstraint("name", "version"),
    )
    op.create_table(
        "prepared",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("dataset_id", sa.String(64), sa.ForeignKey("dataset_versions.id"), nullable=False),
        sa.Column("tokenizer_id", sa.String(80), sa.ForeignKey("tokenizers.id"), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("touched_at", sa.Float, nullable=False),
        sa.UniqueConstraint("dataset_id", "tokenizer_id"),
    )
    op.create_table(
        "shards",
        sa.Column("prepared_id", sa.String(64), sa.ForeignKey("prepared.id"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("tokens", sa.Integer, nullable=False),
    )
    op.create_index("ix_shards_sha256", "shards", ["sha256"])
