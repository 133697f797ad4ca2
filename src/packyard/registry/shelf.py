"""Repositories of packs: what may be pushed to them, and what is kept in step with their tags.

`spectro-packs/archive/<name>` holds the versions of one pack. Invariants, after every transaction:
a version's tag and its row in the catalog lead to the same digest, and each parent tag leads to
the highest version below it (packs.md, "Tags").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packyard.catalog import entries
from packyard.digests import Digest
from packyard.errors import Conflict, ContentRefused, ManifestInvalid
from packyard.findings import Finding, Severity, refusals
from packyard.packs import lint
from packyard.packs.archive import content_digest, read_archive
from packyard.packs.artifact import ALLOW_MISSING, pack_of_repository
from packyard.packs.files import Files, Limits
from packyard.packs.model import Pack
from packyard.packs.tags import is_parent_form, newest_under, parent_tags
from packyard.references import RepoName, Tag
from packyard.registry import charts
from packyard.registry.artifacts import Artifact, Descriptor
from packyard.registry.charts import ReadChart
from packyard.storage.store import Store
from packyard.storage.transaction import Transaction

# Tags by which signatures and the like hang on a digest, where a client cannot use referrers.
_ATTACHED = re.compile(r"sha(256|512)-[0-9a-f]{32,128}(\.[\w-]+)?")


@dataclass(frozen=True, slots=True)
class ReadPack:
    """A pack that passed the check of a push, with its archive's descriptor and its charts."""

    pack: Pack
    files: Files
    archive: Descriptor
    content_digest: Digest
    charts: tuple[ReadChart, ...]
    findings: tuple[Finding, ...]


def read_pack(
    store: Store, repo: RepoName, artifact: Artifact, tags: Iterable[Tag], limits: Limits
) -> ReadPack | None:
    """The pack that a manifest for a repository of packs carries; None for an attachment.

    Raises `ContentRefused` with all that is wrong with it.
    """
    layer = artifact.pack_layer()
    if layer is None:
        _require_attachment(repo, artifact, tags)
        return None
    with store.open_blob(layer.digest) as stream:
        files = read_archive(stream, limits)
    allow_missing = artifact.annotations.get(ALLOW_MISSING) == "true"
    pack, findings = lint.check(files, allow_missing=allow_missing)
    name = pack_of_repository(repo)
    if pack is not None and pack.name != name:
        findings.append(
            Finding(
                rule="push.repository-name",
                severity=Severity.REFUSE,
                message=f"The pack is named {pack.name!r}, but the repository is for {name!r}.",
                mend="Push it to the repository of its own name.",
                file="pack.json",
                path="name",
            )
        )
    if pack is None or refusals(findings):
        raise ContentRefused(f"The pack pushed to {repo} is refused.", findings)
    carried = charts.carried(files, pack)
    return ReadPack(pack, files, layer, content_digest(files), carried, tuple(findings))


def _require_attachment(repo: RepoName, artifact: Artifact, tags: Iterable[Tag]) -> None:
    plain = [tag for tag in tags if not _ATTACHED.fullmatch(tag)]
    if plain and artifact.subject is None:
        raise ManifestInvalid(
            f"{repo} holds packs, and what was pushed as {', '.join(plain)} has not the form of "
            "one: an OCI image manifest with an empty config and one layer, a tar archive."
        )


def check_tags(
    tx: Transaction, source: str, repo: RepoName, digest: Digest, tags: Iterable[Tag], pack: Pack
) -> None:
    """Raise `Conflict` or `ContentRefused` where one of `tags` may not lead to this pack."""
    name = pack_of_repository(repo)
    labels = {entry.label for entry in entries.versions(tx.connection, source, name)}
    label = pack.label
    held = label in tags or tx.holds_manifest(repo, digest)
    faults: list[Finding] = []
    for tag in tags:
        if tag == label or tx.tag_digest(repo, tag) == digest:
            continue
        if is_parent_form(tag):
            raise Conflict(
                f"{tag} is a parent tag of {name}: the registry moves it by itself to the highest "
                f"version below it. Push {label}, or choose another tag."
            )
        if tag in labels:
            raise Conflict(f"{tag} is another version of {name}: a tag cannot hide it.")
        if not held:
            faults.append(
                Finding(
                    rule="push.first-tag",
                    severity=Severity.REFUSE,
                    message=f"The pack's first tag must be {label}, its version, not {tag}.",
                    mend=f"Push it as {label} first; then add {tag}.",
                    file="pack.json",
                    path="version",
                )
            )
    if faults:
        raise ContentRefused(f"The pack pushed to {repo} is refused.", faults)


def refuse_parent(tx: Transaction, source: str, repo: RepoName, tag: Tag) -> None:
    """Raise `Conflict` where `tag` is one that the registry moves by itself."""
    name = pack_of_repository(repo)
    _, parent = entries.tags(tx.connection, source, name).get(tag, ("", False))
    if parent:
        raise Conflict(
            f"{tag} is a parent tag of {name}: the registry moves it by itself, and it goes with "
            "the last version below it. It cannot be deleted by hand."
        )


def settle(tx: Transaction, source: str, folder: str, repo: RepoName) -> None:
    """Bring rows and parent tags in step with the versions' tags, after any change to them.

    `folder` is that of uploaded charts.
    """
    name = pack_of_repository(repo)
    tags = tx.tags(repo)
    versions = {}
    for entry in entries.versions(tx.connection, source, name):
        if tags.get(entry.label) == entry.digest:
            versions[entry.label] = entry
        else:
            entries.remove(tx.connection, entry.uid)
            charts.leave(tx, source, folder, repo, entry.label)
    digests = {label: entry.digest for label, entry in versions.items()}
    parents = _parents(digests)
    _move(tx, repo, tags, parents)
    uids = {entry.digest: entry.uid for entry in versions.values()}
    leads: dict[Tag, tuple[str, bool]] = {}
    for tag, digest in {**tags, **parents}.items():
        if tag in versions:
            leads[tag] = (versions[tag].uid, False)
        elif digest in uids and (tag in parents or not _is_stale_parent(tag, parents)):
            leads[tag] = (uids[digest], tag in parents)
    entries.replace_tags(tx.connection, source, name, leads)


def _parents(digests: Mapping[Tag, Digest]) -> dict[Tag, Digest]:
    wanted = {parent for label in digests for parent in parent_tags(label)} - set(digests)
    newest = {parent: newest_under(parent, digests) for parent in wanted}
    return {parent: digests[label] for parent, label in newest.items() if label is not None}


def _is_stale_parent(tag: Tag, parents: Mapping[Tag, Digest]) -> bool:
    return is_parent_form(tag) and tag not in parents


def _move(
    tx: Transaction,
    repo: RepoName,
    tags: Mapping[Tag, Digest],
    parents: Mapping[Tag, Digest],
) -> None:
    for tag in tags:
        if _is_stale_parent(tag, parents):
            tx.delete_tag(repo, tag)
    for tag, digest in parents.items():
        if tags.get(tag) != digest:
            tx.set_tag(repo, tag, digest)
