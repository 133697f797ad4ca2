"""The registry: our own store and what it holds.

`Registry.commit` is the only door by which content becomes visible. Whatever protocol brought it,
the manifest, its tags and the rows of the catalog change in one transaction, or nothing does.
Everything here blocks; faces call it from a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from packyard.catalog import entries
from packyard.digests import Digest, digest_of
from packyard.errors import (
    BlobUnknown,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    PreconditionFailed,
    RepositoryUnknown,
    several,
)
from packyard.findings import Finding
from packyard.packs.archive import content_digest
from packyard.packs.artifact import (
    EMPTY_CONFIG,
    EMPTY_CONFIG_DIGEST,
    MANIFEST_TYPE,
    MESSAGE,
    build_manifest,
    pack_of_repository,
    repository,
)
from packyard.packs.files import Files, Limits
from packyard.packs.model import Pack
from packyard.references import RepoName, Tag
from packyard.registry import charts, records, shelf
from packyard.registry.artifacts import Artifact, parse_manifest
from packyard.storage.content import Manifest, now
from packyard.storage.store import Store
from packyard.storage.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A manifest on its way in. `tags` is empty for a push by digest alone.

    `if_none_match`: no tag may exist yet. `if_match`: every tag must lead to that digest now.
    """

    repo: RepoName
    body: bytes
    digest: Digest
    media_type: str = ""
    tags: tuple[Tag, ...] = ()
    actor: str = ""
    if_match: Digest | None = None
    if_none_match: bool = False


Guard = Callable[[Connection, str, str, Collection[str]], None]
"""Raises where tags of a pack may not go; is given the source, the name, the tags."""


@dataclass(frozen=True, slots=True)
class Committed:
    digest: Digest
    subject: Digest | None
    tags: tuple[Tag, ...]
    findings: tuple[Finding, ...] = ()


