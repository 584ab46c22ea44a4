"""Commands have arguments and times, runs change while they run, fork and roll back; preemption, halted workers, emergency stop."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("runs", sa.Column("failure", sa.JSON()))
    op.add_column("runs", sa.Column("train", sa.JSON()))
    op.add_column("runs", sa.Column("parent_id", sa.String(200)))
    op.add_column("runs", sa.Column("origin_checkpoint_id", sa.String(200)))
    op.add_column("runs", sa.Column("origin_step", sa.Integer()))
    op.add_column("runs", sa.Column("replay_of", sa.String(200)))
    op.add_column("runs", sa.Column("journal", sa.JSON(), nullable=False, server_default="[]"))
    op.create_index("runs_by_origin", "runs", ["origin_checkpoint_id"])
    op.add_column("attempts", sa.Column("failure", sa.JSON()))
    op.add_column("attempts", sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("attempts", sa.Column("preempted_at", sa.Float(53)))
    op.add_column("attempts", sa.Column("preempt_reason", sa.Text(), nullable=False, server_default=""))
    op.add_column("workers", sa.Column("halted", sa.Text(), nullable=False, server_default=""))
    op.add_column("commands", sa.Column("arguments", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("commands", sa.Column("accepted_at", sa.Float(53)))
    op.add_column("commands", sa.Column("ended_at", sa.Float(53)))
    op.add_column("commands", sa.Column("undone_at", sa.Float(53)))
    op.add_column("checkpoints", sa.Column("left_behind_at", sa.Float(53)))
    op.create_table(
        "emergency_stop",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stop_id", sa.String(200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("stopped_by", sa.String(200), nullable=False),
        sa.Column("stopped_at", sa.Float(53), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
