"""What many versions have in common, each once; versions are counted by its number."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_FACETS = """
INSERT INTO facets (source, "group", layer, addon_key, addon_sub_type, clouds)
SELECT DISTINCT source, "group", layer, addon_key, addon_sub_type, clouds FROM packs
"""
_OF_PACKS = """
UPDATE packs SET facet = (
    SELECT f.id FROM facets f
    WHERE f.source = packs.source AND f."group" = packs."group" AND f.layer = packs.layer
        AND f.addon_key = packs.addon_key AND f.addon_sub_type = packs.addon_sub_type
        AND f.clouds = packs.clouds
)
"""
_CHARTS = """
UPDATE pack_names SET is_chart = (
    SELECT p.content_digest = p.archive_digest FROM packs p WHERE p.uid = pack_names.newest
)
"""


def upgrade() -> None:
    op.create_table(
        "facets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(24), nullable=False),
        sa.Column("group", sa.String(128), nullable=False),
        sa.Column("layer", sa.String(16), nullable=False),
        sa.Column("addon_key", sa.Text(), nullable=False),
        sa.Column("addon_sub_type", sa.Text(), nullable=False),
        sa.Column("clouds", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "group", "layer", "addon_key", "addon_sub_type", "clouds"),
        sa.ForeignKeyConstraint(["source"], ["sources.uid"]),
    )
    for name in ("packs_shown", "packs_by_layer", "packs_counted"):
        op.drop_index(name, "packs")
    op.add_column("packs", sa.Column("facet", sa.Integer(), server_default="0", nullable=False))
    op.execute(_FACETS)
    op.execute(_OF_PACKS)
    in_order: list[Any] = ["name", sa.text("version_key DESC"), "uid"]
    shown = ["gone_at", *in_order, "facet", "version", "display_name"]
    op.create_index("packs_shown", "packs", shown)
    op.create_index("packs_by_digest", "packs", ["digest"])
    op.create_index("packs_by_facet", "packs", ["facet", "gone_at", "version_key", "version"])
    op.drop_index("pack_names_in_order", "pack_names")
    op.add_column(
        "pack_names", sa.Column("is_chart", sa.Boolean(), server_default="0", nullable=False)
    )
    op.execute(_CHARTS)
    in_order = ["name", "is_chart", "display_key", "name_key", "type", "layer"]
    op.create_index("pack_names_in_order", "pack_names", in_order)
