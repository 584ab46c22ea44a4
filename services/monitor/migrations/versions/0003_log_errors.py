"""Log chunks know how many of their lines are errors."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MAY_HAVE = sa.text("errors IS NULL OR errors > 0")


def upgrade() -> None:
    op.add_column("log_chunks", sa.Column("errors", sa.Integer(), nullable=True))
    op.create_index("ix_log_chunks_errors", "log_chunks", ["run_id", "first_line"], sqlite_where=MAY_HAVE, postgresql_where=MAY_HAVE)


def downgrade() -> None:
    op.drop_index("ix_log_chunks_errors", "log_chunks")
    with op.batch_alter_table("log_chunks") as table:
        table.drop_column("errors")

