"""Room that is set aside for a checkpoint while it is uploaded."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "reservations",
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("checkpoint_id", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.Float, nullable=False),
    )
