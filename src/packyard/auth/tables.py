"""The table of users. An htpasswd file beside it adds users of the registry only."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table

from packyard.storage.tables import metadata

users = Table(
    "users",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("password_hash", String(60), nullable=False),  # bcrypt
    Column("role", String(16), nullable=False),  # viewer, editor, admin
    Column("changed_at", BigInteger, nullable=False),  # microseconds since 1970
)
