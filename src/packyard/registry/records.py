"""What the audit says of changes to the registry, in the transaction that makes them.

`kind` is `pack`, `chart` or `artifact`, the resource the manifest's digest. A push that changes
nothing leaves no row; parent tags follow from others, so they have none of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from packyard.digests import Digest
from packyard.errors import several
from packyard.packs.artifact import pack_of_repository
from packyard.references import RepoName, Tag
from packyard.storage.audit import Act
from packyard.storage.transaction import Transaction


def kind_of(repo: RepoName, *, chart: bool = False) -> str:
    if pack_of_repository(repo):
        return "pack"
    return "chart" if chart else "artifact"


def pushed(
    tx: Transaction,
    repo: RepoName,
    digest: Digest,
    before: Mapping[Tag, Digest | None],
    *,
    kind: str,
    created: bool,
    why: str = "",
) -> None:
    """`before` is where the tags of the push led, `created` whether the manifest is new there."""
    reason = f": {why}" if why else ""
    if not before and created:
        tx.record(Act.CREATE, kind, digest, f"{repo}@{digest}", f"Pushed {repo}@{digest}")
    for tag, former in before.items():
        name = f"{repo}:{tag}"
        if former is None:
            tx.record(Act.CREATE, kind, digest, name, f"Pushed {name}{reason}")
        elif former != digest:
            message = f"Pushed {name} in place of {former}{reason}"
            tx.record(Act.UPDATE, kind, digest, name, message)


def untagged(
    tx: Transaction, repo: RepoName, tag: Tag, digest: Digest, *, kind: str, pruned: bool
) -> None:
    name = f"{repo}:{tag}"
    what = "Deleted" if pruned else "Took away the tag"
    tx.record(Act.DELETE, kind, digest, name, f"{what} {name}, which led to {digest}")


def deleted(
    tx: Transaction, repo: RepoName, digest: Digest, tags: Sequence[Tag], *, kind: str
) -> None:
    name = f"{repo}@{digest}"
    also = f" with its tags {several(tags)}" if tags else ""
    tx.record(Act.DELETE, kind, digest, name, f"Deleted {name}{also}")
