"""Labels and annotations of other registries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    for name in ("labels", "annotations"):
        column = sa.Column(name, sa.JSON(), server_default="{}", nullable=False)
        op.add_column("registries", column)
