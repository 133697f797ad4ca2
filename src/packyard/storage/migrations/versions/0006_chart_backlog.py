"""Where charts stand that came before charts were recorded."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_ARTIFACTS = """
INSERT INTO chart_backlog (repository, tag)
SELECT r.name, t.name
FROM tags t
JOIN repositories r ON r.id = t.repo_id
JOIN manifests m ON m.repo_id = t.repo_id AND m.digest = t.digest
WHERE m.artifact_type = 'application/vnd.cncf.helm.config.v1+json'
AND NOT EXISTS (SELECT 1 FROM charts c WHERE c.repository = r.name AND c.tag = t.name)
"""
_PACKS = """
INSERT INTO chart_backlog (repository, tag)
SELECT 'spectro-packs/archive/' || p.name, p.label
FROM packs p
JOIN sources s ON s.uid = p.source AND s.kind = 'default'
JOIN pack_contents k ON k.pack = p.uid
WHERE lower(k.pack_json) LIKE '%"charts"%'
AND NOT EXISTS (
    SELECT 1 FROM charts c
    WHERE c.repository = 'spectro-packs/archive/' || p.name AND c.tag = p.label
)
"""


def upgrade() -> None:
    op.create_table(
        "chart_backlog",
        sa.Column("repository", sa.String(255), nullable=False),
        sa.Column("tag", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("repository", "tag"),
    )
    op.execute(_ARTIFACTS)
    op.execute(_PACKS)
