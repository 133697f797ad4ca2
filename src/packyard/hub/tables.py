"""The tenant, its projects and their macros.

The only row of `tenants` and the project `Default` are made by the migration.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, String, Table, Text

from packyard.storage.tables import metadata

UID = String(24)

tenants = Table(
    "tenants",
    metadata,
    Column("uid", UID, primary_key=True),
    Column("name", String(255), nullable=False),
)

projects = Table(
    "projects",
    metadata,
    Column("uid", UID, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("labels", JSON, nullable=False),  # an object of texts
    Column("annotations", JSON, nullable=False),  # an object of texts; the description is one
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

macros = Table(
    "macros",
    metadata,
    Column("scope", UID, primary_key=True),  # uid of a project or of the tenant
    Column("name", String(255), primary_key=True),
    Column("value", Text, nullable=False),
)
