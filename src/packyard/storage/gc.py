"""Garbage collection beside running pushes.

Roots are manifests, uploads in progress and rows of `refs`; what was touched within the grace is
spared. Work is done in short batches under the writers' lock: what nothing refers to is chosen
again there, rows are deleted and committed, and only then the bodies move to the trash, still
under the lock. A push that placed its body meanwhile finds it in the trash and takes it back
(`Transaction.put_blob`). The trash is emptied later, so that a body being sent does not vanish.
A crash between any two steps leaves bodies without a row, which a later run finds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, delete, exists, or_, select

from packyard.digests import Digest
from packyard.storage import faults
from packyard.storage.audit import Act
from packyard.storage.batches import batches
from packyard.storage.content import now
from packyard.storage.store import Store
from packyard.storage.tables import (
    blobs,
    manifest_refs,
    manifests,
    refs,
    repo_blobs,
    repositories,
    tags,
)
from packyard.storage.transaction import Transaction

BATCH = 200  # rows deleted under one hold of the writers' lock
UPLOAD_AGE = timedelta(days=7)
TRASH_AGE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What one run took away (a dry run: would take). Sizes in bytes.

    `blobs` had a row, `orphans` were bodies left by a crash or a refused push; both are in the
    trash now. `emptied` is what left the trash, and only that is free on the device.
    """

    manifests: int = 0
    blobs: int = 0
    blob_bytes: int = 0
    orphans: int = 0
    orphan_bytes: int = 0
    uploads: int = 0
    upload_bytes: int = 0
    emptied: int = 0
    emptied_bytes: int = 0


def collect(
    store: Store,
    *,
    dry_run: bool = False,
    grace: timedelta | None = None,
    untagged: bool = False,
    upload_age: timedelta = UPLOAD_AGE,
    trash_age: timedelta = TRASH_AGE,
) -> Collected:
    """One run over the whole store.

    `grace` is the store's own unless given. `untagged` also removes manifests that no tag, index
    or `refs` row leads to, pushed before the grace, with their referrers. Sessions without a byte
    for `upload_age` end; what is in the trash for `trash_age` is deleted.
    """
    cutoff = _ago(store.grace if grace is None else grace)
    with faults.of_disk():
        if dry_run:
            removed, freed = _rehearse(store, cutoff, untagged=untagged)
        else:
            removed = _remove_untagged(store, cutoff) if untagged else 0
            freed = _remove_blobs(store, cutoff)
        orphans = _remove_orphans(store, cutoff, dry_run=dry_run)
        uploads, upload_bytes = store.uploads.expire(upload_age, dry_run=dry_run)
        emptied, emptied_bytes = store.bodies.empty_trash(_ago(trash_age), dry_run=dry_run)
    if not dry_run:
        _remove_empty_repositories(store)
    return Collected(
        manifests=removed,
        blobs=len(freed),
        blob_bytes=sum(freed.values()),
        orphans=len(orphans),
        orphan_bytes=sum(orphans.values()),
        uploads=uploads,
        upload_bytes=upload_bytes,
        emptied=emptied,
        emptied_bytes=emptied_bytes,
    )


def _rehearse(store: Store, cutoff: int, *, untagged: bool) -> tuple[int, dict[Digest, int]]:
    """What would be removed: the same deletes, rolled back."""
    with store.database.write(commit=False) as connection:
        removed = 0
        if untagged:
            for repo_id in connection.scalars(select(repositories.c.id)).all():
                removed += _remove_dead(connection, repo_id, cutoff)
        return removed, _garbage(connection, cutoff)


def _remove_untagged(store: Store, cutoff: int) -> int:
    with store.read() as connection:
        repo_ids = connection.scalars(select(repositories.c.id)).all()
    removed = 0
    for repo_id in repo_ids:
        with store.write() as tx:
            count = _remove_dead(tx.connection, repo_id, cutoff)
            if count:
                _record(tx, f"Removed manifests that no tag led to: {count}")
        removed += count
    return removed


