"""Helm charts: where each version stands, and when the index of a name changed last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "charts",
        sa.Column("source", sa.String(24), nullable=False),
        sa.Column("repository", sa.String(255), nullable=False),
        sa.Column("tag", sa.String(128), nullable=False),
        sa.Column("path", sa.String(1024), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("version", sa.String(255), nullable=False),
        sa.Column("version_key", sa.Text(), nullable=False),
        sa.Column("file", sa.String(511), nullable=False),
        sa.Column("digest", sa.String(135), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("provenance", sa.String(135), nullable=False),
        sa.Column("manifest", sa.String(135), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["sources.uid"]),
        sa.PrimaryKeyConstraint("source", "repository", "tag", "path"),
    )
    op.create_index("charts_in_order", "charts", ["source", "name", "listed", "version_key"])
    op.create_index("charts_by_file", "charts", ["source", "file"])
    op.create_table(
        "chart_names",
        sa.Column("source", sa.String(24), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["sources.uid"]),
        sa.PrimaryKeyConstraint("source", "name"),
    )
    op.create_index("chart_names_by_change", "chart_names", ["source", "change"])
