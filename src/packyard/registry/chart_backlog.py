"""Charts that came to the store before it recorded charts.

A migration wrote down where they may stand. Each place is committed again as it is, which records
what is there, and then forgotten; this may end at any point and go on later.
"""

from __future__ import annotations

import logging

from sqlalchemy import delete, select

from packyard.errors import PackyardError
from packyard.references import RepoName, Tag
from packyard.registry.registry import Push, Registry
from packyard.registry.tables import chart_backlog

_log = logging.getLogger(__name__)


def record_backlog(registry: Registry) -> int:
    """Work off what there is; at how many places charts were recorded."""
    with registry.store.read() as connection:
        places = [
            (RepoName(row.repository), Tag(row.tag))
            for row in connection.execute(select(chart_backlog))
        ]
    count = 0
    for repo, tag in places:
        try:
            _commit_again(registry, repo, tag)
            count += 1
        except PackyardError as error:
            _log.warning("the charts at %s:%s are not recorded: %s", repo, tag, error.message)
        with registry.store.write() as tx:
            here = chart_backlog.c.repository == repo, chart_backlog.c.tag == tag
            tx.connection.execute(delete(chart_backlog).where(*here))
    return count


def _commit_again(registry: Registry, repo: RepoName, tag: Tag) -> None:
    """Unless the tag leads elsewhere by now: then whoever moved it had that recorded."""
    manifest = registry.store.manifest(repo, tag)
    registry.commit(
        Push(
            repo=repo,
            body=manifest.content,
            digest=manifest.digest,
            media_type=manifest.media_type,
            tags=(tag,),
            if_match=manifest.digest,
        )
    )
