"""The metric history."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "positions",
        sa.Column("topic", sa.String(200), primary_key=True),
        sa.Column("epoch", sa.String(100), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.Column("next_line", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "producers",
        sa.Column("topic", sa.String(200), primary_key=True),
        sa.Column("producer", sa.String(200), primary_key=True),
        sa.Column("producer_seq", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "metric_chunks",
        sa.Column("id", ID, primary_key=True),
        sa.Column("run_id", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("first_step", sa.BigInteger(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("first_tokens", sa.BigInteger(), nullable=False),
        sa.Column("last_tokens", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.Double(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_metric_chunks_series", "metric_chunks", ["run_id", "name", "attempt", "sealed"])
    op.create_table(
        "log_chunks",
        sa.Column("run_id", sa.String(200), primary_key=True),
        sa.Column("first_line", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_log_chunks_rank", "log_chunks", ["run_id", "rank", "first_line"])
    op.create_table(
        "events",
        sa.Column("id", ID, primary_key=True),
        sa.Column("topic", sa.String(200), nullable=False),
        sa.Column("epoch", sa.String(100), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("producer", sa.String(200), nullable=False),
        sa.Column("producer_seq", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.UniqueConstraint("topic", "producer", "producer_seq"),
    )
    op.create_index("ix_events_type", "events", ["topic", "type", "id"])
    op.create_index("ix_events_topic", "events", ["topic", "id"])


def downgrade() -> None:
    for table in ("events", "log_chunks", "metric_chunks", "producers", "positions"):
        op.drop_table(table)
