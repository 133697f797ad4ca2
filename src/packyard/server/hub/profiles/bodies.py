"""What clients send of profiles, and the values that it means.

Nulls and empty words count as absent, and unknown fields are ignored: real clients send both.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from packyard.packs.model import Layer
from packyard.profiles.model import (
    MANIFEST_PACK,
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
from packyard.server.hub.forms import Form

_OWN = ("scope", "projectUid", "tenantUid")
"""Annotations that answers carry and nobody sets."""


def _absent(value: Any) -> Any:
    return None if value == "" else value


def _word(value: Any) -> Any:
    """A whole number or a boolean may stand for a text, as in files that people write."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


Blank = BeforeValidator(_absent)
Name = Annotated[str | None, Field(max_length=255)]
Text = Annotated[str | None, BeforeValidator(_word)]


class ObjectMeta(Form):
    name: Name = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None

    def kept_annotations(self) -> dict[str, str]:
        """Without those that are ours to say."""
        return {key: text for key, text in (self.annotations or {}).items() if key not in _OWN}


class OptionBody(Form):
    value: Text = None
    label: Text = None
    description: str | None = None
    default: bool | None = None


class VariableBody(Form):
    name: str
    display_name: str | None = None
    description: str | None = None
    format: Annotated[Format | None, Blank] = None
    default_value: Text = None
    regex: str | None = None
    required: bool | None = None
    immutable: bool | None = None
    hidden: bool | None = None
    is_sensitive: bool | None = None
    input_type: Annotated[InputType | None, Blank] = None
    options: list[OptionBody] | None = None

    def variable(self) -> Variable:
        return Variable(
            name=self.name,
            display_name=self.display_name or "",
            description=self.description or "",
            format=self.format or Format.STRING,
            input_type=self.input_type or InputType.TEXT,
            options=tuple(
                Option(
                    value=one.value or "",
                    label=one.label or "",
                    description=one.description or "",
                    default=bool(one.default),
                )
                for one in self.options or ()
            ),
            regex=self.regex or "",
            required=bool(self.required),
            default=self.default_value or "",
            sensitive=bool(self.is_sensitive),
            hidden=bool(self.hidden),
            immutable=bool(self.immutable),
        )


class VariablesBody(Form):
    variables: list[VariableBody] | None = None

    def read(self) -> tuple[Variable, ...]:
        return variables_of(self.variables)


class VariableNames(Form):
    variables: list[str] | None = None


class ManifestBody(Form):
    name: str | None = None
    content: str | None = None
    uid: str | None = None

    def manifest(self) -> Manifest:
        return Manifest(name=self.name or "", content=self.content or "", uid=self.uid or "")


class RegistryMetadataBody(Form):
    uid: str | None = None
    name: str | None = None
    kind: str | None = None


class RegistryBody(Form):
    metadata: RegistryMetadataBody | None = None


class PackBody(Form):
    """A layer. `version` and `registry` are hints, which the create call does not define."""

    name: str
    type: Annotated[PackType | None, Blank] = None
    layer: Annotated[Layer | None, Blank] = None
    tag: Name = None
    version: Name = None
    uid: str | None = None
    registry_uid: str | None = None
    registry: RegistryBody | None = None
    values: str | None = None
    manifests: list[ManifestBody] | None = None

    def read(self) -> ProfileLayer:
        kind = self.type or PackType.SPECTRO
        if self.uid == MANIFEST_PACK:
            kind = PackType.MANIFEST
        hint = (self.registry.metadata if self.registry else None) or RegistryMetadataBody()
        registry = RegistryReference(uid=self.registry_uid or "")
        if not registry.uid and (hint.uid or hint.name):
            registry = RegistryReference(uid=hint.uid or "", name=hint.name or "")
        return ProfileLayer(
            name=self.name,
            type=kind,
            layer=self.layer,
            tag=self.tag or "",
            version=self.version or "",
            uid=self.uid or "",
            registry=registry,
            values=self.values or "",
            manifests=tuple(one.manifest() for one in self.manifests or ()),
        )


class TemplateBody(Form):
    cloud_type: Annotated[str | None, Field(max_length=64)] = None
    type: Annotated[ProfileType | None, Blank] = None
    packs: list[PackBody] | None = None

    def layers(self) -> tuple[ProfileLayer, ...]:
        return tuple(pack.read() for pack in self.packs or ())

    def profile(self) -> Profile:
        """A profile of these layers alone, to be checked."""
        return Profile(
            name="unnamed",
            type=self.type or ProfileType.CLUSTER,
            cloud_type=self.cloud_type or "",
            layers=self.layers(),
        )


class SpecBody(Form):
    version: Annotated[str | None, Field(max_length=128)] = None
    template: TemplateBody | None = None
    variables: list[VariableBody] | None = None


class ProfileBody(Form):
    metadata: ObjectMeta | None = None
    spec: SpecBody | None = None

    def read(self) -> Profile:
        metadata, spec = self.metadata or ObjectMeta(), self.spec or SpecBody()
        template = spec.template or TemplateBody()
        return Profile(
            name=metadata.name or "",
            version=spec.version or "1.0.0",
            type=template.type or ProfileType.CLUSTER,
            cloud_type=template.cloud_type or "",
            labels=metadata.labels or {},
            layers=template.layers(),
            variables=variables_of(spec.variables),
        )


class VersionBody(Form):
    version: Annotated[str | None, Field(max_length=128)] = None


class MetadataBody(Form):
    metadata: ObjectMeta | None = None
    spec: VersionBody | None = None


class CloneTarget(Form):
    scope: str | None = None
    project_uid: str | None = None


class CloneMetadata(Form):
    name: Name = None
    version: Annotated[str | None, Field(max_length=128)] = None
    target: CloneTarget | None = None


class CloneBody(Form):
    metadata: CloneMetadata | None = None


class PackInput(Form):
    pack: PackBody | None = None


class PackRefsBody(Form):
    packs: list[PackBody] | None = None
    uid: str | None = None


class BulkBody(Form):
    uids: list[str] | None = None


class ReferencesBody(Form):
    references: list[str] | None = None


def variables_of(bodies: Iterable[VariableBody] | None) -> tuple[Variable, ...]:
    return tuple(body.variable() for body in bodies or ())
