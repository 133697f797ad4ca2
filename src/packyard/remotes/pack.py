"""A pack in its OCI form at any registry: pushed, compared, pulled, tagged (packs.md, "OCI form").

Two packs are the same where their content digests are: over paths, run bits and bytes of their
files, whatever wrote the archive.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from packyard.digests import Digest, digest_of, parse_digest
from packyard.errors import (
    Conflict,
    ContentRefused,
    DigestInvalid,
    ManifestInvalid,
    NotFound,
    PreconditionFailed,
    RemoteFailed,
    TooLarge,
)
from packyard.findings import Finding
from packyard.packs import artifact, lint
from packyard.packs.archive import content_digest, read_archive, write_archive
from packyard.packs.files import Files, Limits
from packyard.packs.model import Pack
from packyard.packs.tags import is_parent_form, split_tag, version_in
from packyard.packs.version import Version, sort_key
from packyard.references import Tag
from packyard.remotes.oci import Descriptor, Received, Repository, described
from packyard.remotes.transfer import Watch, pull_blob, push_blob, unwatched


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked pack with the archive to push."""

    pack: Pack
    content_digest: Digest
    archive: bytes = field(repr=False)


class Outcome(StrEnum):
    PUSHED = "pushed"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Pushed:
    """`digest` is that of the manifest that the version's tag leads to now."""

    outcome: Outcome
    digest: Digest


@dataclass(frozen=True, slots=True)
class PulledPack:
    """`digest` is that of the manifest, `archive` describes its only layer."""

    pack: Pack
    files: Files = field(repr=False)
    digest: Digest
    content_digest: Digest
    archive: Descriptor
    message: str = ""
    findings: tuple[Finding, ...] = ()


def prepare(pack: Pack, files: Files) -> Prepared:
    """Write the archive; the same files give the same bytes."""
    out = io.BytesIO()
    write_archive(files, f"{pack.name}-{pack.version}", out)
    return Prepared(pack, content_digest(files), out.getvalue())


def push(
    repository: Repository,
    prepared: Prepared,
    *,
    watch: Watch,
    message: str = "",
    force: bool = False,
    compare: bool = True,
    allow_missing: bool = False,
) -> Pushed:
    """Push under the version's tag. Identical content there stays as it is.

    Raise `Conflict` where the tag holds other content and `force` is not given. Without `compare`
    whatever stands there counts as other content.
    """
    tag = prepared.pack.label
    standing = _standing(repository, tag)
    if standing and compare and _content_digest(repository, standing) == prepared.content_digest:
        return Pushed(Outcome.UNCHANGED, standing.digest)
    if standing and not force:
        raise _conflict(repository, prepared, standing, compare=compare)
    notes = {artifact.MESSAGE: message} if message else {}
    if allow_missing:
        notes[artifact.ALLOW_MISSING] = "true"
    archive = digest_of(prepared.archive)
    push_blob(repository, archive, prepared.archive, watch)
    push_blob(repository, artifact.EMPTY_CONFIG_DIGEST, artifact.EMPTY_CONFIG, unwatched)
    manifest = artifact.build_manifest(
        prepared.pack, archive, len(prepared.archive), prepared.content_digest, notes
    )
    try:
        digest = repository.put_manifest(tag, manifest, artifact.MANIFEST_TYPE, only_new=not force)
    except PreconditionFailed:
        return _overtaken(repository, prepared, digest_of(manifest))
    return Pushed(Outcome.REPLACED if standing else Outcome.PUSHED, digest)


def _overtaken(repository: Repository, prepared: Prepared, ours: Digest) -> Pushed:
    """Somebody else's push of this tag came first, or our own whose answer was lost."""
    standing = repository.manifest(prepared.pack.label)
    if standing.digest == ours:
        return Pushed(Outcome.PUSHED, ours)
    if _content_digest(repository, standing) != prepared.content_digest:
        raise _conflict(repository, prepared, standing, compare=True)
    return Pushed(Outcome.UNCHANGED, standing.digest)


