"""Rows of people: users, their roles and keys, sessions, limits of tries, and sealed secrets.

An htpasswd file beside the users' table adds users of the registry only. What belongs to a user or
a project goes with it: a key for one project must never outlive that and count for all.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    column,
    table,
)

from packyard.storage.tables import NAME, metadata

UID = String(24)
HASH = String(64)  # sha256 in hex
ROLE = String(16)  # viewer, editor, admin

users = Table(
    "users",
    metadata,
    Column("uid", UID, primary_key=True),
    Column("name", NAME, nullable=False, unique=True),
    Column("email", NAME, unique=True),  # in lower case
    Column("first_name", NAME, nullable=False),
    Column("last_name", NAME, nullable=False),
    Column("password_hash", String(60), nullable=False),  # bcrypt; "" for who has no password here
    Column("role", ROLE),  # tenant-wide; NULL for none
    Column("disabled", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("signed_in_at", BigInteger),
)

user_roles = Table(
    "user_roles",
    metadata,
    Column("user_uid", UID, ForeignKey("users.uid", ondelete="CASCADE"), primary_key=True),
    Column("project", UID, ForeignKey("projects.uid", ondelete="CASCADE"), primary_key=True),
    Column("role", ROLE, nullable=False),
    Index("user_roles_by_project", "project"),
    sqlite_with_rowid=False,
)

identities = Table(
    "identities",
    metadata,
    Column("issuer", NAME, primary_key=True),
    Column("subject", NAME, primary_key=True),
    Column("user_uid", UID, ForeignKey("users.uid", ondelete="CASCADE"), nullable=False),
    Index("identities_by_user", "user_uid"),
    sqlite_with_rowid=False,
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("uid", UID, primary_key=True),
    Column("name", NAME, nullable=False),
    Column("hash", HASH, nullable=False, unique=True),
    Column("user_uid", UID, ForeignKey("users.uid", ondelete="CASCADE"), nullable=False),
    Column("actions", String(64), nullable=False),  # words with commas between; "" for all
    Column("repositories", NAME, nullable=False),  # a pattern; "" for all
    Column("project", UID, ForeignKey("projects.uid", ondelete="CASCADE")),
    Column("active", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("used_at", BigInteger),  # last time, give or take some minutes
    UniqueConstraint("user_uid", "name"),
    Index("api_keys_by_project", "project"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("uid", UID, primary_key=True),
    Column("user_uid", UID, ForeignKey("users.uid", ondelete="CASCADE"), nullable=False),
    Column("hash", HASH, nullable=False),  # of the cookie's secret
    Column("number", Integer, nullable=False),  # of the token that may be renewed
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=False),  # give or take some minutes
    Column("expires_at", BigInteger, nullable=False),
    Column("address", String(64), nullable=False),
    Column("agent", NAME, nullable=False),
    Index("sessions_by_user", "user_uid"),
)

tries = Table(
    "tries",
    metadata,
    Column("bucket", HASH, primary_key=True),
    Column("clear_at", BigInteger, nullable=False),
    Index("tries_by_time", "clear_at"),
    sqlite_with_rowid=False,
)

projects = table("projects", column("uid", UID), column("name", NAME))  # the hub's; only read

secrets = Table(
    "secrets",
    metadata,
    Column("owner", NAME, primary_key=True),
    Column("key_id", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
