"""The first tables."""

from __future__ import annotations

from importlib import import_module, util

from alembic import op

from packyard.storage.tables import metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    for name in ("packyard.catalog.tables", "packyard.auth.tables"):
        if util.find_spec(name):
            import_module(name)
    metadata.create_all(op.get_bind())
