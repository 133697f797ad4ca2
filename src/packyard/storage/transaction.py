"""Everything that writes rows of the store, inside one transaction of one writer.

A row of `blobs` is there only while its body is at its place: `put_blob` looks, under the lock
that garbage collection takes too, before it inserts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from packyard.digests import Digest, algorithm_of, digest_of
from packyard.errors import (
    BlobUnknown,
    DigestInvalid,
    ManifestUnknown,
    RepositoryUnknown,
    Unavailable,
)
from packyard.references import RepoName, Tag
from packyard.storage import faults
from packyard.storage.content import Manifest, now
from packyard.storage.files import Files
from packyard.storage.objects import Objects
from packyard.storage.tables import (
    blobs,
    manifest_refs,
    manifests,
    refs,
    repo_blobs,
    repositories,
    tags,
)

INLINE_LIMIT = 64 * 1024  # bytes of a manifest kept in its row

_REPOSITORY = select(repositories.c.id).where(repositories.c.name == bindparam("repo"))
_TOUCH = (
    update(blobs).where(blobs.c.digest == bindparam("blob")).values(touched_at=bindparam("time"))
)
_HELD = select(repo_blobs.c.digest).where(
    repo_blobs.c.repo_id == bindparam("repo_id"), repo_blobs.c.digest == bindparam("blob")
)


class Transaction:
    """Visible to others, all of it, when the block of `Store.write()` ends without exception."""

    def __init__(self, connection: Connection, bodies: Files | Objects) -> None:
        self.connection = connection
        self._bodies = bodies

    # Blobs

    def put_blob(self, repo: RepoName, digest: Digest, size: int) -> int:
        """Make a body that was placed a blob of the repository; its time of touch."""
        time = self._put_body(digest, size)
        self._link(repo, digest)
        return time

    def link_blob(self, repo: RepoName, digest: Digest) -> bool:
        """Let the repository hold a blob that the store has; False where it has none."""
        if not self.connection.execute(_TOUCH, {"blob": digest, "time": now()}).rowcount:
            return False
        self._link(repo, digest)
        return True

    def unlink_blob(self, repo: RepoName, digest: Digest) -> None:
        """Take the blob out of the repository; raises `BlobUnknown`."""
        gone = delete(repo_blobs).where(
            repo_blobs.c.repo_id == self._repo_id(repo), repo_blobs.c.digest == digest
        )
        if not self.connection.execute(gone).rowcount:
            raise BlobUnknown(f"{repo} holds no blob {digest}.", digest=digest)

    def renew_blob(self, digest: Digest) -> None:
        self.connection.execute(_TOUCH, {"blob": digest, "time": now()})

    def holds_blob(self, repo: RepoName, digest: Digest) -> bool:
        return not self.missing(repo, [digest])

    def missing(self, repo: RepoName, digests: Iterable[Digest]) -> list[Digest]:
        """Those that the repository holds neither as blob nor as manifest, in their order."""
        wanted = list(dict.fromkeys(digests))
        repo_id = self._find(repo)
        if repo_id is None:
            return wanted
        held: set[str] = set()
        for table in (repo_blobs, manifests):
            held |= set(
                self.connection.scalars(
                    select(table.c.digest).where(
                        table.c.repo_id == repo_id, table.c.digest.in_(wanted)
                    )
                )
            )
        return [digest for digest in wanted if digest not in held]

    # Manifests

    def put_manifest(
        self, repo: RepoName, manifest: Manifest, references: Iterable[Digest]
    ) -> bool:
        """Store it, and that it refers to these blobs and manifests; whether it is new here.

        Raises `DigestInvalid` where the content has another digest. Whether the references are
        there is the caller's to ask (`missing`): an index may be sparse.
        """
        digest = manifest.digest
        if digest_of(manifest.content, algorithm_of(digest)) != digest:
            raise DigestInvalid(f"The manifest's content does not have the digest {digest}.")
        repo_id = self._ensure(repo)
        inline = manifest.size <= INLINE_LIMIT
        owned = set(references)
        if not inline:
            with faults.of_disk():
                self._bodies.put(manifest.content, digest)
            self._put_body(digest, manifest.size)
            owned.add(digest)  # keeps its own body
        row = {
            "media_type": manifest.media_type,
            "size": manifest.size,
            "content": manifest.content if inline else None,
            "artifact_type": manifest.artifact_type,
            "subject": manifest.subject,
            "annotations": json.dumps(dict(manifest.annotations), ensure_ascii=False),
            "pushed_at": now(),
        }
        key = (manifests.c.repo_id == repo_id, manifests.c.digest == digest)
        created = not self.connection.execute(update(manifests).where(*key).values(row)).rowcount
        if created:
            self.connection.execute(insert(manifests).values(repo_id=repo_id, digest=digest, **row))
        else:
            self.connection.execute(
                delete(manifest_refs).where(
                    manifest_refs.c.repo_id == repo_id, manifest_refs.c.manifest == digest
                )
            )
        if owned:
            self.connection.execute(
                insert(manifest_refs),
                [{"repo_id": repo_id, "manifest": digest, "digest": to} for to in sorted(owned)],
            )
        return created

    def delete_manifest(self, repo: RepoName, digest: Digest) -> list[Tag]:
        """Delete it with its tags, which are returned; raises `ManifestUnknown`."""
        removed = self.tags_of(repo, digest)
        if not self.remove_manifests(self._repo_id(repo), [digest]):
            raise _no_manifest(repo, digest)
        return removed

    def remove_manifests(self, repo_id: int, digests: Sequence[Digest]) -> int:
        """Delete those that are there, with their tags; how many."""
        for table in (tags, manifests):
            gone = delete(table).where(table.c.repo_id == repo_id, table.c.digest.in_(digests))
            count = self.connection.execute(gone).rowcount
        return count

    # Tags

    def set_tag(self, repo: RepoName, tag: Tag, digest: Digest) -> None:
        """Let the tag lead to a manifest of the repository; raises `ManifestUnknown`."""
        repo_id = self._repo_id(repo)
        there = select(manifests.c.digest).where(
            manifests.c.repo_id == repo_id, manifests.c.digest == digest
        )
        if self.connection.scalar(there) is None:
            raise _no_manifest(repo, digest)
        row = {"digest": digest, "updated_at": now()}
        key = (tags.c.repo_id == repo_id, tags.c.name == tag)
        if not self.connection.execute(update(tags).where(*key).values(row)).rowcount:
            self.connection.execute(insert(tags).values(repo_id=repo_id, name=tag, **row))

    def delete_tag(self, repo: RepoName, tag: Tag) -> None:
        """Raises `ManifestUnknown` where there is no such tag."""
        gone = delete(tags).where(tags.c.repo_id == self._repo_id(repo), tags.c.name == tag)
        if not self.connection.execute(gone).rowcount:
            raise _no_manifest(repo, tag)

    def tag_digest(self, repo: RepoName, tag: Tag) -> Digest | None:
        found = self.connection.scalar(
            select(tags.c.digest)
            .join(repositories, repositories.c.id == tags.c.repo_id)
            .where(repositories.c.name == repo, tags.c.name == tag)
        )
        return None if found is None else Digest(found)

    def tags_of(self, repo: RepoName, digest: Digest) -> list[Tag]:
        """Every tag that leads to the manifest, in lexical order."""
        found = self.connection.scalars(
            select(tags.c.name)
            .join(repositories, repositories.c.id == tags.c.repo_id)
            .where(repositories.c.name == repo, tags.c.digest == digest)
            .order_by(tags.c.name)
        )
        return [Tag(name) for name in found]

    # References from elsewhere

    def hold(self, digest: Digest, owner: str) -> None:
        """Keep a blob or manifest from collection until `owner` releases it."""
        self.release(digest, owner)
        self.connection.execute(insert(refs).values(digest=digest, owner=owner))

    def release(self, digest: Digest, owner: str) -> None:
        self.connection.execute(delete(refs).where(refs.c.digest == digest, refs.c.owner == owner))

    # Rows that others rest on

    def _put_body(self, digest: Digest, size: int) -> int:
        with faults.of_disk():
            whole = self._bodies.revive(digest)
        if not whole:
            raise Unavailable(
                f"The content {digest} was collected as garbage while it was being pushed: "
                "push it again."
            )
        time = now()
        if not self.connection.execute(_TOUCH, {"blob": digest, "time": time}).rowcount:
            self.connection.execute(
                insert(blobs), {"digest": digest, "size": size, "touched_at": time}
            )
        return time

    def _link(self, repo: RepoName, digest: Digest) -> None:
        repo_id = self._ensure(repo)
        if self.connection.scalar(_HELD, {"repo_id": repo_id, "blob": digest}) is None:
            self.connection.execute(insert(repo_blobs), {"repo_id": repo_id, "digest": digest})

    def _find(self, repo: RepoName) -> int | None:
        return self.connection.scalar(_REPOSITORY, {"repo": repo})

    def _repo_id(self, repo: RepoName) -> int:
        found = self._find(repo)
        if found is None:
            raise RepositoryUnknown(f"There is no repository {repo}.")
        return found

    def _ensure(self, repo: RepoName) -> int:
        if self._find(repo) is None:
            self.connection.execute(insert(repositories), {"name": repo})
        return self._repo_id(repo)


def _no_manifest(repo: RepoName, reference: Tag | Digest) -> ManifestUnknown:
    return ManifestUnknown(f"{repo} has no manifest {reference}.", reference=reference)
