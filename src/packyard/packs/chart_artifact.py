"""The OCI form of a chart: what `helm push` makes of an archive, byte for byte.

An image manifest whose config is the chart's metadata as JSON; one layer is the archive, another,
where there is one, its provenance file. Repository and tag say name and version. Shared by all who
write or read that form: the registry and its clients. (Helm: "Use OCI-based registries".)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from packyard.digests import Digest, digest_of
from packyard.packs.artifact import MANIFEST_TYPE
from packyard.packs.charts import Chart
from packyard.packs.yaml.scalars import Value
from packyard.references import RepoName, Tag, parse_repo, parse_tag

CONFIG_TYPE = "application/vnd.cncf.helm.config.v1+json"
ARCHIVE_TYPE = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
PROVENANCE_TYPE = "application/vnd.cncf.helm.chart.provenance.v1.prov"
ARCHIVE_TYPES = frozenset({ARCHIVE_TYPE, "application/tar+gzip"})  # the second of Helm 3.0 to 3.6

PACK = "dev.packyard.pack"
"""The annotation of an entry of our index that names the pack which carries the chart, NAME:TAG."""

_IMAGE = "org.opencontainers.image."
_FIXED = (f"{_IMAGE}title", f"{_IMAGE}version")  # no annotation of the chart takes their place
_GO_ESCAPES = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&\u2028\u2029"}


@dataclass(frozen=True, slots=True)
class Written:
    """A manifest, with the blobs that it refers to."""

    manifest: bytes
    blobs: Mapping[Digest, bytes] = field(repr=False)

    media_type = MANIFEST_TYPE


def repository(name: str, base: str) -> RepoName:
    """The repository of a chart below `base`; raises `NameInvalid` for a name that is none."""
    return parse_repo(joined(base, name))


def joined(base: str, name: str) -> str:
    """As `repository`, for a name that may be none."""
    return "/".join(part for part in (base.strip("/"), name) if part)


def tag_of(version: str) -> Tag:
    """Tags have no `+`; raises `TagInvalid` for a version that is too long."""
    return parse_tag(version.replace("+", "_"))


def version_of(tag: str) -> str:
    """Versions have no `_`, so this leads back."""
    return tag.replace("_", "+")


def is_place_of(chart: Chart, repo: RepoName, tag: Tag) -> bool:
    """Whether that repository and tag say the chart's name and version, as `helm push` has it."""
    return repo.rpartition("/")[2] == chart.name and version_of(tag) == chart.version


def write(chart: Chart, archive: bytes, provenance: bytes | None, created: str) -> Written:
    """The artifact of an archive; `created` is a time as RFC 3339 has it."""
    config = _as_go_writes(chart.metadata)
    parts = [(ARCHIVE_TYPE, archive)]
    if provenance is not None:
        parts.append((PROVENANCE_TYPE, provenance))
    layers = [_descriptor(media_type, data) for media_type, data in parts]
    manifest = {
        "schemaVersion": 2,
        "config": _descriptor(CONFIG_TYPE, config),
        "layers": sorted(layers, key=lambda layer: str(layer["digest"])),
        "annotations": dict(sorted(_annotations(chart, created).items())),
    }
    blobs = {digest_of(data): data for data in (config, *(data for _, data in parts))}
    return Written(_as_go_writes(manifest), blobs)


def with_provenance(manifest: bytes, provenance: bytes) -> Written:
    """The artifact of the same chart, of which this is the manifest, with this provenance file."""
    document = json.loads(manifest)
    others = [layer for layer in document["layers"] if layer["mediaType"] != PROVENANCE_TYPE]
    layers = [*others, _descriptor(PROVENANCE_TYPE, provenance)]
    document["layers"] = sorted(layers, key=lambda layer: str(layer["digest"]))
    return Written(_as_go_writes(document), {digest_of(provenance): provenance})


def _descriptor(media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


def _annotations(chart: Chart, created: str) -> dict[str, str]:
    said = chart.metadata
    ours = {
        "description": str(said.get("description", "")),
        "title": chart.name,
        "version": chart.version,
        "url": str(said.get("home", "")),
        "created": created,
        "authors": ", ".join(map(_author, _items(said.get("maintainers")))),
        "source": next((str(source) for source in _items(said.get("sources"))), ""),
    }
    annotations = {_IMAGE + key: text for key, text in ours.items() if text.strip()}
    of_chart = said.get("annotations")
    for key, value in of_chart.items() if isinstance(of_chart, dict) else ():
        if key not in _FIXED:
            annotations[key] = str(value)
    return annotations


def _author(maintainer: Value) -> str:
    said = maintainer if isinstance(maintainer, dict) else {}
    email = f" ({said['email']})" if said.get("email") else ""
    return f"{said.get('name', '')}{email}"


def _items(value: Value) -> Sequence[Value]:
    return value if isinstance(value, list) else []


def _as_go_writes(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.translate(_GO_ESCAPES).encode(errors="replace")
