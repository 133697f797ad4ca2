"""A Helm chart in its OCI form at any registry, as `helm push` makes it and `helm pull` reads it.

Its tag is the version, with `_` for `+`; its layer of type `CHART_TYPE` is the archive.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import cast

from packyard.digests import Digest, parse_digest
from packyard.errors import (
    ChartUnknown,
    DigestInvalid,
    ManifestInvalid,
    NotFound,
    TooLarge,
)
from packyard.packs.version import Version
from packyard.packs.yaml.scalars import Value
from packyard.references import Tag, parse_repo, parse_tag
from packyard.remotes.address import parse_address
from packyard.remotes.chart_fields import chart_metadata
from packyard.remotes.client import Client
from packyard.remotes.oci import Descriptor, Received, Repository
from packyard.remotes.transfer import Watch, pull_blob

CHART_TYPE = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
CONFIG_TYPE = "application/vnd.cncf.helm.config.v1+json"
CONFIG_LIMIT = 1024 * 1024
CHART_LIMIT = 64 * 1024 * 1024
"""Bytes of a chart's archive."""


@dataclass(frozen=True, slots=True)
class PulledChart:
    """`digest` is the archive's own."""

    archive: bytes = field(repr=False)
    digest: Digest


def tag_of(version: str) -> Tag:
    return parse_tag(version.replace("+", "_"))


def newest(repository: Repository) -> Tag:
    """The tag of the highest version that is no pre-release, if there is one."""
    versions = [
        (not version.prerelease, version, tag)
        for tag in repository.tags()
        if (version := Version.parse(tag.replace("_", "+")))
    ]
    if not versions:
        raise ChartUnknown(f"{repository} holds no version of a chart.")
    return max(versions)[2]


def pull(repository: Repository, reference: Tag | Digest, watch: Watch) -> bytes:
    """The archive, verified by its digest; raise `ManifestInvalid` where there is no chart."""
    layer = _layer(repository, repository.manifest(reference))
    if layer.size > CHART_LIMIT:
        raise TooLarge(
            f"The chart at {repository} has {layer.size} bytes, over the limit of {CHART_LIMIT}."
        )
    out = io.BytesIO()
    pull_blob(repository, layer, out, watch)
    return out.getvalue()


def is_chart(received: Received) -> bool:
    """Whether a manifest is one of a chart."""
    config = received.document().get("config")
    return isinstance(config, dict) and config.get("mediaType") == CONFIG_TYPE


def metadata(repository: Repository, received: Received) -> dict[str, Value]:
    """What the chart's config says, which repeats its Chart.yaml; {} where it cannot be read."""
    config = received.document().get("config")
    row = config if isinstance(config, dict) else {}
    try:
        descriptor = Descriptor(CONFIG_TYPE, parse_digest(row["digest"]), int(row["size"]))
        if descriptor.size > CONFIG_LIMIT:
            return {}
        out = io.BytesIO()
        pull_blob(repository, descriptor, out, _unwatched)
        data = json.loads(out.getvalue())
    except (ValueError, LookupError, TypeError, RecursionError, DigestInvalid, NotFound):
        return {}
    return chart_metadata(data) if isinstance(data, dict) else {}


def pull_from(client: Client, url: str, version: str) -> bytes:
    """The archive at `oci://host/path/name[:tag]`, by the manners of `client` without its login."""
    bare, _, digest = url.removeprefix("oci://").partition("@")
    above, _, last = bare.rpartition("/")
    name, _, tag = last.partition(":")
    address = parse_address(f"oci://{above}/{name}")
    with client.stranger(address) as other:
        repository = Repository(other, parse_repo(address.base))
        reference = parse_digest(digest) if digest else parse_tag(tag) if tag else tag_of(version)
        return pull(repository, reference, _unwatched)


def _unwatched(_: int) -> None:
    """For transfers that nobody watches."""


def _layer(repository: Repository, received: Received) -> Descriptor:
    try:
        layers = cast("list[dict[str, str]]", received.document()["layers"])
        rows = [row for row in layers if row["mediaType"] == CHART_TYPE]
        return Descriptor(CHART_TYPE, parse_digest(rows[0]["digest"]), int(rows[0]["size"]))
    except (ValueError, LookupError, TypeError, RecursionError, DigestInvalid):
        raise ManifestInvalid(
            f"{repository}@{received.digest} is no Helm chart: none of its layers is of the type "
            f"{CHART_TYPE}."
        ) from None