def _remove_blobs(store: Store, cutoff: int) -> dict[Digest, int]:
    with store.read() as connection:
        candidates = _garbage(connection, cutoff)
    freed: dict[Digest, int] = {}
    for batch in batches(candidates, BATCH):
        with store.database.locked():
            with store.database.transaction() as connection:
                chosen = _garbage(connection, cutoff, among=batch)
                connection.execute(delete(blobs).where(blobs.c.digest.in_(chosen)))
                if chosen:
                    what = f"{len(chosen)}, of {sum(chosen.values())} bytes"
                    tx = Transaction(connection, store.bodies)
                    _record(tx, f"Moved blobs to the trash that nothing refers to: {what}")
            for digest in chosen:
                store.bodies.discard(digest)
        freed |= chosen
    return freed


def _remove_orphans(store: Store, cutoff: int, *, dry_run: bool) -> dict[Digest, int]:
    """Bodies without a row, from pushes that ended between the two."""
    bodies = store.bodies.digests()
    old = ((digest, size) for digest, size, changed in bodies if changed < cutoff)
    found: dict[Digest, int] = {}
    for batch in map(dict, batches(old, BATCH)):
        with store.read() as connection:
            if not _without_row(connection, batch):
                continue
        with store.database.locked():
            with store.read() as connection:
                orphans = _without_row(connection, batch)
            for digest in orphans:
                found[digest] = batch[digest]
                if not dry_run:
                    store.bodies.discard(digest)
    return found


def _remove_empty_repositories(store: Store) -> None:
    empty = ~or_(
        exists().where(manifests.c.repo_id == repositories.c.id),
        exists().where(repo_blobs.c.repo_id == repositories.c.id),
    )
    with store.read() as connection:
        if connection.scalar(select(repositories.c.id).where(empty).limit(1)) is None:
            return
    with store.database.write() as connection:
        connection.execute(delete(repositories).where(empty))


def _garbage(
    connection: Connection, cutoff: int, *, among: Collection[Digest] | None = None
) -> dict[Digest, int]:
    """Blobs, with their sizes, untouched since `cutoff` that nothing refers to."""
    rows = select(blobs.c.digest, blobs.c.size).where(
        blobs.c.touched_at < cutoff,
        ~exists().where(manifest_refs.c.digest == blobs.c.digest),
        ~exists().where(refs.c.digest == blobs.c.digest),
    )
    if among is not None:
        rows = rows.where(blobs.c.digest.in_(among))
    return {Digest(digest): size for digest, size in connection.execute(rows)}


def _without_row(connection: Connection, digests: Collection[Digest]) -> list[Digest]:
    known = set(connection.scalars(select(blobs.c.digest).where(blobs.c.digest.in_(digests))))
    return [digest for digest in digests if digest not in known]


def _remove_dead(connection: Connection, repo_id: int, cutoff: int) -> int:
    """Remove the manifests of one repository that nothing alive leads to.

    Alive are those with a tag or a row of `refs`, or pushed since `cutoff`; what an index that
    is alive lists; and what has something alive as its subject.
    """
    rows = connection.execute(
        select(manifests.c.digest, manifests.c.subject, manifests.c.pushed_at).where(
            manifests.c.repo_id == repo_id
        )
    ).all()
    leads_to: dict[str, list[str]] = defaultdict(list)
    for manifest, child in connection.execute(
        select(manifest_refs.c.manifest, manifest_refs.c.digest).where(
            manifest_refs.c.repo_id == repo_id
        )
    ):
        leads_to[manifest].append(child)
    for row in rows:
        leads_to[row.subject].append(row.digest)
    held = select(refs.c.digest).join(manifests, manifests.c.digest == refs.c.digest)
    pending = {row.digest for row in rows if row.pushed_at >= cutoff}
    pending |= set(connection.scalars(select(tags.c.digest).where(tags.c.repo_id == repo_id)))
    pending |= set(connection.scalars(held.where(manifests.c.repo_id == repo_id)))
    alive: set[str] = set()
    while pending:
        digest = pending.pop()
        alive.add(digest)
        pending.update(to for to in leads_to[digest] if to not in alive)
    dead = [row.digest for row in rows if row.digest not in alive]
    for batch in batches(dead, BATCH):
        connection.execute(
            delete(manifests).where(manifests.c.repo_id == repo_id, manifests.c.digest.in_(batch))
        )
    return len(dead)


def _record(tx: Transaction, message: str) -> None:
    tx.record(Act.ACTION, "store", "", "garbage collection", message)


def _ago(age: timedelta) -> int:
    """That long before now, in µs since 1970."""
    return now() - age // timedelta(microseconds=1)
