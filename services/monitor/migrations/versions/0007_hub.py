"""Indexes for what retention looks for every minute, and for a run's timeline."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SERIES = ["run_id", "name", "attempt", "sealed"]
HAS_POINTS = sa.text("sealed AND length(data) > 0")


def upgrade() -> None:
    op.create_index("ix_log_chunks_at", "log_chunks", ["at"])
    op.create_index("ix_metric_chunks_old", "metric_chunks", ["last_at"], sqlite_where=HAS_POINTS, postgresql_where=HAS_POINTS)
    op.drop_index("ix_metric_chunks_series", "metric_chunks")
    op.create_index("ix_metric_chunks_series", "metric_chunks", [*SERIES, "first_step", "last_step", "first_at"])


def downgrade() -> None:
    op.drop_index("ix_metric_chunks_series", "metric_chunks")
    op.create_index("ix_metric_chunks_series", "metric_chunks", SERIES)
    op.drop_index("ix_metric_chunks_old", "metric_chunks")
    op.drop_index("ix_log_chunks_at", "log_chunks")
