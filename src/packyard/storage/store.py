"""The store: content by digest, names for it, and nothing about what it means.

Invariants (design.md, Writing; `docs/formats/store.md`):

- A blob's row is there only while its body is, whole and flushed: body first, row after.
- Nothing becomes visible but by the commit of one transaction.
- Several threads and processes work on one folder at once; there is one writer at a time.

Every function blocks; those on the way of a pull (`blob`, `manifest`, `tags`, `generation`) for
microseconds.
"""

from __future__ import annotations

import errno
import io
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, cast

from obstore.store import MemoryStore
from sqlalchemy import Connection, select

from packyard.digests import Digest, algorithm_of, digest_of
from packyard.errors import (
    BlobUnknown,
    ConfigurationInvalid,
    DigestInvalid,
    ManifestUnknown,
    NotFound,
    RepositoryUnknown,
    Unavailable,
)
from packyard.references import RepoName, Tag, is_digest
from packyard.storage import faults
from packyard.storage.audit import Act
from packyard.storage.content import Blob, Manifest, Referrer, now
from packyard.storage.db import Database
from packyard.storage.files import Files, make_folder
from packyard.storage.lookups import Lookups, ManifestRow
from packyard.storage.objects import Objects
from packyard.storage.tables import REVISION, manifests, repositories
from packyard.storage.transaction import Transaction
from packyard.storage.uploads import Uploads

GRACE = timedelta(hours=1)
_NAMES = ("blobs", "trash", "uploads", "packyard.db", "packyard.db-wal", "packyard.db-shm")
INLINE_LIMIT = 16 * 1024  # bytes of a blob kept in its row: one flush instead of three