class Registry:
    """Joins the store, the format of packs and the catalog's rows of the built-in source.

    Uploaded charts stand in repositories below `charts`.
    """

    def __init__(
        self,
        store: Store,
        *,
        limits: Limits | None = None,
        sparse: bool = True,
        charts: str = "charts",
        name: str = entries.BUILT_IN,
        guard: Guard | None = None,
    ) -> None:
        """`guard` is asked before tags of a pack go."""
        self.store = store
        self.charts = charts
        self.limits = limits or Limits()
        self.sparse = sparse
        self._guard = guard
        with store.write() as tx:
            self.source = entries.built_in_source(tx.connection, name)

    def commit(self, push: Push) -> Committed:
        """Take a manifest in, with its tags, and all that follows from them.

        Raises `ManifestInvalid`, `ManifestBlobUnknown`, `ContentRefused`, `PreconditionFailed`,
        `Conflict`; then nothing has changed.
        """
        artifact = parse_manifest(push.body, push.media_type)
        sizes = {digest: self._size(push.repo, digest) for digest in artifact.blobs}
        self._require_blobs(artifact, [digest for digest, size in sizes.items() if size is None])
        _require_sizes(artifact, sizes)
        pack, chart = self._read(push, artifact)
        carried = pack.charts if pack else ()
        bodies = {read.digest: self.store.prepare(read.digest, read.archive) for read in carried}
        with self.store.write() as tx:
            self._require_blobs(artifact, tx.missing(push.repo, artifact.blobs))
            _require_preconditions(tx, push)
            if pack:
                shelf.check_tags(tx, self.source, push.repo, push.digest, push.tags, pack.pack)
            for read in carried:
                tx.put_blob(push.repo, read.digest, len(read.archive), bodies[read.digest])
            references = (*artifact.references, *bodies)
            created = tx.put_manifest(push.repo, _manifest(push, artifact), references)
            before = {tag: tx.tag_digest(push.repo, tag) for tag in push.tags}
            for tag in push.tags:
                tx.set_tag(push.repo, tag, push.digest)
            records.pushed(
                tx,
                push.repo,
                push.digest,
                before,
                kind=records.kind_of(push.repo, chart=artifact.is_chart),
                created=created,
                why=artifact.annotations.get(MESSAGE, "") if pack else "",
            )
            if pack:
                self._enter(tx, push, artifact, pack)
            self._settle(tx, push.repo, push.tags, push.digest, chart)
            findings = pack.findings if pack else ()
            if chart:
                findings = charts.unlisted(
                    tx, self.source, self.charts, chart, push.repo, push.tags
                )
        return Committed(push.digest, artifact.subject, push.tags, findings)

    def push_archive(
        self,
        pack: Pack,
        files: Files,
        archive: bytes,
        *,
        actor: str,
        message: str = "",
        if_none_match: bool = False,
    ) -> Committed:
        """Commit an archive as it came, under the version of the pack that was read from it."""
        repo = repository(pack.name)
        digest = digest_of(archive)
        self.store.put_blob(repo, EMPTY_CONFIG_DIGEST, EMPTY_CONFIG)
        self.store.put_blob(repo, digest, archive)
        notes = {MESSAGE: message} if message else {}
        body = build_manifest(pack, digest, len(archive), content_digest(files), notes)
        return self.commit(
            Push(
                repo=repo,
                body=body,
                digest=digest_of(body),
                media_type=MANIFEST_TYPE,
                tags=(pack.label,),
                actor=actor,
                if_none_match=if_none_match,
            )
        )

    def untag(self, repo: RepoName, tag: Tag, *, prune: bool = False, force: bool = False) -> None:
        """Take a tag away; for a pack's version, the pack with it. `prune` takes the manifest, too,
        if it was its last tag. Raises `ManifestUnknown`, `RepositoryUnknown`, `Conflict` for a
        parent tag, and without `force` what the guard raises."""
        with self.store.write() as tx, self._guarded(tx, repo, force=force):
            digest = tx.tag_digest(repo, tag)
            if digest is None:
                raise ManifestUnknown(f"{repo} has no tag {tag}.")
            if pack_of_repository(repo):
                shelf.refuse_parent(tx, self.source, repo, tag)
            kind = self._kind(repo, digest)
            tx.delete_tag(repo, tag)
            pruned = prune and not tx.tags_of(repo, digest)
            if pruned:
                tx.delete_manifest(repo, digest)
            self._settle(tx, repo, [tag])
            records.untagged(tx, repo, tag, digest, kind=kind, pruned=pruned)

    def delete(self, repo: RepoName, digest: Digest, *, force: bool = False) -> None:
        """Take a manifest away with all tags that lead to it. Raises `ManifestUnknown`, and without
        `force` what the guard raises."""
        with self.store.write() as tx, self._guarded(tx, repo, force=force):
            kind = self._kind(repo, digest)
            tags = tx.delete_manifest(repo, digest)
            self._settle(tx, repo, tags)
            records.deleted(tx, repo, digest, tags, kind=kind)

    # What these rest on

    @contextmanager
    def _guarded(self, tx: Transaction, repo: RepoName, *, force: bool) -> Iterator[None]:
        """Ask the guard about the tags that the pack there has lost at the end of the block."""
        name = pack_of_repository(repo)
        if not name or force or self._guard is None:
            yield
            return
        before = entries.tags(tx.connection, self.source, name).keys()
        yield
        lost = before - entries.tags(tx.connection, self.source, name).keys()
        if lost:
            self._guard(tx.connection, self.source, name, lost)

    def _kind(self, repo: RepoName, digest: Digest) -> str:
        """What the audit calls a manifest that may be there."""
        try:
            standing = self.store.manifest(repo, digest)
            chart = parse_manifest(standing.content, standing.media_type).is_chart
        except (ManifestUnknown, ManifestInvalid, RepositoryUnknown):
            chart = False
        return records.kind_of(repo, chart=chart)

    def _read(
        self, push: Push, artifact: Artifact
    ) -> tuple[shelf.ReadPack | None, charts.ReadChart | None]:
        """What the manifest is, if it is a pack or a chart."""
        if pack_of_repository(push.repo):
            return shelf.read_pack(self.store, push.repo, artifact, push.tags, self.limits), None
        chart = charts.read_artifact(self.store, push.repo, artifact) if artifact.is_chart else None
        return None, chart

    def _settle(
        self,
        tx: Transaction,
        repo: RepoName,
        tags: Iterable[Tag],
        manifest: Digest | None = None,
        chart: charts.ReadChart | None = None,
    ) -> None:
        """Bring what the catalog says in step with these tags, which lead to `manifest` now."""
        if pack_of_repository(repo):
            shelf.settle(tx, self.source, self.charts, repo)
            return
        for tag in tags:
            if chart and manifest:
                charts.enter(tx, self.source, self.charts, repo, tag, manifest, [chart], now())
            else:
                charts.leave(tx, self.source, self.charts, repo, tag)

    def _size(self, repo: RepoName, digest: Digest) -> int | None:
        """None for a blob that the repository does not hold."""
        try:
            return self.store.blob(repo, digest).size
        except (BlobUnknown, RepositoryUnknown):
            return None

    def _require_blobs(self, artifact: Artifact, absent: Sequence[Digest]) -> None:
        """A sparse image holds its config and some of its layers (decision 0002)."""
        layers = {layer.digest for layer in artifact.layers}
        sparse = artifact.config and layers.issuperset(absent) and len(set(absent)) < len(layers)
        if absent and not (self.sparse and sparse):
            raise ManifestBlobUnknown(
                f"The manifest refers to content that the repository does not hold: "
                f"{several(absent)}. Push or mount it first.",
                digests=list(absent),
            )

    def _enter(
        self, tx: Transaction, push: Push, artifact: Artifact, found: shelf.ReadPack
    ) -> None:
        """Write the pack's row where the push set its version's tag to other content."""
        if found.pack.label not in push.tags:
            return
        entry = entries.entry_of(
            found.pack,
            source=self.source,
            digest=push.digest,
            content_digest=found.content_digest,
            archive_digest=found.archive.digest,
            size=found.archive.size,
            message=artifact.annotations.get(MESSAGE, ""),
            pushed_by=push.actor,
            pushed_at=now(),
        )
        standing = entries.by_uid(tx.connection, entry.uid)
        if standing is None or standing.digest != entry.digest:
            entries.put(tx.connection, entry, entries.contents_of(found.files))
            standing = entry
        tag, pushed_at = entry.label, standing.pushed_at
        charts.enter(
            tx, self.source, self.charts, push.repo, tag, push.digest, found.charts, pushed_at
        )


