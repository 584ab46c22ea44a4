"""What the workers' hosts say of themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "worker_samples",
        sa.Column("worker", sa.String(200), primary_key=True),
        sa.Column("second", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "worker_hours",
        sa.Column("worker", sa.String(200), primary_key=True),
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("hour", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("minutes", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_worker_hours_hour", "worker_hours", ["hour"])


def downgrade() -> None:
    for table in ("worker_hours", "worker_samples"):
        op.drop_table(table)
