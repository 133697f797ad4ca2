"""The first tables: of the store, the catalog, the users and the registry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _create_store()
    _create_manifests()
    _create_packs()
    _create_pack_details()
    _create_users()
    _create_starter_packs()


def _create_store() -> None:
    op.create_table(
        "repositories",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "blobs",
        sa.Column("digest", sa.String(135), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("touched_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "repo_blobs",
        sa.Column("repo_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(135), nullable=False),
        sa.ForeignKeyConstraint(["repo_id"], ["repositories.id"]),
        sa.ForeignKeyConstraint(["digest"], ["blobs.digest"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("repo_id", "digest"),
        sqlite_with_rowid=False,
    )
    op.create_index("repo_blobs_by_digest", "repo_blobs", ["digest"])
    op.create_table(
        "refs",
        sa.Column("digest", sa.String(135), nullable=False),
        sa.Column("owner", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("digest", "owner"),
        sqlite_with_rowid=False,
    )


def _create_manifests() -> None:
    op.create_table(
        "manifests",
        sa.Column("repo_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(135), nullable=False),
        sa.Column("media_type", sa.String(255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("artifact_type", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(135)),
        sa.Column("annotations", sa.Text(), nullable=False),
        sa.Column("pushed_at", sa.BigInteger(), nullable=False),
        sa.Column("content", sa.LargeBinary()),
        sa.ForeignKeyConstraint(["repo_id"], ["repositories.id"]),
        sa.PrimaryKeyConstraint("repo_id", "digest"),
    )
    op.create_index("manifests_by_subject", "manifests", ["repo_id", "subject", "digest"])
    op.create_table(
        "manifest_refs",
        sa.Column("repo_id", sa.Integer(), nullable=False),
        sa.Column("manifest", sa.String(135), nullable=False),
        sa.Column("digest", sa.String(135), nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id", "manifest"], ["manifests.repo_id", "manifests.digest"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "manifest", "digest"),
        sqlite_with_rowid=False,
    )
    op.create_index("manifest_refs_by_digest", "manifest_refs", ["digest"])
    op.create_table(
        "tags",
        sa.Column("repo_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("digest", sa.String(135), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["repo_id", "digest"], ["manifests.repo_id", "manifests.digest"]),
        sa.PrimaryKeyConstraint("repo_id", "name"),
        sqlite_with_rowid=False,
    )
    op.create_index("tags_by_digest", "tags", ["repo_id", "digest"])


def _create_packs() -> None:
    op.create_table(
        "sources",
        sa.Column("uid", sa.String(24), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("uid"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "packs",
        sa.Column("uid", sa.String(24), nullable=False),
        sa.Column("source", sa.String(24), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("label", sa.String(128), nullable=False),
        sa.Column("group", sa.String(128), nullable=False),
        sa.Column("version", sa.String(128), nullable=False),
        sa.Column("version_key", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("layer", sa.String(16), nullable=False),
        sa.Column("addon_type", sa.Text(), nullable=False),
        sa.Column("addon_key", sa.Text(), nullable=False),
        sa.Column("addon_sub_type", sa.Text(), nullable=False),
        sa.Column("system_state", sa.String(32), nullable=False),
        sa.Column("annotations", sa.JSON(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(135), nullable=False),
        sa.Column("content_digest", sa.String(135), nullable=False),
        sa.Column("archive_digest", sa.String(135), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("pushed_by", sa.Text(), nullable=False),
        sa.Column("pushed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("uid"),
        sa.UniqueConstraint("source", "name", "label"),
        sa.ForeignKeyConstraint(["source"], ["sources.uid"]),
    )
    op.create_index("packs_by_layer", "packs", ["layer", "name"])
    op.create_index("packs_in_order", "packs", ["source", "name", "version_key"])


def _create_pack_details() -> None:
    op.create_table(
        "pack_tags",
        sa.Column("source", sa.String(24), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("tag", sa.String(128), nullable=False),
        sa.Column("pack", sa.String(24), nullable=False),
        sa.Column("parent", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["source"], ["sources.uid"]),
        sa.ForeignKeyConstraint(["pack"], ["packs.uid"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source", "name", "tag"),
    )
    op.create_index("ix_pack_tags_pack", "pack_tags", ["pack"])
    op.create_table(
        "pack_clouds",
        sa.Column("pack", sa.String(24), nullable=False),
        sa.Column("cloud", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["pack"], ["packs.uid"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("pack", "cloud"),
    )
    op.create_index("packs_by_cloud", "pack_clouds", ["cloud", "pack"])
    op.create_table(
        "pack_contents",
        sa.Column("pack", sa.String(24), nullable=False),
        sa.Column("pack_json", sa.Text(), nullable=False),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("readme", sa.Text(), nullable=False),
        sa.Column("schema", sa.Text(), nullable=False),
        sa.Column("presets", sa.Text(), nullable=False),
        sa.Column("logo", sa.LargeBinary(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["pack"], ["packs.uid"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("pack"),
    )


def _create_users() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("password_hash", sa.String(60), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _create_starter_packs() -> None:
    op.create_table(
        "starter_packs",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("tag", sa.String(128), nullable=False),
        sa.Column("digest", sa.String(135), nullable=False),
        sa.Column("loaded_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "tag"),
    )
