"""Everything that writes rows of the store, inside one transaction of one writer.

A row of `blobs` is there only while its body is at its place: before one is inserted the body is
looked for, under the lock that garbage collection takes too.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import cast

from sqlalchemy import Connection

from packyard.digests import Digest, algorithm_of, digest_of
from packyard.errors import (
    BlobUnknown,
    DigestInvalid,
    ManifestUnknown,
    RepositoryUnknown,
    Unavailable,
)
from packyard.references import RepoName, Tag
from packyard.storage import faults, statements
from packyard.storage.audit import ORIGIN, Act, audit_uid
from packyard.storage.content import Manifest, now
from packyard.storage.files import Files
from packyard.storage.objects import Objects

MANIFEST_LIMIT = 64 * 1024  # bytes of a manifest kept in its row


class Transaction:
    """Visible to others, all of it, when the block of `Store.write()` ends without exception.

    Other packages write their rows through `connection`, in the same transaction.
    """

    def __init__(self, connection: Connection, bodies: Files | Objects) -> None:
        self.connection = connection
        self._driver = cast(sqlite3.Connection, connection.connection.driver_connection)
        self._bodies = bodies

    # Blobs

    def put_blob(
        self, repo: RepoName, digest: Digest, size: int, content: bytes | None = None
    ) -> int:
        """Let the repository hold these bytes, or the body that was placed; the time of that."""
        time = self._put_blob(digest, size, content)
        self._run(statements.LINK_BLOB, repo_id=self._ensure(repo), digest=digest)
        return time

    def link_blob(self, repo: RepoName, digest: Digest) -> bool:
        """Let the repository hold a blob that the store has, as if pushed; False for none."""
        if not self.renew_blob(digest):
            return False
        self._run(statements.LINK_BLOB, repo_id=self._ensure(repo), digest=digest)
        return True

    def unlink_blob(self, repo: RepoName, digest: Digest) -> None:
        """Take the blob out of the repository; raises `BlobUnknown`."""
        if not self._run(statements.UNLINK_BLOB, repo_id=self._known(repo), digest=digest).rowcount:
            raise BlobUnknown(f"{repo} holds no blob {digest}.")

    def renew_blob(self, digest: Digest) -> bool:
        """Start its grace anew; False where the store has no such blob."""
        return self._run(statements.TOUCH_BLOB, digest=digest, time=now()).rowcount > 0

    def holds_blob(self, repo: RepoName, digest: Digest) -> bool:
        return self._has(statements.HELD_BLOB, self._find(repo), digest)

    def missing(self, repo: RepoName, digests: Iterable[Digest]) -> list[Digest]:
        """Those that the repository holds neither as blob nor as manifest, once, in order."""
        repo_id = self._find(repo)
        return [
            digest
            for digest in dict.fromkeys(digests)
            if not self._has(statements.HELD_BLOB, repo_id, digest)
            and not self._has(statements.HELD_MANIFEST, repo_id, digest)
        ]

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
        inline = manifest.size <= MANIFEST_LIMIT
        owned = set(references)
        if not inline:
            with faults.of_disk():
                self._bodies.put(manifest.content, digest)
            self._put_blob(digest, manifest.size, None)
            owned.add(digest)  # so that its body is kept
        created = not self._has(statements.HELD_MANIFEST, repo_id, digest)
        if not created:
            self._run(statements.DELETE_REFERENCES, repo_id=repo_id, digest=digest)
        self._run(
            statements.INSERT_MANIFEST if created else statements.UPDATE_MANIFEST,
            repo_id=repo_id,
            digest=digest,
            media_type=manifest.media_type,
            size=manifest.size,
            content=manifest.content if inline else None,
            artifact_type=manifest.artifact_type,
            subject=manifest.subject,
            annotations=json.dumps(dict(manifest.annotations), ensure_ascii=False),
            time=now(),
        )
        for reference in owned:
            self._run(statements.PUT_REFERENCE, repo_id=repo_id, manifest=digest, digest=reference)
        return created

    def holds_manifest(self, repo: RepoName, digest: Digest) -> bool:
        return self._has(statements.HELD_MANIFEST, self._find(repo), digest)

    def delete_manifest(self, repo: RepoName, digest: Digest) -> list[Tag]:
        """Delete it with its tags, which are returned; raises `ManifestUnknown`."""
        repo_id = self._known(repo)
        removed = self.tags_of(repo, digest)
        self._run(statements.DELETE_TAGS_OF, repo_id=repo_id, digest=digest)
        if not self._run(statements.DELETE_MANIFEST, repo_id=repo_id, digest=digest).rowcount:
            raise _no_manifest(repo, digest)
        return removed

    # Tags

    def set_tag(self, repo: RepoName, tag: Tag, digest: Digest) -> None:
        """Let the tag lead to a manifest of the repository; raises `ManifestUnknown`."""
        repo_id = self._known(repo)
        if not self._has(statements.HELD_MANIFEST, repo_id, digest):
            raise _no_manifest(repo, digest)
        self._run(statements.PUT_TAG, repo_id=repo_id, tag=tag, digest=digest, time=now())

    def delete_tag(self, repo: RepoName, tag: Tag) -> None:
        """Raises `ManifestUnknown` where there is no such tag."""
        if not self._run(statements.DELETE_TAG, repo_id=self._known(repo), tag=tag).rowcount:
            raise _no_manifest(repo, tag)

    def tag_digest(self, repo: RepoName, tag: Tag) -> Digest | None:
        found = self._run(statements.TAG, repo_id=self._find(repo), tag=tag).fetchone()
        return Digest(found[0]) if found else None

    def tags(self, repo: RepoName) -> dict[Tag, Digest]:
        """Every tag of the repository and where it leads; none where there is no repository."""
        found = self._run(statements.TAGS_AND_DIGESTS, repo_id=self._find(repo))
        return {Tag(name): Digest(digest) for name, digest in found}

    def tags_of(self, repo: RepoName, digest: Digest) -> list[Tag]:
        """Every tag that leads to the manifest, in lexical order."""
        found = self._run(statements.TAGS_OF, repo_id=self._find(repo), digest=digest)
        return [Tag(name) for (name,) in found]

    # References from elsewhere

    def hold(self, digest: Digest, owner: str) -> None:
        """Keep a blob or manifest from collection until `owner` releases it."""
        self._run(statements.HOLD, digest=digest, owner=owner)

    def release(self, digest: Digest, owner: str) -> None:
        self._run(statements.RELEASE, digest=digest, owner=owner)

    # The audit

    def record(
        self, act: Act, kind: str, resource: str, name: str, message: str, *, project: str = ""
    ) -> None:
        """Remember that whoever is asking does this; call it beside every change that people see.

        `resource` is the uid or digest of the thing, `name` what people call it, `message` a
        sentence without secrets, `project` the uid of the one that the thing belongs to.
        """
        origin, time = ORIGIN.get(), now()
        uid = audit_uid(time)
        origin.rows.append(uid)
        self._run(
            statements.RECORD,
            uid=uid,
            at=time,
            actor=origin.actor,
            actor_uid=origin.uid,
            address=origin.address,
            via=origin.via,
            request=origin.request,
            action=act.value,
            kind=kind,
            resource=resource,
            name=name,
            project=project,
            message=message,
        )

    # What these rest on

    def _put_blob(self, digest: Digest, size: int, content: bytes | None) -> int:
        if content is None:
            with faults.of_disk():
                whole = self._bodies.secure(digest)
            if not whole:
                raise Unavailable(
                    f"The content {digest} was collected as garbage while it was being pushed: "
                    "push it again."
                )
        time = now()
        self._run(statements.PUT_BLOB, digest=digest, size=size, time=time, content=content)
        return time

    def _find(self, repo: RepoName) -> int | None:
        found = self._run(statements.REPOSITORY, repo=repo).fetchone()
        return found[0] if found else None

    def _known(self, repo: RepoName) -> int:
        found = self._find(repo)
        if found is None:
            raise RepositoryUnknown(f"There is no repository {repo}.")
        return found

    def _ensure(self, repo: RepoName) -> int:
        if self._find(repo) is None:
            self._run(statements.PUT_REPOSITORY, repo=repo)
        return self._known(repo)

    def _has(self, statement: str, repo_id: int | None, digest: Digest) -> bool:
        return self._run(statement, repo_id=repo_id, digest=digest).fetchone() is not None

    def _run(self, statement: str, **values: str | int | bytes | None) -> sqlite3.Cursor:
        return self._driver.execute(statement, values)


def _no_manifest(repo: RepoName, reference: Tag | Digest) -> ManifestUnknown:
    return ManifestUnknown(f"{repo} has no manifest {reference}.")
