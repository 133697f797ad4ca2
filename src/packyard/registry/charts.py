"""Helm charts in the registry: which artifacts are charts, what packs carry, and their rows.

A manifest whose config is of Helm's type says of itself that it is a chart, in whichever
repository; it has to be one that Helm could load. The index lists it under the tag that is its
version in a repository whose last part is its name, as `helm push` has it; elsewhere it is only
stored. What a pack carries are the charts that its pack.json names; those that Helm could not load
are left out, which lint says of them (`charts.unreadable`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from packyard.catalog import charts as rows
from packyard.digests import Digest, digest_of
from packyard.errors import (
    BlobUnknown,
    ContentRefused,
    ManifestBlobUnknown,
    ManifestInvalid,
    NameInvalid,
    RepositoryUnknown,
    TagInvalid,
)
from packyard.findings import Finding, Severity
from packyard.packs.artifact import pack_of_repository
from packyard.packs.chart_artifact import (
    ARCHIVE_TYPE,
    PACK,
    is_place_of,
    joined,
    repository,
    tag_of,
)
from packyard.packs.chart_metadata import CHART_YAML, as_json
from packyard.packs.charts import LIMITS, Chart, read_chart
from packyard.packs.files import Files
from packyard.packs.folder import package_missing_charts
from packyard.packs.model import Pack
from packyard.packs.provenance import SIZE_LIMIT, read_signed_chart
from packyard.packs.rules import found
from packyard.references import RepoName, Tag
from packyard.registry.artifacts import Artifact, Descriptor
from packyard.storage.content import moment, now
from packyard.storage.store import Store
from packyard.storage.transaction import Transaction

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReadChart:
    """A chart that Helm could load: an artifact's, or the one at `path` of a pack.

    `digest` names the archive's blob, `provenance` that of its provenance file, "" for none.
    """

    chart: Chart
    digest: Digest
    archive: bytes = field(repr=False)
    provenance: str = ""
    path: str = ""


def read_artifact(store: Store, repo: RepoName, artifact: Artifact) -> ReadChart:
    """The chart of an artifact that says it is one.

    Raises `ManifestInvalid` where it has not the form of one, `ManifestBlobUnknown` where the
    archive is not there, `ContentRefused` with everything that keeps Helm from loading it.
    """
    archives, provenances = artifact.chart_layers()
    if len(archives) != 1 or len(provenances) > 1:
        raise ManifestInvalid(
            f"What was pushed to {repo} says that it is a Helm chart, but it has {len(archives)} "
            f"layers of the type {ARCHIVE_TYPE} and {len(provenances)} provenance files: it needs "
            "one archive, and may have one provenance file."
        )
    archive = _content(store, repo, archives[0], LIMITS.max_bytes)
    provenance = _content(store, repo, provenances[0], SIZE_LIMIT) if provenances else None
    chart, findings = read_signed_chart(archive, provenance)
    if chart is None or findings:
        raise ContentRefused(f"The chart pushed to {repo} is refused.", findings)
    signed = provenances[0].digest if provenances else ""
    return ReadChart(chart, archives[0].digest, archive, signed)


def carried(files: Files, pack: Pack) -> tuple[ReadChart, ...]:
    """The charts that a pack carries, as Helm could load them, in the order of pack.json."""
    read = []
    whole = package_missing_charts(files, pack) if pack.charts else files
    for path in dict.fromkeys(pack.charts):
        data = whole[path].data if path in whole else b""
        chart, _ = read_chart(data) if data else (None, [])
        if chart:
            read.append(ReadChart(chart, digest_of(data), data, path=path))
    return tuple(read)


def enter(
    tx: Transaction,
    source: str,
    folder: str,
    repo: RepoName,
    tag: Tag,
    manifest: Digest,
    charts: Iterable[ReadChart],
    time: int,
) -> None:
    """Let the rows of a tag be those of these charts; clashes that come of it are logged.

    A chart of its own counts where repository and tag say its name and version. `folder` is that of
    uploaded charts.
    """
    entries = [
        rows.ChartEntry(
            source=source,
            repository=repo,
            tag=tag,
            path=read.path,
            name=read.chart.name,
            version=read.chart.version,
            digest=read.digest,
            size=len(read.archive),
            provenance=read.provenance,
            manifest=manifest,
            created_at=time,
            entry=_entry(read, repo, tag, time),
        )
        for read in charts
        if read.path or is_place_of(read.chart, repo, tag)
    ]
    for clash in rows.put(tx.connection, source, repo, tag, entries, time, folder=folder):
        _log.warning("%s", describe(clash))


def leave(tx: Transaction, source: str, folder: str, repo: RepoName, tag: Tag) -> None:
    """Let there be no rows of a tag any more."""
    rows.put(tx.connection, source, repo, tag, [], now(), folder=folder)


def describe(clash: rows.Clash) -> str:
    """A clash as a sentence."""
    others = ", ".join(f"{row} ({row.digest})" for row in clash.hidden)
    return (
        f"The chart {clash.listed.name} {clash.listed.version} stands in several places with other "
        f"content: the index lists {clash.listed} ({clash.listed.digest}), and not {others}."
    )


def unlisted(
    tx: Transaction, source: str, folder: str, read: ReadChart, repo: RepoName, tags: Iterable[Tag]
) -> tuple[Finding, ...]:
    """Told where a chart was pushed to a place from which the index does not list it."""
    chart = read.chart
    entered = [
        entry
        for tag in tags
        if is_place_of(chart, repo, tag)
        for entry in rows.at(tx.connection, source, repo, tag)
    ]
    if any(entry.listed for entry in entered):
        return ()
    mend = f"Push it as {chart.name}:{chart.version.replace('+', '_')}, as `helm push` does."
    if entered:
        home = joined(folder, chart.name)
        mend = f"It lists that name from {home} alone: push it there, or under another name."
    finding = Finding(
        rule="push.chart-unlisted",
        severity=Severity.HINT,
        message=f"The index of charts does not list {chart.name} {chart.version} from here.",
        mend=mend,
    )
    return (finding,)


def timestamp(time: int) -> str:
    """A time in µs as RFC 3339 has it."""
    return moment(time).isoformat().replace("+00:00", "Z")


def place(chart: Chart, base: str) -> tuple[RepoName, Tag]:
    """Where `helm push` puts a chart below `base`.

    Raises `ContentRefused`: names of repositories and tags are narrower than those of charts.
    """
    faults = []
    repo, tag = None, None
    try:
        repo = repository(chart.name, base)
    except NameInvalid as error:
        faults.append(_narrower("push.chart-name", error))
    try:
        tag = tag_of(chart.version)
    except TagInvalid as error:
        faults.append(_narrower("push.chart-version", error))
    if repo is None or tag is None:
        raise ContentRefused(f"The chart {chart.file} cannot be stored.", faults)
    return repo, tag


def _narrower(rule: str, error: NameInvalid | TagInvalid) -> Finding:
    mend = "Change it in Chart.yaml."
    return Finding(
        rule=rule, severity=Severity.REFUSE, message=error.message, mend=mend, file=CHART_YAML
    )


def _content(store: Store, repo: RepoName, layer: Descriptor, limit: int) -> bytes:
    try:
        blob = store.blob(repo, layer.digest)
    except (BlobUnknown, RepositoryUnknown):
        raise ManifestBlobUnknown(
            f"{repo} does not hold {layer.digest}, which is the chart's. Push or mount it first.",
            digests=[layer.digest],
        ) from None
    if blob.size > limit:
        message = f"A layer of the chart has {blob.size:,} bytes, over the limit of {limit:,}."
        raise ContentRefused(
            f"The chart pushed to {repo} is refused.", [found("archive.too-large", message)]
        )
    with store.open_blob(layer.digest) as stream:
        return stream.read()


def _entry(read: ReadChart, repo: RepoName, tag: Tag, time: int) -> str:
    """What the index says of a version, with the fields in Helm's order."""
    metadata: dict[str, object] = dict(read.chart.metadata)
    if read.path:
        own = metadata.get("annotations")
        pack = {PACK: f"{pack_of_repository(repo)}:{tag}"}
        metadata["annotations"] = {**(own if isinstance(own, Mapping) else {}), **pack}
    file = quote(f"{read.chart.file}.tgz", safe="+~!$&'(),;=:@")
    digest = digest_of(read.archive).partition(":")[2]  # to Helm it is always a sha256
    told = {"urls": [f"charts/{file}"], "created": timestamp(time), "digest": digest}
    return as_json(metadata | told).decode()
