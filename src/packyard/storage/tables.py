"""Rows of the store, and the one `metadata` that every package's tables join.

Times are integers: microseconds since 1970. Digests are text (`sha256:…`). What each row means and
what has to hold between them is in `docs/formats/tables.md`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()
REVISION = "0011"  # the newest migration; with those before it, it makes exactly these tables

NAME = String(255)
DIGEST = String(135)  # "sha512:" and 128 hex digits
TAG = String(128)

repositories = Table(
    "repositories",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", NAME, nullable=False, unique=True),
)

blobs = Table(
    "blobs",
    metadata,
    Column("digest", DIGEST, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("touched_at", BigInteger, nullable=False),  # pushed, mounted or asked for
    Column("content", LargeBinary),  # NULL: larger than 16 KiB, a body of its own
)

repo_blobs = Table(
    "repo_blobs",
    metadata,
    Column("repo_id", ForeignKey("repositories.id"), primary_key=True),
    Column("digest", ForeignKey("blobs.digest", ondelete="CASCADE"), primary_key=True),
    Index("repo_blobs_by_digest", "digest"),
    sqlite_with_rowid=False,
)

manifests = Table(
    "manifests",
    metadata,
    Column("repo_id", ForeignKey("repositories.id"), primary_key=True),
    Column("digest", DIGEST, primary_key=True),
    Column("media_type", String(255), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("artifact_type", String(255), nullable=False),  # "" where there is none
    Column("subject", DIGEST),
    Column("annotations", Text, nullable=False),  # a JSON object
    Column("pushed_at", BigInteger, nullable=False),  # last time
    Column("content", LargeBinary),  # NULL: larger than 64 KiB, stored as a blob
    Index("manifests_by_subject", "repo_id", "subject", "digest"),
)

manifest_refs = Table(
    "manifest_refs",
    metadata,
    Column("repo_id", Integer, primary_key=True),
    Column("manifest", DIGEST, primary_key=True),
    Column("digest", DIGEST, primary_key=True),  # of a blob or a manifest, maybe not there
    ForeignKeyConstraint(
        ["repo_id", "manifest"], ["manifests.repo_id", "manifests.digest"], ondelete="CASCADE"
    ),
    Index("manifest_refs_by_digest", "digest"),
    sqlite_with_rowid=False,
)

tags = Table(
    "tags",
    metadata,
    Column("repo_id", Integer, primary_key=True),
    Column("name", TAG, primary_key=True),
    Column("digest", DIGEST, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    ForeignKeyConstraint(["repo_id", "digest"], ["manifests.repo_id", "manifests.digest"]),
    Index("tags_by_digest", "repo_id", "digest"),
    sqlite_with_rowid=False,
)

refs = Table(
    "refs",
    metadata,
    Column("digest", DIGEST, primary_key=True),
    Column("owner", NAME, primary_key=True),
    sqlite_with_rowid=False,
)

audits = Table(
    "audits",
    metadata,
    Column("uid", String(24), primary_key=True),  # begins with the time: later ones are greater
    Column("at", BigInteger, nullable=False),
    Column("actor", NAME, nullable=False),
    Column("actor_uid", String(24), nullable=False),  # "" for who has no row in the users' table
    Column("address", String(64), nullable=False),  # "" for the server itself and its commands
    Column("via", String(16), nullable=False),  # oci, api, cli, server
    Column("request", String(64), nullable=False),  # its id in the log, or ""
    Column("action", String(16), nullable=False),  # create, update, delete, publish, action
    Column("kind", String(32), nullable=False),
    Column("resource", NAME, nullable=False),  # uid or digest
    Column("name", Text, nullable=False),
    Column("project", String(24), nullable=False),  # uid, or "" for the tenant
    Column("message", Text, nullable=False),
    Index("audits_by_resource", "kind", "resource", "uid"),
    sqlite_with_rowid=False,
)
