"""Groups of points beside the points."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "metric_rollups",
        sa.Column("chunk_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("size", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("run_id", sa.String(200), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_metric_rollups_run", "metric_rollups", ["run_id"])


def downgrade() -> None:
    op.drop_table("metric_rollups")
