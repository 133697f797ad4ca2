"""The tenant, its projects, their macros and profiles; other registries and what their
synchronizations do.

The only row of `tenants` and the project `Default` are made by the migration. A registry is a row
of `sources` in the catalog, with its particulars in `registries` and its state in `syncs`; both go
with it. Its secrets are sealed elsewhere (`auth.secrets`), as are those of a profile's variables.

Every version of a profile is one row, with its own uid. Its layers are there twice where a draft
differs from what is published, else once. Layers name packs and registries that may be gone.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
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
    Column("labels", JSON, server_default="{}", nullable=False),  # an object of texts
    Column("annotations", JSON, server_default="{}", nullable=False),  # an object of texts
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

profiles = Table(
    "profiles",
    metadata,
    Column("uid", UID, primary_key=True),
    Column("project", String(24), nullable=False),  # uid, or "" for the tenant
    Column("name", String(255), nullable=False),
    Column("version", String(128), nullable=False),
    Column("version_key", Text, nullable=False),  # orders as versions do
    Column("type", String(16), nullable=False),
    Column("cloud_type", String(64), nullable=False),
    Column("labels", JSON, nullable=False),  # an object of texts
    Column("annotations", JSON, nullable=False),  # an object of texts; the description is one
    Column("variables", JSON, nullable=False),  # in order, as published; without secrets
    Column("draft", Boolean, nullable=False),  # whether there are layers that are not published
    Column("published", Boolean, nullable=False),  # whether it ever was
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    UniqueConstraint("project", "name", "version"),
)

profile_layers = Table(
    "profile_layers",
    metadata,
    Column("profile", UID, ForeignKey("profiles.uid", ondelete="CASCADE"), primary_key=True),
    Column("published", Boolean, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("pack_name", Text, nullable=False),  # "" for a layer of manifests alone
    Column("type", String(16), nullable=False),
    Column("layer", String(16), nullable=False),
    Column("tag", String(255), nullable=False),  # as given, perhaps a parent tag
    Column("registry", String(24), nullable=False),  # uid, "" for none
    Column("pack", String(24), nullable=False),  # uid; the layer's own where manifests are all
    Column("version", String(255), nullable=False),  # what the tag led to when this was written
    Column("digest", String(135), nullable=False),  # of the content then, "" where it is not known
    Column("values", Text, nullable=False),
    Index("profile_layers_by_pack", "pack"),
    Index("profile_layers_by_registry", "registry", "pack_name"),
)

profile_manifests = Table(
    "profile_manifests",
    metadata,
    Column("profile", UID, primary_key=True),
    Column("published", Boolean, primary_key=True),
    Column("position", Integer, primary_key=True),  # of the layer
    Column("place", Integer, primary_key=True),
    Column("uid", UID, nullable=False),
    Column("name", Text, nullable=False),
    Column("content", Text, nullable=False),
    ForeignKeyConstraint(
        ["profile", "published", "position"],
        ["profile_layers.profile", "profile_layers.published", "profile_layers.position"],
        ondelete="CASCADE",
    ),
)
