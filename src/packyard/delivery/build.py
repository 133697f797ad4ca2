"""A complete pack made from a Helm chart, from manifests, or from both.

The chart's values stand under `charts.<its name>` with their comments, the images that rendering
finds under `pack.content.images`, and what a values.schema.json says becomes a schema.yaml as far
as a pack's schema can say it (format specification, "Folder").
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from packyard.charts.chart import Chart
from packyard.charts.engine import Engine
from packyard.delivery.images import images_of
from packyard.delivery.render import render
from packyard.errors import ContentRefused, ParameterInvalid
from packyard.findings import Finding
from packyard.packs.charts import read_chart
from packyard.packs.files import File, Files
from packyard.packs.lint import check
from packyard.packs.model import PACK_JSON, Layer, Pack, PackName
from packyard.packs.proposal import propose_schema
from packyard.packs.values import VALUES, Document
from packyard.packs.yaml.nest import nest
from packyard.packs.yaml.reader import DEFAULT_LIMITS
from packyard.packs.yaml.scalars import Value
from packyard.packs.yaml.writer import Style, entry

_ADDON_TYPE = "system app"
_UNFIT = re.compile(r"[^a-z0-9-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the pack is to be; what is empty follows from the chart and the name."""

    name: PackName
    version: str = ""
    layer: Layer = Layer.ADDON
    addon_type: str = ""
    display_name: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Built:
    """`findings` say why no images were found, where rendering failed with the values at hand."""

    pack: Pack
    files: Files
    images: tuple[str, ...]
    findings: tuple[Finding, ...]


def build(
    wanted: Wanted,
    engine: Engine,
    *,
    archive: bytes = b"",
    manifests: Mapping[str, bytes] | None = None,
    logo: bytes = b"",
) -> Built:
    """`archive` is that of a chart; `manifests` are the contents of files by their base names.

    Raises `ContentRefused` with everything wrong in what was given, and `ParameterInvalid` where
    the version is missing.
    """
    manifests = manifests or {}
    chart = _load(archive, engine) if archive else None
    version = wanted.version or (chart.version.removeprefix("v") if chart else "")
    if not version:
        raise ParameterInvalid("Manifests have no version: give the pack's with --version.")
    section = _section(wanted, chart)
    contents = {
        PACK_JSON: _pack_json(wanted, version, chart, manifests),
        **{f"manifests/{name}": data for name, data in manifests.items()},
        "README.md": _readme(wanted, chart, manifests),
    }
    if chart:
        contents[_place(chart)] = archive
    if logo:
        contents["logo.png"] = logo
    files = {name: File(data) for name, data in contents.items()}
    values, text = _values(section, chart)
    schema = _schema(chart, values)
    if schema:
        files["schema.yaml"] = File(schema.encode())
    pack = _checked({**files, VALUES: File(text.encode())})
    parts, findings = render(files, pack, values, engine)
    images = [image.full for image in images_of(parts or ())]
    if images:
        section["content"] = {"images": [{"image": image} for image in images]}
        _, text = _values(section, chart)
    files[VALUES] = File(text.encode())
    return Built(pack, dict(sorted(files.items())), tuple(images), tuple(findings))


def _load(archive: bytes, engine: Engine) -> Chart:
    _, findings = read_chart(archive)
    chart, more = (None, []) if findings else engine.load(archive)
    if chart is None:
        raise ContentRefused("That is no chart that Helm could load.", [*findings, *more])
    return chart


def _pack_json(
    wanted: Wanted, version: str, chart: Chart | None, manifests: Mapping[str, bytes]
) -> bytes:
    words = wanted.display_name or " ".join(map(str.capitalize, wanted.name.split("-")))
    addon = {"addonType": wanted.addon_type or _ADDON_TYPE}
    content = {
        "name": wanted.name,
        "displayName": words,
        "version": version,
        "layer": wanted.layer.value,
        **(addon if wanted.layer is Layer.ADDON else {}),
        "cloudTypes": ["all"],
        **({"charts": [_place(chart)]} if chart else {}),
        **({"kubeManifests": [f"manifests/{name}" for name in manifests]} if manifests else {}),
    }
    return json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"


def _place(chart: Chart) -> str:
    return f"charts/{chart.name}-{chart.version}.tgz"


def _section(wanted: Wanted, chart: Chart | None) -> dict[str, Value]:
    """`pack:` of the values: charts get a namespace of their own, manifests name theirs."""
    namespace = wanted.namespace or (_UNFIT.sub("-", wanted.name) if chart else "")
    return {"namespace": namespace} if namespace else {}


def _values(section: dict[str, Value], chart: Chart | None) -> tuple[Document, str]:
    text = "\n".join([*entry("pack", section, Style()), ""]) if section else ""
    if chart:
        own, findings = Document.parse(chart.values_text)
        if own is None:
            raise ContentRefused("The chart's values cannot stand in a pack.", findings)
        text += nest(own.text, own.data, ("charts", chart.name), DEFAULT_LIMITS)
    document, findings = Document.parse(text)
    if document is None:
        raise ContentRefused("The chart's values cannot stand in a pack.", findings)
    return document, text


def _schema(chart: Chart | None, values: Document) -> str:
    schema = chart.schema if chart else None
    if chart is None or not isinstance(schema, Mapping):
        return ""
    return propose_schema(schema, values, ("charts", chart.name), present=True)


def _readme(wanted: Wanted, chart: Chart | None, manifests: Mapping[str, bytes]) -> bytes:
    if chart and (own := chart.files.get("README.md")):
        return own
    title = f"# {wanted.display_name or wanted.name}\n"
    lines = [title]
    if chart:
        lines += [f"{chart.metadata.get('description', '')}\n"] * ("description" in chart.metadata)
        lines.append(f"Deploys the Helm chart {chart.name} {chart.version}.\n")
    if manifests:
        names = ", ".join(PurePosixPath(name).stem for name in manifests)
        lines.append(f"Applies the manifests {names}.\n")
    return "\n".join(lines).encode()


def _checked(files: Files) -> Pack:
    pack, findings = check(files)
    if pack is None or findings:
        raise ContentRefused("What was given makes no pack.", findings)
    return pack
