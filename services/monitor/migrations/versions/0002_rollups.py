"""Groups of points beside the points; points that were not taken are counted."""

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
    op.add_column("positions", sa.Column("deleted", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("positions", sa.Column("refused", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("positions", sa.Column("refused_reason", sa.String(500), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("positions", "refused_reason")
    op.drop_column("positions", "refused")
    op.drop_column("positions", "deleted")
    op.drop_table("metric_rollups")
