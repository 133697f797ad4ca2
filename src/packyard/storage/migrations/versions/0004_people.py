"""Users with uids, their roles in projects, identities, keys, sessions, tries, sealed secrets."""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _create_users()
    _create_roles()
    _create_keys()
    _create_sessions()
    op.create_table(
        "tries",
        sa.Column("bucket", sa.String(64), nullable=False),
        sa.Column("clear_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket"),
        sqlite_with_rowid=False,
    )
    op.create_index("tries_by_time", "tries", ["clear_at"])
    op.create_table(
        "secrets",
        sa.Column("owner", sa.String(255), nullable=False),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner"),
    )


def _create_users() -> None:
    """Users so far have a name, a password and a role; each is given a uid."""
    former = sa.table("users", *map(sa.column, ("name", "password_hash", "role", "changed_at")))
    rows = op.get_bind().execute(sa.select(former)).all()
    op.drop_table("users")
    users = op.create_table(
        "users",
        sa.Column("uid", sa.String(24), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("email", sa.String(255)),
        sa.Column("first_name", sa.String(255), nullable=False),
        sa.Column("last_name", sa.String(255), nullable=False),
        sa.Column("password_hash", sa.String(60), nullable=False),
        sa.Column("role", sa.String(16)),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("signed_in_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("uid"),
        sa.UniqueConstraint("name"),
        sa.UniqueConstraint("email"),
    )
    unsaid = {"email": None, "first_name": "", "last_name": "", "signed_in_at": None}
    op.bulk_insert(
        users,
        [
            {
                "uid": secrets.token_hex(12),
                "name": row.name,
                "password_hash": row.password_hash,
                "role": row.role,
                "disabled": False,
                "created_at": row.changed_at,
                "changed_at": row.changed_at,
                **unsaid,
            }
            for row in rows
        ],
    )


def _create_roles() -> None:
    op.create_table(
        "user_roles",
        sa.Column("user_uid", sa.String(24), nullable=False),
        sa.Column("project", sa.String(24), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.ForeignKeyConstraint(["user_uid"], ["users.uid"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["project"], ["projects.uid"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_uid", "project"),
        sqlite_with_rowid=False,
    )
    op.create_index("user_roles_by_project", "user_roles", ["project"])
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("user_uid", sa.String(24), nullable=False),
        sa.ForeignKeyConstraint(["user_uid"], ["users.uid"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("issuer", "subject"),
        sqlite_with_rowid=False,
    )
    op.create_index("identities_by_user", "identities", ["user_uid"])


def _create_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("uid", sa.String(24), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("user_uid", sa.String(24), nullable=False),
        sa.Column("actions", sa.String(64), nullable=False),
        sa.Column("repositories", sa.String(255), nullable=False),
        sa.Column("project", sa.String(24)),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger()),
        sa.Column("used_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("uid"),
        sa.UniqueConstraint("user_uid", "name"),
        sa.UniqueConstraint("hash"),
        sa.ForeignKeyConstraint(["user_uid"], ["users.uid"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["project"], ["projects.uid"], ondelete="CASCADE"),
    )
    op.create_index("api_keys_by_project", "api_keys", ["project"])


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("uid", sa.String(24), nullable=False),
        sa.Column("user_uid", sa.String(24), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(["user_uid"], ["users.uid"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("uid"),
    )
    op.create_index("sessions_by_user", "sessions", ["user_uid"])
