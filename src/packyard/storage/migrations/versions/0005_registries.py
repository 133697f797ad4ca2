"""Other registries, their synchronization, and in the catalog what comes from them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for name in ("place", "validator"):
        op.add_column("packs", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column(
        "packs", sa.Column("gone_at", sa.BigInteger(), server_default="0", nullable=False)
    )
    _create_registries()
    _create_syncs()
    _create_steps()


def _create_registries() -> None:
    op.create_table(
        "registries",
        sa.Column("uid", sa.String(24), nullable=False),
        sa.Column("provider", sa.String(16), nullable=False),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("base_path", sa.Text(), nullable=False),
        sa.Column("base_content_path", sa.Text(), nullable=False),
        sa.Column("scope", sa.String(24), nullable=False),
        sa.Column("is_private", sa.Boolean(), nullable=False),
        sa.Column("is_sync_supported", sa.Boolean(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["uid"], ["sources.uid"]),
        sa.PrimaryKeyConstraint("uid"),
    )


def _create_syncs() -> None:
    op.create_table(
        "syncs",
        sa.Column("registry", sa.String(24), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger()),
        sa.Column("forced", sa.Boolean(), nullable=False),
        sa.Column("holder", sa.String(64), nullable=False),
        sa.Column("lease_until_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("synced_at", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("marks", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["registry"], ["registries.uid"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("registry"),
    )
    op.create_index("syncs_by_due", "syncs", ["due_at"])


def _create_steps() -> None:
    op.create_table(
        "sync_steps",
        sa.Column("uid", sa.String(24), nullable=False),
        sa.Column("registry", sa.String(24), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("label", sa.String(128), nullable=False),
        sa.Column("validator", sa.Text(), nullable=False),
        sa.Column("arrival", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["registry"], ["syncs.registry"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("uid"),
    )
    op.create_index("sync_steps_by_registry", "sync_steps", ["registry"])
    op.create_table(
        "sync_faults",
        sa.Column("registry", sa.String(24), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("tag", sa.String(255), nullable=False),
        sa.Column("validator", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["registry"], ["syncs.registry"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("registry", "name", "tag"),
    )
