"""A cluster profile as JSON or YAML, to keep elsewhere and to take in again (profile-json.md).

What real files leave out, add or mix up is taken: unknown keys, a `type` that contradicts the
registry, a missing uid. What is no exported profile at all is refused with a sentence. Secrets are
masked on the way out; what was masked is a finding of the check on the way in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from packyard.findings import Finding, refusals
from packyard.packs.model import Layer
from packyard.packs.schema import holds_macro
from packyard.packs.values import Document
from packyard.packs.yaml.scalars import Value
from packyard.packs.yaml.writer import Style, entry
from packyard.profiles.content import Content, PackContent
from packyard.profiles.fields import Fields, read_document
from packyard.profiles.model import (
    Format,
    InputType,
    Manifest,
    Option,
    PackType,
    Profile,
    ProfileLayer,
    ProfileType,
    RegistryReference,
    Variable,
)
from packyard.profiles.variables import MASK

_MEND = "Export a profile again, as JSON or YAML: it has metadata.name and spec.template.packs."


def read_export(data: bytes, file: str = "") -> tuple[Profile | None, list[Finding]]:
    """The profile of a file; None where a finding refuses it. What it says is not checked yet."""
    fields, findings = read_document(data, file or "the document")
    if fields is None or refusals(findings):
        return None, findings
    profile = profile_of(fields)
    return (None if refusals(findings) else profile), findings


def profile_of(fields: Fields) -> Profile:
    """The profile of a document; what is wrong with its form goes to the document's findings."""
    spec = fields.map("spec")
    template = spec.map("template")
    if not fields.has("metadata") or not template.has("packs"):
        why = "it has no spec.template.packs"
        if fields.data.get("kind") == "ClusterProfile":
            why = "it is a resource of kind ClusterProfile, which is another format"
        message = f"This is no exported profile: {why}."
        fields.source.found("profile.not-export", message, (), _MEND)
        return Profile(name="")
    metadata = fields.map("metadata")
    return Profile(
        name=metadata.text("name").strip(),
        version=spec.text("version") or "1.0.0",
        description=metadata.text("description"),
        type=template.word("type", ProfileType, ProfileType.CLUSTER),
        cloud_type=template.text("cloudType"),
        labels=metadata.map("labels").texts(),
        layers=tuple(_layer(pack) for pack in template.maps("packs")),
        variables=tuple(variable_of(variable) for variable in spec.maps("variables")),
    )


def export(profile: Profile, packs: Sequence[Content] = ()) -> dict[str, object]:
    """The profile as data, secrets masked; `packs` are those of the layers, whose schemas say which
    values are secrets."""
    known = packs or [None] * len(profile.layers)
    layers = zip(profile.layers, known, strict=True)
    return {
        "metadata": {
            "name": profile.name,
            "description": profile.description,
            "labels": dict(profile.labels),
        },
        "spec": {
            "version": profile.version,
            "template": {
                "type": profile.type.value,
                "cloudType": profile.cloud_type,
                "packs": [_pack(masked(layer, content), content) for layer, content in layers],
            },
            "variables": [variable_data(variable) for variable in profile.variables],
        },
    }


def as_json(data: Mapping[str, object]) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def as_yaml(data: Mapping[str, Any]) -> str:
    """With values as block texts, where a block can hold them."""
    lines = (line for key, value in data.items() for line in entry(key, value, Style()))
    return "\n".join(lines) + "\n"


def masked(layer: ProfileLayer, content: Content) -> ProfileLayer:
    """The layer with asterisks for what its pack calls a password; references to macros stay."""
    if not isinstance(content, PackContent) or not layer.values.strip():
        return layer
    values, _ = Document.parse(layer.values)
    if values is None:
        return layer
    for parameter in content.schema.parameters:
        if parameter.secret:
            for path in parameter.places(values.data):
                value: Value = values.get(path)
                if value not in (None, "") and not (isinstance(value, str) and holds_macro(value)):
                    values = values.set(path, MASK)
    return replace(layer, values=values.text)


def variable_of(fields: Fields) -> Variable:
    return Variable(
        name=fields.text("name"),
        display_name=fields.text("displayName"),
        description=fields.text("description"),
        format=fields.word("format", Format, Format.STRING),
        input_type=fields.word("inputType", InputType, InputType.TEXT),
        options=tuple(
            Option(
                value=option.words("value"),
                label=option.text("label"),
                description=option.text("description"),
                default=option.flag("default"),
            )
            for option in fields.maps("options")
        ),
        regex=fields.text("regex"),
        required=fields.flag("required"),
        default=fields.words("defaultValue"),
        sensitive=fields.flag("isSensitive"),
        hidden=fields.flag("hidden"),
        immutable=fields.flag("immutable"),
    )


def variable_data(variable: Variable, *, reveal: bool = False) -> dict[str, object]:
    """In the published form; the default of a sensitive one is masked unless `reveal`."""
    hide = variable.sensitive and variable.default and not reveal
    data: dict[str, object] = {
        "name": variable.name,
        "displayName": variable.display_name,
        "description": variable.description,
        "format": variable.format.value,
        "inputType": variable.input_type.value,
        "options": [
            {"value": one.value, "label": one.label, "description": one.description}
            | ({"default": True} if one.default else {})
            for one in variable.options
        ],
        "regex": variable.regex,
        "required": variable.required,
        "defaultValue": MASK if hide else variable.default,
        "isSensitive": variable.sensitive,
        "hidden": variable.hidden,
        "immutable": variable.immutable,
    }
    kept = ("name", "defaultValue", "required", "isSensitive", "hidden", "immutable", "format")
    return {key: value for key, value in data.items() if value or key in kept}


def _layer(fields: Fields) -> ProfileLayer:
    registry = fields.map("registry").map("metadata")
    kind = fields.word("type", PackType, PackType.SPECTRO)
    layer = fields.word("layer", Layer, Layer.ADDON) if fields.has("layer") else None
    return ProfileLayer(
        name=fields.text("name"),
        type=kind,
        layer=layer,
        tag=fields.text("tag") or fields.text("version"),
        version=fields.text("version"),
        values=fields.text("values"),
        manifests=tuple(
            Manifest(name=manifest.text("name"), content=manifest.text("content"))
            for manifest in fields.maps("manifests")
        ),
        registry=RegistryReference(
            uid=registry.text("uid"),
            name=registry.text("name"),
            kind=registry.text("kind"),
            provider=registry.text("providerType"),
            private=registry.flag("isPrivate"),
            synchronized=registry.flag("isSyncSupported"),
        ),
    )


def _pack(layer: ProfileLayer, content: Content) -> dict[str, object]:
    """With the version and layer that the pack has now, where it is known."""
    data: dict[str, object] = {"name": layer.name, "type": layer.type.value}
    kind, version = layer.layer, layer.version
    if isinstance(content, PackContent):
        kind, version = content.pack.layer, content.pack.version
    if kind:
        data["layer"] = kind.value
    data |= {"version": version, "tag": layer.tag, "values": layer.values}
    if layer.manifests:
        data["manifests"] = [{"name": one.name, "content": one.content} for one in layer.manifests]
    data["registry"] = {"metadata": registry_data(layer.registry)}
    return data


def registry_data(registry: RegistryReference) -> dict[str, object]:
    """In the published form; {} where no registry is named."""
    if registry == RegistryReference():
        return {}
    data = {"uid": registry.uid, "name": registry.name, "kind": registry.kind}
    provider = {"providerType": registry.provider} if registry.provider else {}
    flags = {"isPrivate": registry.private, "isSyncSupported": registry.synchronized}
    return {**data, **provider, **flags}
