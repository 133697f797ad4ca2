"""Indexes in the order in which versions are counted and names are sorted."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"

_COUNTED = ("clouds", "layer", "version_key", "gone_at", "source", "addon_key", "version")


def upgrade() -> None:
    op.drop_index("packs_counted", "packs")
    op.create_index("packs_counted", "packs", list(_COUNTED))
    op.drop_index("pack_names_in_order", "pack_names")
    op.create_index("pack_names_in_order", "pack_names", ["name", "type", "display_key"])
