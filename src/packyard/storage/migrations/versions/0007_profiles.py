"""Cluster profiles: their versions, layers and manifests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    _create_profiles()
    _create_layers()
    _create_manifests()


def _create_profiles() -> None:
    op.create_table(
        "profiles",
        sa.Column("uid", sa.String(24), nullable=False),
        sa.Column("project", sa.String(24), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("version", sa.String(128), nullable=False),
        sa.Column("version_key", sa.Text(), nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("cloud_type", sa.String(64), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("annotations", sa.JSON(), nullable=False),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.Column("draft", sa.Boolean(), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("uid"),
        sa.UniqueConstraint("project", "name", "version"),
    )


def _create_layers() -> None:
    op.create_table(
        "profile_layers",
        sa.Column("profile", sa.String(24), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("pack_name", sa.Text(), nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("layer", sa.String(16), nullable=False),
        sa.Column("tag", sa.String(255), nullable=False),
        sa.Column("registry", sa.String(24), nullable=False),
        sa.Column("pack", sa.String(24), nullable=False),
        sa.Column("version", sa.String(255), nullable=False),
        sa.Column("digest", sa.String(135), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["profile"], ["profiles.uid"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("profile", "published", "position"),
    )
    op.create_index("profile_layers_by_pack", "profile_layers", ["pack"])
    op.create_index("profile_layers_by_registry", "profile_layers", ["registry", "pack_name"])


def _create_manifests() -> None:
    op.create_table(
        "profile_manifests",
        sa.Column("profile", sa.String(24), nullable=False),
        sa.Column("published", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(24), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["profile", "published", "position"],
            ["profile_layers.profile", "profile_layers.published", "profile_layers.position"],
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("profile", "published", "position", "place"),
    )