def _require_sizes(artifact: Artifact, sizes: Mapping[Digest, int | None]) -> None:
    """Clients trust no content of another size than its descriptor says (image specification,
    "Descriptors"): nobody could pull it."""
    faults = [
        f"{said.digest} has {sizes[said.digest]} bytes, and not {said.size}"
        for said in artifact.described
        if sizes[said.digest] not in (None, said.size)
    ]
    if faults:
        raise ManifestInvalid(f"The manifest gives wrong sizes: {several(faults, '; ')}.")


def _require_preconditions(tx: Transaction, push: Push) -> None:
    for tag in push.tags:
        current = tx.tag_digest(push.repo, tag)
        if push.if_none_match and current is not None:
            raise PreconditionFailed(
                f"{push.repo}:{tag} is there already, with digest {current}.", digest=current
            )
        if push.if_match is not None and current != push.if_match:
            raise PreconditionFailed(
                f"{push.repo}:{tag} does not lead to {push.if_match}, but to "
                f"{current or 'nothing'}.",
                digest=current or "",
            )


def _manifest(push: Push, artifact: Artifact) -> Manifest:
    return Manifest(
        digest=push.digest,
        media_type=artifact.media_type,
        content=push.body,
        artifact_type=artifact.artifact_type,
        subject=artifact.subject,
        annotations=artifact.annotations,
    )
