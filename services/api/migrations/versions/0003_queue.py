"""Retries wait, workers drain, the queue can be paused, projects have weights; indices for large clusters."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("runs") as table:
        table.add_column(sa.Column("not_before", sa.Float(53)))
        table.create_index("runs_by_attempt", ["current_attempt_id"])
        table.create_index("runs_by_preparation", ["state", "prepared_id"])
    with op.batch_alter_table("workers") as table:
        table.add_column(sa.Column("draining", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("attempts") as table:
        table.drop_index("attempts_by_worker")
        table.create_index("attempts_by_worker", ["worker", "ended_at"])
        table.create_index("attempts_by_state", ["state"])
    op.create_table(
        "queue_pause",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("paused_by", sa.String(200), nullable=False),
        sa.Column("paused_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "project_shares",
        sa.Column("project", sa.String(200), nullable=False),
        sa.Column("weight", sa.Float(53), nullable=False),
        sa.Column("changed_at", sa.Float(53), nullable=False),
        sa.Column("changed_by", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("project"),
    )
