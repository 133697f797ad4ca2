"""A Helm chart in its OCI form at any registry: its manifests read, its layers pulled."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from packyard.digests import Digest, parse_digest
from packyard.errors import (
    ChartUnknown,
    ManifestInvalid,
    NotFound,
    TooLarge,
)
from packyard.packs import jsontext
from packyard.packs.chart_artifact import (
    ARCHIVE_TYPE,
    ARCHIVE_TYPES,
    CONFIG_TYPE,
    PROVENANCE_TYPE,
    tag_of,
    version_of,
)
from packyard.packs.charts import Chart
from packyard.packs.provenance import SIZE_LIMIT
from packyard.packs.version import Version
from packyard.packs.yaml.scalars import Value
from packyard.references import Tag, parse_repo, parse_tag
from packyard.remotes.address import parse_address
from packyard.remotes.chart_fields import chart_metadata, cleaned
from packyard.remotes.client import Client
from packyard.remotes.oci import Descriptor, Received, Repository, described
from packyard.remotes.transfer import Watch, pull_blob, unwatched

CONFIG_LIMIT = 1024 * 1024
CHART_LIMIT = 64 * 1024 * 1024
"""Bytes of a chart's archive."""


@dataclass(frozen=True, slots=True)
class PulledChart:
    """`digest` is the archive's own."""

    archive: bytes = field(repr=False)
    digest: Digest


Row = Mapping[str, object]
"""JSON values about a version of a chart, as an index of Helm has them."""


@dataclass(frozen=True, slots=True)
class Packaged:
    """A chart that Helm could load, with what is pushed of it; `created` is as RFC 3339 has it."""

    chart: Chart
    archive: bytes = field(repr=False)
    provenance: bytes | None = field(repr=False)
    created: str


@dataclass(frozen=True, slots=True)
class Fetched:
    name: str
    version: str
    archive: bytes = field(repr=False)
    provenance: bytes | None = field(repr=False)


def can_be_version(tag: str) -> bool:
    return Version.parse(version_of(tag)) is not None


def newest(repository: Repository) -> Tag:
    """The tag of the highest version that is no pre-release, if there is one."""
    versions = [
        (not version.prerelease, version, tag)
        for tag in repository.tags()
        if (version := Version.parse(version_of(tag)))
    ]
    if not versions:
        raise ChartUnknown(f"{repository} holds no version of a chart.")
    return max(versions)[2]


def pull(repository: Repository, reference: Tag | Digest, watch: Watch) -> bytes:
    """The archive, verified by its digest; raise `ManifestInvalid` where there is no chart."""
    received = repository.manifest(reference)
    layer = next(_layers(received, ARCHIVE_TYPES), None)
    if layer is None:
        raise ManifestInvalid(
            f"{repository}@{received.digest} is no Helm chart: none of its layers is of the type "
            f"{ARCHIVE_TYPE}."
        )
    if layer.size > CHART_LIMIT:
        raise TooLarge(
            f"The chart at {repository} has {layer.size} bytes, over the limit of {CHART_LIMIT}."
        )
    out = io.BytesIO()
    pull_blob(repository, layer, out, watch)
    return out.getvalue()


def pull_provenance(repository: Repository, received: Received) -> bytes | None:
    """The provenance file of a chart, if it has one."""
    layer = next(_layers(received, [PROVENANCE_TYPE]), None)
    if layer is None or layer.size > SIZE_LIMIT:
        return None
    out = io.BytesIO()
    pull_blob(repository, layer, out, unwatched)
    return out.getvalue()


def blobs(received: Received) -> list[Digest]:
    """The archive of a chart, and its provenance file, if it has one."""
    types = (*ARCHIVE_TYPES, PROVENANCE_TYPE)
    return [layer.digest for layer in _layers(received, types)]


def is_chart(received: Received) -> bool:
    """Whether a manifest is one of a chart."""
    config = received.document().get("config")
    return isinstance(config, dict) and config.get("mediaType") == CONFIG_TYPE


def metadata(repository: Repository, received: Received) -> dict[str, Value]:
    """What the chart's config says, which repeats its Chart.yaml, and its archive's `digest` and
    `size`; {} of what cannot be read. Raises `ManifestInvalid` for what is no chart."""
    if not is_chart(received):
        raise ManifestInvalid(f"It is no Helm chart: its config is not of the type {CONFIG_TYPE}.")
    layer = next(_layers(received, ARCHIVE_TYPES), None)
    said = _config(repository, received)
    return said | ({"digest": layer.digest, "size": layer.size} if layer else {})


def _config(repository: Repository, received: Received) -> dict[str, Value]:
    config = described(received.document().get("config"))
    if config is None or config.size > CONFIG_LIMIT:
        return {}
    try:
        out = io.BytesIO()
        pull_blob(repository, config, out, unwatched)
        data = jsontext.loads(out.getvalue())
    except (ValueError, NotFound):
        return {}
    if not isinstance(data, dict):
        return {}
    own = {key: data.get(key) for key in ("name", "version")}
    return chart_metadata(data) | {
        key: cleaned(text) for key, text in own.items() if isinstance(text, str)
    }


def pull_from(client: Client, url: str, version: str) -> bytes:
    """The archive at `oci://host/path/name[:tag]`, by the manners of `client` without its login."""
    bare, _, digest = url.removeprefix("oci://").partition("@")
    above, _, last = bare.rpartition("/")
    name, _, tag = last.partition(":")
    address = parse_address(f"oci://{above}/{name}")
    with client.stranger(address) as other:
        repository = Repository(other, parse_repo(address.base))
        reference = parse_digest(digest) if digest else parse_tag(tag) if tag else tag_of(version)
        return pull(repository, reference, unwatched)


def _layers(received: Received, types: Collection[str]) -> Iterator[Descriptor]:
    """Those of these types that are described as they must be."""
    layers = received.document().get("layers")
    for row in layers if isinstance(layers, list) else ():
        layer = described(row)
        if layer and layer.media_type in types:
            yield layer