def _conflict(
    repository: Repository, prepared: Prepared, standing: Received, *, compare: bool
) -> Conflict:
    pack = prepared.pack
    there = _content_digest(repository, standing) if compare else None
    said = f"content {there}" if there else f"manifest {standing.digest}"
    return Conflict(
        f"{pack.name}:{pack.label} is at {repository.client.host} already with "
        f"{'other' if compare else 'some'} content: there {said}, here content "
        f"{prepared.content_digest}. Give the pack a new version, or replace what is there with "
        "--force and a --message.",
        standing=there or standing.digest,
        pushed=prepared.content_digest,
    )


def pull(
    repository: Repository,
    reference: Tag | Digest,
    *,
    watch: Watch,
    limits: Limits | None = None,
) -> PulledPack:
    """The pack under `reference`, verified from the manifest's digest down to its files.

    Raise `ContentRefused` with the findings where what is there cannot be read as a pack.
    """
    received = repository.manifest(reference)
    layer = _layer(repository, received)
    files = _files(repository, layer, watch, limits or Limits())
    pack, findings = lint.check(files, allow_missing=True)
    if pack is None:
        raise ContentRefused(f"{repository} holds no readable pack under {reference}.", findings)
    digest = content_digest(files)
    stated = _stated(received)
    if stated not in (None, digest):
        raise RemoteFailed(
            f"{repository}:{reference} says that its content is {stated}, but it is {digest}."
        )
    message = _annotation(received, artifact.MESSAGE)
    return PulledPack(pack, files, received.digest, digest, layer, message, tuple(findings))


def newest(tags: Iterable[Tag]) -> Tag | None:
    """The tag of the highest version among them, parent tags and other labels left out."""
    return max(filter(_is_version, tags), key=_order, default=None)


def add_tag(repository: Repository, tag: Tag, label: Tag) -> Digest:
    """Let `label` lead to where `tag` leads; raise `NotFound` where there is no `tag`."""
    received = repository.manifest(tag)
    repository.put_manifest(label, received.content, received.media_type)
    return received.digest


def _standing(repository: Repository, tag: Tag) -> Received | None:
    try:
        return repository.manifest(tag)
    except NotFound:
        return None


def _content_digest(repository: Repository, received: Received) -> Digest | None:
    """What the manifest states, else what its files give; None where it holds no readable pack."""
    stated = _stated(received)
    if stated:
        return stated
    try:
        layer = _layer(repository, received)
        return content_digest(_files(repository, layer, unwatched, Limits()))
    except (ContentRefused, ManifestInvalid, TooLarge):
        return None


def _stated(received: Received) -> Digest | None:
    return _digest(_annotation(received, artifact.CONTENT_DIGEST))


def _annotation(received: Received, name: str) -> str:
    annotations = received.document().get("annotations")
    value = annotations.get(name) if isinstance(annotations, dict) else None
    return value if isinstance(value, str) else ""


def _digest(value: object) -> Digest | None:
    try:
        return parse_digest(value) if isinstance(value, str) else None
    except DigestInvalid:
        return None


def _files(repository: Repository, layer: Descriptor, watch: Watch, limits: Limits) -> Files:
    if layer.size > limits.max_bytes:
        raise TooLarge(
            f"The archive at {repository} has {layer.size} bytes, over the limit of "
            f"{limits.max_bytes}."
        )
    with tempfile.TemporaryFile() as archive:
        pull_blob(repository, layer, archive, watch)
        archive.seek(0)
        return read_archive(archive, limits)


def _layer(repository: Repository, received: Received) -> Descriptor:
    layers = received.document().get("layers")
    layer = layers[0] if isinstance(layers, list) and len(layers) == 1 else None
    found = described(layer)
    if found and found.media_type in artifact.LAYER_TYPES:
        return found
    raise ManifestInvalid(
        f"{repository}@{received.digest} is no pack: a pack is an image manifest with one layer, "
        "a tar archive."
    )


def _is_version(tag: Tag) -> bool:
    return not is_parent_form(tag) and Version.parse(version_in(tag)) is not None


def _order(tag: Tag) -> tuple[str, bool, Tag]:
    """Of equal versions the one without a group comes last, as the one that most people mean."""
    group, _ = split_tag(tag)
    return sort_key(version_in(tag)), not group, tag