class Store:
    """Open one with `Store.open`; `migrate()` it once before the first use."""

    def __init__(
        self,
        database: Database,
        bodies: Files | Objects,
        folder: Path,
        *,
        grace: timedelta = GRACE,
    ) -> None:
        self.database = database
        self.bodies = bodies
        self.grace = grace
        self._quarter = grace // timedelta(microseconds=4)
        self.uploads = Uploads(folder / "uploads", self._settle)
        self._lookups = Lookups(database.raw)
        self._private: tempfile.TemporaryDirectory[str] | None = None

    @classmethod
    def open(cls, root: Path | None, *, grace: timedelta = GRACE) -> Store:
        """The store in that folder, which is made where it is missing; in memory for None.

        `grace` is how long garbage collection spares what nothing refers to. Raises
        `ConfigurationInvalid` where the folder cannot be used.
        """
        if root is None:
            private = tempfile.TemporaryDirectory(prefix="packyard-")
            folder = Path(private.name)
            (folder / "uploads").mkdir()
            database = Database(folder, durable=False)
            store = cls(database, Objects(MemoryStore()), folder, grace=grace)
            store._private = private
            return store
        try:
            make_folder(root)
            _check_rights(root)
            return cls(Database(root), Files(root), root, grace=grace)
        except OSError as error:
            raise _unusable(root, error) from error

    def migrate(self) -> None:
        """Bring the database to this version's tables; safe in several processes at once."""
        with suppress(Unavailable):
            self.check_ready()
            return
        from packyard.storage.migrations import upgrade  # noqa: PLC0415 - alembic loads slowly

        upgrade(self.database)

    def check_ready(self) -> None:
        """Raise `Unavailable` unless the database answers and has this version's tables."""
        with self.read() as connection:
            revision = connection.exec_driver_sql("SELECT version_num FROM alembic_version")
            if revision.scalar() != REVISION:
                raise Unavailable("The store is not ready: its database has not been migrated.")

    def close(self) -> None:
        """After the last use by any thread."""
        del self._lookups
        self.database.close()
        if self._private:
            self._private.cleanup()

    # Transactions

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """One transaction of the only writer: commits at the end of the block, all or nothing."""
        with self.database.write() as connection:
            yield Transaction(connection, self.bodies)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Queries over one consistent state."""
        with self.database.read() as connection:
            yield connection

    def rows(self, statement: str, **values: str | int) -> list[Any]:
        """What a statement in the driver's own form gives, for what is asked with every request:
        microseconds, where `read` and SQLAlchemy take a good part of a millisecond."""
        return self._lookups.rows(statement, **values)

    def generation(self) -> int:
        """Another number than before once any process has committed; for caches."""
        return self.database.generation()

    # Blobs

    def blob(self, repo: RepoName, digest: Digest) -> Blob:
        """Raises `BlobUnknown` or `RepositoryUnknown`."""
        found = self._lookups.blob(repo, digest)
        if found is None:
            raise self._unknown(repo, BlobUnknown(f"{repo} holds no blob {digest}."))
        size, touched_at = found
        path = self.bodies.path(digest) if size > INLINE_LIMIT else None
        return Blob(digest, size, path, touched_at)

    def open_blob(self, digest: Digest) -> BinaryIO:
        """The bytes, seekable; raises `BlobUnknown` where they are gone by now."""
        content = self._lookups.content(digest)
        if content is not None:
            return io.BytesIO(content)
        with faults.of_disk():
            try:
                return self.bodies.open(digest)
            except FileNotFoundError:
                raise BlobUnknown(f"The blob {digest} is gone.") from None

    def put_blob(self, repo: RepoName, digest: Digest, data: bytes) -> Blob:
        """A whole blob at once, durable when this returns; raises `DigestInvalid`."""
        actual = digest_of(data, algorithm_of(digest))
        if actual != digest:
            raise DigestInvalid(f"The content has the digest {actual}, not {digest}.")
        return self._commit(repo, digest, len(data), self.prepare(digest, data))

    def prepare(self, digest: Digest, data: bytes) -> bytes | None:
        """Have the body at its place, so that a transaction can make a blob of these bytes.

        What is returned is the content for `Transaction.put_blob`. Where no transaction follows,
        garbage collection takes the body away.
        """
        if len(data) <= INLINE_LIMIT:
            return data
        with faults.of_disk():
            if self.bodies.size(digest) != len(data):
                self.bodies.put(data, digest)
        return None

    def mount(self, repo: RepoName, digest: Digest, source: RepoName | None) -> bool:
        """Let `repo` hold a blob that `source` (None: any repository) holds; False if it does not.

        It counts as a push of the blob.
        """
        with self.write() as transaction:
            if source is not None and not transaction.holds_blob(source, digest):
                return False
            return transaction.link_blob(repo, digest)

    def delete_blob(self, repo: RepoName, digest: Digest) -> None:
        """Take it out of the repository; raises `BlobUnknown` or `RepositoryUnknown`.

        Its body goes with garbage collection, when no manifest refers to it.
        """
        with self.write() as transaction:
            transaction.unlink_blob(repo, digest)
            name = f"{repo}@{digest}"
            transaction.record(Act.DELETE, "blob", digest, name, f"Deleted the blob {name}")

    def renewal_due(self, blob: Blob) -> bool:
        """Whether a client that is told of the blob now could find it collected too soon."""
        return blob.touched_at < now() - self._quarter

    def renew(self, digest: Digest) -> None:
        """Start the blob's grace anew; waits for the writers' lock only where that is due."""
        touched_at = self._lookups.touched(digest)
        if touched_at is not None and touched_at < now() - self._quarter:
            with self.write() as transaction:
                transaction.renew_blob(digest)

    # Manifests and names

    def manifest(self, repo: RepoName, reference: Tag | Digest) -> Manifest:
        """Raises `ManifestUnknown` or `RepositoryUnknown`."""
        find = self._lookups.manifest if is_digest(reference) else self._lookups.tagged
        found = find(repo, reference)
        if found is None:
            unknown = ManifestUnknown(f"{repo} has no manifest {reference}.")
            raise self._unknown(repo, unknown)
        return self._manifest(found)

    def tags(self, repo: RepoName, n: int | None = None, last: str = "") -> list[Tag]:
        """Up to `n` tags behind `last`, in lexical order; raises `RepositoryUnknown`."""
        found = self._lookups.tags(repo, n, last)
        if not found and not self._lookups.has_repository(repo):
            raise RepositoryUnknown(f"There is no repository {repo}.")
        return cast("list[Tag]", found)

    def repositories(self, n: int | None = None, last: str = "") -> list[RepoName]:
        """Up to `n` repositories behind `last` that have a manifest, in lexical order."""
        with self.read() as connection:
            found = connection.scalars(
                select(repositories.c.name)
                .where(repositories.c.name > last)
                .where(select(1).where(manifests.c.repo_id == repositories.c.id).exists())
                .order_by(repositories.c.name)
                .limit(n)
            )
            return [RepoName(name) for name in found]

    def referrers(
        self, repo: RepoName, digest: Digest, artifact_type: str | None = None
    ) -> list[Referrer]:
        """Every manifest of the repository with that subject; none is no error."""
        return [
            Referrer(Digest(found), media_type, size, kind, json.loads(annotations))
            for found, media_type, size, kind, annotations in self._lookups.referrers(repo, digest)
            if artifact_type is None or kind == artifact_type
        ]

    def _manifest(self, row: ManifestRow) -> Manifest:
        digest, media_type, content, artifact_type, subject, annotations = row
        if content is None:
            with self.open_blob(Digest(digest)) as body:
                content = body.read()
        return Manifest(
            Digest(digest),
            media_type,
            content,
            artifact_type,
            None if subject is None else Digest(subject),
            json.loads(annotations),
        )

    def _settle(self, repo: RepoName, digest: Digest, size: int, source: Path) -> Blob:
        """Make a finished upload's file a blob of the repository."""
        with faults.of_disk():
            content = source.read_bytes() if size <= INLINE_LIMIT else None
            if content is None and self.bodies.size(digest) != size:
                self.bodies.place(source, digest)
            blob = self._commit(repo, digest, size, content)
            source.unlink(missing_ok=True)
        return blob

    def _commit(
        self, repo: RepoName, digest: Digest, size: int, content: bytes | None = None
    ) -> Blob:
        with self.write() as transaction:
            touched_at = transaction.put_blob(repo, digest, size, content)
        path = self.bodies.path(digest) if content is None else None
        return Blob(digest, size, path, touched_at)

    def _unknown(self, repo: RepoName, error: NotFound) -> NotFound:
        if self._lookups.has_repository(repo):
            return error
        return RepositoryUnknown(f"There is no repository {repo}.")


