"""The tenant, its projects and their macros; other registries and what their synchronizations do.

The only row of `tenants` and the project `Default` are made by the migration. A registry is a row
of `sources` in the catalog, with its particulars in `registries` and its state in `syncs`; both go
with it. Its secrets are sealed elsewhere (`auth.secrets`).
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
)

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

registries = Table(
    "registries",
    metadata,
    Column("uid", UID, ForeignKey("sources.uid"), primary_key=True),
    Column("provider", String(16), nullable=False),  # "pack", "helm", "zarf": what it holds
    Column("endpoint", Text, nullable=False),
    Column("base_path", Text, nullable=False),
    Column("base_content_path", Text, nullable=False),
    Column("scope", String(24), nullable=False),
    Column("is_private", Boolean, nullable=False),
    Column("is_sync_supported", Boolean, nullable=False),
    Column("settings", JSON, nullable=False),  # of authentication, TLS and AWS, without secrets
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

syncs = Table(
    "syncs",
    metadata,
    Column("registry", UID, ForeignKey("registries.uid", ondelete="CASCADE"), primary_key=True),
    Column("status", String(16), nullable=False),  # "" before the first one
    Column("message", Text, nullable=False),
    Column("due_at", BigInteger),  # NULL: never by itself
    Column("forced", Boolean, nullable=False),  # what is remembered of the source does not count
    Column("holder", String(64), nullable=False),  # whoever works on it; "" for nobody
    Column("lease_until_at", BigInteger, nullable=False),  # after that its holder is dead
    Column("started_at", BigInteger, nullable=False),  # 0: never
    Column("synced_at", BigInteger, nullable=False),  # end of the last that succeeded; 0: none
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),  # 0: not known yet
    Column("failures", Integer, nullable=False),  # in a row
    Column("marks", JSON, nullable=False),  # by which the source tells that nothing changed
    Index("syncs_by_due", "due_at"),
)

sync_steps = Table(
    "sync_steps",
    metadata,
    Column("uid", UID, primary_key=True),  # of the version in the catalog that is to be replaced
    Column("registry", UID, ForeignKey("syncs.registry", ondelete="CASCADE"), nullable=False),
    Column("name", String(255), nullable=False),
    Column("label", String(128), nullable=False),
    Column("validator", Text, nullable=False),  # of the content that was read
    Column("arrival", Text, nullable=False),  # the row and contents to be, as JSON
    Index("sync_steps_by_registry", "registry"),
)

sync_faults = Table(
    "sync_faults",
    metadata,
    Column("registry", UID, ForeignKey("syncs.registry", ondelete="CASCADE"), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("tag", String(255), primary_key=True),  # "": all of that name
    Column("validator", Text, nullable=False),  # read again only if the source states another
    Column("reason", Text, nullable=False),
)
