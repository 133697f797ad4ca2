"""The audit, and the hub's tenant, projects and macros."""

from __future__ import annotations

import secrets
import time

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _create_audits()
    _create_projects()
    op.create_table(
        "macros",
        sa.Column("scope", sa.String(24), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "name"),
    )


def _create_audits() -> None:
    op.create_table(
        "audits",
        sa.Column("uid", sa.String(24), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("actor_uid", sa.String(24), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("via", sa.String(16), nullable=False),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("action", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("resource", sa.String(255), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("project", sa.String(24), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("uid"),
        sqlite_with_rowid=False,
    )
    op.create_index("audits_by_resource", "audits", ["kind", "resource", "uid"])


def _create_projects() -> None:
    tenants = op.create_table(
        "tenants",
        sa.Column("uid", sa.String(24), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("uid"),
    )
    projects = op.create_table(
        "projects",
        sa.Column("uid", sa.String(24), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("annotations", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("uid"),
        sa.UniqueConstraint("name"),
    )
    now = time.time_ns() // 1000
    op.bulk_insert(tenants, [{"uid": secrets.token_hex(12), "name": "Default"}])
    default = {"uid": secrets.token_hex(12), "name": "Default", "labels": {}, "annotations": {}}
    op.bulk_insert(projects, [{**default, "created_at": now, "changed_at": now}])