def _check_rights(root: Path) -> None:
    """Raise `ConfigurationInvalid` where somebody else made what is in the folder: better now, by
    name, than at the first push."""
    for path in (path for name in _NAMES if (path := root / name).exists()):
        wanted = os.R_OK | os.W_OK | (os.X_OK if path.is_dir() else 0)
        if not os.access(path, wanted, effective_ids=True):
            owner, own = path.stat().st_uid, os.geteuid()
            raise ConfigurationInvalid(
                f"The data folder {root} holds {path.name}, which belongs to the user {owner} and "
                f"may not be written by the user {own}, as whom this runs. Run it as {owner}, or "
                f"change the owner: `chown -R {own} {root}`."
            )


def _unusable(root: Path, error: OSError) -> ConfigurationInvalid:
    reasons = {
        errno.EEXIST: "is a file, or leads through one: it must be a folder",
        errno.ENOTDIR: "is a file, or leads through one: it must be a folder",
        errno.EACCES: f"may not be written by the user {os.geteuid()}, as whom this runs",
        errno.EPERM: f"may not be written by the user {os.geteuid()}, as whom this runs",
        errno.EROFS: "is on a read-only file system",
        errno.ENOSPC: "is on a full device",
    }
    reason = reasons.get(error.errno or 0, f"cannot be used: {error.strerror}")
    return ConfigurationInvalid(
        f"The data folder {root} {reason}. Name another one in "
        "storage.filesystem.rootdirectory, or mend this one."
    )
