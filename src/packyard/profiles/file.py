"""A profile as a file: one YAML document beside its values and manifests, to keep in Git.

    name, version, description, type, cloudType, labels
    registries:  name: a folder of packs, or a server
    layers:      - name, tag, registry, type, layer, values: FILE, manifests: [FILE], chart
    variables:   as in an export
    macros:      name: value, those that the hub would know

The document names files relative to itself; they are read and written by whoever calls. Findings of
a check that have no place get one here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from packyard.errors import ParameterInvalid
from packyard.findings import Finding, Position
from packyard.packs.model import Layer
from packyard.packs.paths import Path, parse_path
from packyard.packs.yaml.writer import Style, entry
from packyard.profiles.exchange import variable_data, variable_of
from packyard.profiles.fields import Fields, read_document
from packyard.profiles.model import (
    TAG_VALUE,
    Manifest,
    PackType,
    Profile,
    ProfileLayer,
    ProfileType,
    RegistryReference,
)

ReadText = Callable[[str], str]
"""A file's text by its path beside the profile; `OSError` or `UnicodeError` where it has none."""

_LONGEST = 100  # characters of a file's name
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileFile:
    """`registries` are addresses by the names that layers use; `places` finds what the file says.

    `name` is what findings call the file itself.
    """

    profile: Profile
    registries: Mapping[str, str]
    macros: Mapping[str, str]
    name: str
    places: Callable[[Path], Position]

    def placed(self, finding: Finding) -> Finding:
        """The finding with its place in this file, where it has none in another."""
        layers = self.profile.layers
        own = {layer.name: f"layers[{index}]" for index, layer in reversed([*enumerate(layers)])}
        files = {layer.file for layer in layers}
        files |= {manifest.file for layer in layers for manifest in layer.manifests}
        if finding.file and finding.file in files:
            return finding
        path, above = finding.path, own.get(finding.layer, "")
        if above and not path.startswith("layers["):
            told = path if path in ("name", "tag", "layer") and not finding.file else ""
            path = f"{above}.{told}" if told else above
        line, column = self.places(_parsed(path))
        return replace(finding, file=self.name, line=line, column=column)


def read_file(
    data: bytes, name: str, read_text: ReadText
) -> tuple[ProfileFile | None, list[Finding]]:
    """The file with all that it names; None where it is no YAML map."""
    fields, findings = read_document(data, name)
    if fields is None:
        return None, findings
    profile = Profile(
        name=fields.text("name"),
        version=fields.text("version", "1.0.0"),
        description=fields.text("description"),
        type=fields.word("type", ProfileType, ProfileType.CLUSTER),
        cloud_type=fields.text("cloudType"),
        labels=_labels(fields.map("labels")),
        layers=tuple(_layer(layer, read_text) for layer in fields.maps("layers")),
        variables=tuple(map(variable_of, fields.maps("variables"))),
    )
    file = ProfileFile(
        profile=profile,
        registries=fields.map("registries").texts(),
        macros=fields.map("macros").texts(),
        name=name,
        places=fields.source.at,
    )
    fields.complain_of_unknown()
    return file, findings


def write_file(
    profile: Profile, registries: Mapping[str, str], macros: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The texts of a new profile's files by their path; the profile itself is under ""."""
    files: dict[str, str] = {}
    layers = [_layer_data(layer, files) for layer in profile.layers]
    data: dict[str, Any] = {
        "name": profile.name,
        "version": profile.version,
        "description": profile.description,
        "type": profile.type.value,
        "cloudType": profile.cloud_type,
        "labels": {k: None if v == TAG_VALUE else v for k, v in profile.labels.items()},
        "registries": dict(registries),
        "layers": layers,
        "variables": [variable_data(variable, reveal=True) for variable in profile.variables],
        "macros": dict(macros or {}),
    }
    kept = {key: value for key, value in data.items() if value or key in ("name", "layers")}
    lines = (line for key, value in kept.items() for line in entry(key, value, Style()))
    return {"": "\n".join(lines) + "\n", **files}


def _labels(fields: Fields) -> dict[str, str]:
    """A label without value is a tag."""
    return {key: TAG_VALUE for key, value in fields.data.items() if value is None} | fields.texts()


def _layer(fields: Fields, read_text: ReadText) -> ProfileLayer:
    chart, manifests = fields.text("chart"), tuple(_manifests(fields, read_text))
    usual = PackType.HELM if chart else PackType.SPECTRO
    if manifests and not fields.has("tag"):
        usual = PackType.MANIFEST
    values = fields.text("values")
    layer = ProfileLayer(
        name=fields.text("name"),
        type=fields.word("type", PackType, usual),
        layer=fields.word("layer", Layer, Layer.ADDON) if fields.has("layer") else None,
        tag=fields.text("tag"),
        registry=RegistryReference(name=fields.text("registry")),
        chart=chart,
        values=_text(fields, "values", values, read_text) if values else "",
        manifests=manifests,
        file=values,
    )
    fields.complain_of_unknown()
    return layer


def _manifests(fields: Fields, read_text: ReadText) -> Iterator[Manifest]:
    """Each a file, which names it, or a map of `name` and `file`."""
    for index, item in enumerate(fields.items("manifests")):
        path = (*fields.path, "manifests", index)
        inner = Fields(item if isinstance(item, Mapping) else {"file": item}, fields.source, path)
        file = inner.text("file")
        name = inner.text("name") or PurePosixPath(file).stem
        content = _text(inner, "file", file, read_text) if file else ""
        yield Manifest(name=name, content=content, file=file)
        inner.complain_of_unknown()


def _text(fields: Fields, key: str, file: str, read_text: ReadText) -> str:
    try:
        return read_text(file)
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror or error}."
    except UnicodeError:
        message = f"{file} is not UTF-8."
    fields.source.found(
        "profile.file", message, (*fields.path, key), "Put the file there, or name another."
    )
    return ""


def _layer_data(layer: ProfileLayer, files: dict[str, str]) -> dict[str, Any]:
    """What the document says of a layer; its texts go to `files`."""
    data: dict[str, Any] = {"name": layer.name}
    if layer.type is not PackType.SPECTRO:
        data["type"] = layer.type.value
    data["layer"] = layer.layer.value if layer.layer else ""
    data |= {"registry": layer.registry.name, "chart": layer.chart, "tag": layer.tag}
    if layer.values:
        data["values"] = _added(files, f"values/{_fit(layer.name)}.yaml", layer.values)
    if layer.manifests:
        data["manifests"] = [
            {
                "name": one.name,
                "file": _added(files, f"manifests/{_fit(one.name)}.yaml", one.content),
            }
            for one in layer.manifests
        ]
    return {key: value for key, value in data.items() if value}


def _added(files: dict[str, str], path: str, text: str) -> str:
    """Under a name that no other file has, whatever the case of its letters."""
    taken = {name.lower() for name in files}
    stem, number = path.removesuffix(".yaml"), 2
    while path.lower() in taken:
        path, number = f"{stem}-{number}.yaml", number + 1
    files[path] = text
    return path


def _fit(name: str) -> str:
    return _UNFIT.sub("-", name).strip("-.")[:_LONGEST] or "layer"


def _parsed(path: str) -> Path:
    try:
        return parse_path(path) if path else ()
    except ParameterInvalid:
        return ()
