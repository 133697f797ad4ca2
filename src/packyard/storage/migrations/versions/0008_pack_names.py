"""What packs are searched by: a row and a full text for each name, and clouds beside versions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_CLOUDS = """
UPDATE packs SET clouds = coalesce(
    ',' || (SELECT group_concat(c.cloud, ',') FROM pack_clouds c WHERE c.pack = packs.uid) || ',',
    ''
)
"""
_NAMES = """
INSERT INTO pack_names (
    source, name, type, newest, display_name, name_key, display_key, layer, addon_type, addon_key,
    addon_sub_type, clouds, state, origin, fips
)
SELECT
    p.source, p.name,
    CASE s.kind WHEN 'helm' THEN 'helm' WHEN 'oci' THEN 'oci' WHEN 'ecr' THEN 'oci'
        ELSE 'spectro' END,
    p.uid, p.display_name, lower(p.name), lower(p.display_name), p.layer, p.addon_type,
    p.addon_key, p.addon_sub_type, p.clouds,
    CASE WHEN json_extract(p.annotations, '$.disabled') = 'true' THEN 'disabled'
        ELSE p.system_state END,
    coalesce(json_extract(p.annotations, '$.source'), ''),
    coalesce(json_extract(p.annotations, '$.isFips'), '')
FROM (
    SELECT *, row_number() OVER (
        PARTITION BY source, name ORDER BY version_key DESC, label DESC
    ) AS rank
    FROM packs WHERE gone_at = 0
) p
JOIN sources s ON s.uid = p.source
WHERE p.rank = 1
"""
_WORDS = """
INSERT INTO pack_words (rowid, text)
SELECT
    n.id,
    p.name || char(10) || p.display_name || char(10)
        || coalesce(json_extract(p.annotations, '$.description'), '') || char(10)
        || coalesce(substr(k.readme, 1, 65536), '')
FROM pack_names n
JOIN packs p ON p.uid = n.newest
LEFT JOIN pack_contents k ON k.pack = p.uid
"""


def upgrade() -> None:
    op.add_column("packs", sa.Column("clouds", sa.Text(), server_default="", nullable=False))
    op.execute(_CLOUDS)
    op.drop_table("pack_clouds")
    op.drop_column("packs", "search_text")
    _create_indexes()
    _create_names()
    op.execute("CREATE VIRTUAL TABLE pack_words USING fts5(text)")
    op.execute(_NAMES)
    op.execute(_WORDS)


def _create_indexes() -> None:
    in_order: list[Any] = ["name", sa.text("version_key DESC"), "uid"]
    asked = ["source", "addon_key", "clouds", "version", "display_name"]
    op.create_index("packs_shown", "packs", ["gone_at", *in_order, "layer", *asked])
    op.drop_index("packs_by_layer")
    op.create_index("packs_by_layer", "packs", ["gone_at", "layer", *in_order, *asked])
    op.create_index("packs_by_display_name", "packs", ["gone_at", "display_name", *in_order])
    counted = ["version_key", "gone_at", "source", "layer", "addon_key", "clouds", "version"]
    op.create_index("packs_counted", "packs", counted)


def _create_names() -> None:
    op.create_table(
        "pack_names",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(24), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("newest", sa.String(24), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("display_key", sa.Text(), nullable=False),
        sa.Column("layer", sa.String(16), nullable=False),
        sa.Column("addon_type", sa.Text(), nullable=False),
        sa.Column("addon_key", sa.Text(), nullable=False),
        sa.Column("addon_sub_type", sa.Text(), nullable=False),
        sa.Column("clouds", sa.Text(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("fips", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "name"),
        sa.ForeignKeyConstraint(["source"], ["sources.uid"]),
    )
    op.create_index("pack_names_in_order", "pack_names", ["name", "type"])
