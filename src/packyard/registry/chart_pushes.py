"""Charts that come as archives: made into the artifacts of `helm push`, and committed.

They stand in repositories below `Registry.charts`. Which repository a push or a delete is for shows
only here, so every function asks `permit` of it, which raises where the caller may not do that.
Everything here blocks.
"""

from __future__ import annotations

from collections.abc import Callable

from packyard.catalog import charts as rows
from packyard.digests import Digest, digest_of
from packyard.errors import Conflict, ContentRefused, PreconditionFailed
from packyard.packs import chart_artifact
from packyard.packs.artifact import MANIFEST_TYPE
from packyard.packs.charts import Chart
from packyard.packs.provenance import read_provenance, read_signed_chart
from packyard.references import RepoName, Tag
from packyard.registry.charts import place, timestamp
from packyard.registry.registry import Committed, Push, Registry
from packyard.storage.content import now

Permit = Callable[[RepoName], object]


def anybody(_: RepoName) -> None:
    """Where nobody has to be asked."""


def push_chart(
    registry: Registry,
    archive: bytes,
    provenance: bytes | None = None,
    *,
    actor: str,
    file: str = "",
    permit: Permit = anybody,
    force: bool = False,
) -> Committed:
    """Commit an archive, with its provenance file where there is one; `file` is its file's name.

    Where the very same is there already, `force` leaves it as it is. Raises `ContentRefused` with
    everything that is wrong, `Conflict` where the version is there and `force` is not given.
    """
    chart, findings = read_signed_chart(archive, provenance, file)
    if chart is None or findings:
        raise ContentRefused("The chart is refused.", findings)
    repo, tag = place(chart, registry.charts)
    permit(repo)
    with registry.store.read() as connection:
        standing = next(iter(rows.at(connection, registry.source, repo, tag)), None)
    if standing and not force:
        raise _there_already(chart, repo, tag, standing.digest, digest_of(archive))
    if standing and _is_same(standing, archive, provenance):
        return Committed(standing.manifest, None, (tag,))
    written = chart_artifact.write(chart, archive, provenance, timestamp(now()))
    try:
        return _push(registry, repo, tag, written, actor=actor, if_none_match=not force)
    except PreconditionFailed:
        raise _there_already(chart, repo, tag, None, digest_of(archive)) from None


def push_provenance(
    registry: Registry,
    provenance: bytes,
    *,
    actor: str,
    permit: Permit = anybody,
    force: bool = False,
) -> Committed:
    """Add a provenance file to the chart that it was made for, of those that the index lists.

    Raises `ChartUnknown` where there is no such chart, `ContentRefused` where it was made for other
    bytes, `Conflict` where the chart has another one and `force` is not given, or where only a
    pack carries the chart.
    """
    signed, findings = read_provenance(provenance)
    if signed is None:
        raise ContentRefused("The provenance file is refused.", findings)
    with registry.store.read() as connection:
        entry = rows.version(connection, registry.source, signed.name, signed.version)
    permit(entry.repository)
    if entry.path:
        raise _carried(entry, "push the chart together with its provenance file")
    findings = signed.faults(Chart(entry.name, entry.version), entry.digest)
    if findings:
        raise ContentRefused("The provenance file is refused.", findings)
    if entry.provenance and not force:
        raise Conflict(
            f"{entry.name} {entry.version} has a provenance file already: replace it by force."
        )
    manifest = registry.store.manifest(entry.repository, entry.manifest)
    written = chart_artifact.with_provenance(manifest.content, provenance)
    return _push(
        registry, entry.repository, entry.tag, written, actor=actor, if_match=entry.manifest
    )


def delete_chart(registry: Registry, name: str, version: str, permit: Permit = anybody) -> None:
    """Take away the chart that the index lists under a version, and its manifest with it unless
    another tag leads there. Raises `ChartUnknown`, and `Conflict` for one that a pack carries."""
    with registry.store.read() as connection:
        entry = rows.version(connection, registry.source, name, version)
    permit(entry.repository)
    if entry.path:
        raise _carried(entry, "delete that pack, or keep both")
    registry.untag(entry.repository, entry.tag, prune=True)


def _is_same(standing: rows.ChartEntry, archive: bytes, provenance: bytes | None) -> bool:
    signed_alike = provenance is None or standing.provenance == digest_of(provenance)
    return standing.digest == digest_of(archive) and signed_alike


def _push(
    registry: Registry,
    repo: RepoName,
    tag: Tag,
    written: chart_artifact.Written,
    *,
    actor: str,
    if_match: Digest | None = None,
    if_none_match: bool = False,
) -> Committed:
    for digest, data in written.blobs.items():
        registry.store.put_blob(repo, digest, data)
    return registry.commit(
        Push(
            repo=repo,
            body=written.manifest,
            digest=digest_of(written.manifest),
            media_type=MANIFEST_TYPE,
            tags=(tag,),
            actor=actor,
            if_match=if_match,
            if_none_match=if_none_match,
        )
    )


def _there_already(
    chart: Chart, repo: RepoName, tag: Tag, there: Digest | None, pushed: Digest
) -> Conflict:
    """`there` is None where it is not known what the tag leads to."""
    content = "the same content" if there == pushed else f"other content, {there}, not {pushed}"
    return Conflict(
        f"{chart.name} {chart.version} is there already, as {repo}:{tag}, with "
        f"{content if there else 'other content'}. Choose another version, or replace it by force."
    )


def _carried(entry: rows.ChartEntry, mend: str) -> Conflict:
    return Conflict(
        f"{entry.name} {entry.version} is carried by the pack {entry.pack} only: {mend}."
    )
