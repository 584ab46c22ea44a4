"""What an emergency stop has ended and workers still report."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "emergency_attempts",
        sa.Column("attempt_id", sa.String(200), nullable=False),
        sa.Column("worker", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("attempt_id"),
    )
