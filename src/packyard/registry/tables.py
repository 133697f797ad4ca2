"""What this registry remembers beside its content.

A row of `starter_packs` stays when its pack is deleted, so that no later start brings it back.
`chart_backlog` is filled by a migration and worked off in the background.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, String, Table

from packyard.storage.tables import metadata

starter_packs = Table(
    "starter_packs",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("tag", String(128), primary_key=True),
    Column("digest", String(135), nullable=False),  # of the manifest then loaded, or found there
    Column("loaded_at", BigInteger, nullable=False),  # microseconds since 1970
)

chart_backlog = Table(
    "chart_backlog",
    metadata,
    Column("repository", String(255), primary_key=True),
    Column("tag", String(128), primary_key=True),
)
