"""Checkpoints are marked damaged, pinned, named, and deleted when nothing needs them. Those that are there already are pinned: they were
saved when every checkpoint was kept until its run was deleted.
"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.batch_alter_table("checkpoints") as table:
        table.add_column(sa.Column("verified_at", sa.Float(53)))
        table.add_column(sa.Column("damaged_at", sa.Float(53)))
        table.add_column(sa.Column("damage_confirmed_at", sa.Float(53)))
        table.add_column(sa.Column("looked_at", sa.Float(53)))
        table.add_column(sa.Column("damage", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("pinned_at", sa.Float(53)))
        table.add_column(sa.Column("pinned_by", sa.String(200)))
        table.add_column(sa.Column("expires_at", sa.Float(53)))
        table.add_column(sa.Column("deleted_by", sa.String(200)))
        table.add_column(sa.Column("delete_reason", sa.Text(), nullable=False, server_default=""))
        table.create_index("checkpoints_by_expiry", ["expires_at"])
        table.create_index("checkpoints_by_deletion", ["deleted_by"])
        table.create_index("checkpoints_by_verification", ["verified_at"])
    pinned = sa.text("UPDATE checkpoints SET verified_at = created_at, pinned_at = :now, pinned_by = 'upgrade'")
    op.execute(pinned.bindparams(sa.bindparam("now", time.time(), sa.Float(53))))
    op.create_table(
        "checkpoint_aliases",
        sa.Column("project", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("checkpoint_id", sa.String(200), nullable=False),
        sa.Column("moved_at", sa.Float(53), nullable=False),
        sa.Column("moved_by", sa.String(200), nullable=False),
        sa.ForeignKeyConstraint(["checkpoint_id"], ["checkpoints.id"]),
        sa.PrimaryKeyConstraint("project", "name"),
    )
    op.create_index("aliases_by_checkpoint", "checkpoint_aliases", ["checkpoint_id"])
    op.create_table(
        "deleted_checkpoints",
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("run_id", sa.String(200), nullable=False),
        sa.Column("attempt_id", sa.String(200), nullable=False),
        sa.Column("deleted_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("deleted_checkpoints_by_run", "deleted_checkpoints", ["run_id"])
    op.create_table(
        "deleted_runs",
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("deleted_at", sa.Float(53), nullable=False),
        sa.Column("deleted_by", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "watches",
        sa.Column("began_at", sa.Float(53), nullable=False),
        sa.Column("seen_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("began_at"),
    )
    op.create_table(
        "storage_level",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(200), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
