"""What clients are told of single layers: the layer's own, and what its pack says of itself."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from packyard.digests import digest_of
from packyard.hub.profiles import Kept
from packyard.hub.resolution import Standing
from packyard.packs.model import Layer
from packyard.profiles.content import PackContent
from packyard.profiles.laid import values_in_force
from packyard.profiles.model import ProfileLayer
from packyard.profiles.registries import Holder
from packyard.server.hub.forms import Form
from packyard.server.hub.profiles.answers import (
    Parameter,
    Preset,
    ProfileMeta,
    Reference,
    presets_of,
    schema_of,
)
from packyard.server.pack_models import timestamp


class LayerMeta(Form):
    uid: str
    name: str
    creation_timestamp: str
    last_modified_timestamp: str

    @classmethod
    def of(cls, kept: Kept, layer: ProfileLayer) -> LayerMeta:
        return cls(
            uid=layer.uid,
            name=layer.name,
            creation_timestamp=timestamp(kept.created_at),
            last_modified_timestamp=timestamp(kept.changed_at),
        )


class ManifestSummary(Form):
    uid: str
    name: str
    content: str
    digest: str


class PackFacts(Form):
    """A layer and its pack; what is not known of the pack is empty."""

    name: str
    display_name: str
    type: str
    layer: str
    version: str
    registry_uid: str
    digest: str
    values: str = Field(description="In force: the layer's own, else those of the pack.")
    addon_type: str
    addon_sub_type: str
    cloud_types: list[str]
    group: str
    eol: str
    annotations: dict[str, str]
    presets: list[Preset] | None = None
    # Not named `schema`, which pydantic's own models once had.
    schema_: list[Parameter] | None = Field(default=None, alias="schema")


class PackSummarySpec(PackFacts):
    manifests: list[Reference]

    @classmethod
    def of(cls, now: Standing, content: PackContent | None, meta: str) -> PackSummarySpec:
        manifests = [Reference(name=one.name, uid=one.uid) for one in now.layer.manifests]
        return cls(**_facts(now, content, meta).model_dump(by_alias=True), manifests=manifests)


class PackManifestsSpec(PackFacts):
    manifests: list[ManifestSummary]


class PackManifests(Form):
    metadata: LayerMeta
    spec: PackManifestsSpec

    @classmethod
    def of(cls, kept: Kept, now: Standing, content: PackContent | None, meta: str) -> PackManifests:
        manifests = [
            ManifestSummary(
                uid=one.uid,
                name=one.name,
                content=one.content,
                digest=digest_of(one.content.encode()),
            )
            for one in now.layer.manifests
        ]
        facts = _facts(now, content, meta).model_dump(by_alias=True)
        return cls(
            metadata=LayerMeta.of(kept, now.layer),
            spec=PackManifestsSpec(**facts, manifests=manifests),
        )


class ProfileManifestsSpec(Form):
    packs: list[PackManifests]


class ProfileManifests(Form):
    metadata: ProfileMeta
    spec: ProfileManifestsSpec

    @classmethod
    def of(cls, kept: Kept, packs: Iterable[PackManifests]) -> ProfileManifests:
        return cls(metadata=ProfileMeta.of(kept), spec=ProfileManifestsSpec(packs=list(packs)))


class LayerItem(Form):
    metadata: LayerMeta
    spec: PackSummarySpec

    @classmethod
    def of(cls, kept: Kept, now: Standing, content: PackContent | None, meta: str) -> LayerItem:
        return cls(
            metadata=LayerMeta.of(kept, now.layer), spec=PackSummarySpec.of(now, content, meta)
        )


class ProfileLayers(Form):
    items: list[LayerItem]


class RegistryMeta(Form):
    uid: str
    name: str
    kind: str
    is_default: bool
    is_private: bool

    @classmethod
    def of(cls, holder: Holder) -> RegistryMeta:
        registry = holder.registry
        return cls(
            uid=registry.uid,
            name=registry.name,
            kind=registry.kind,
            is_default=holder.builtin,
            is_private=registry.private,
        )


class Resolved(Form):
    resolved: dict[str, str]


class LayerSpec(Form):
    pack: PackSummarySpec
    registry: RegistryMeta | None = None
    macros: Resolved


class PackSummary(Form):
    metadata: LayerMeta
    spec: LayerSpec


class ManifestRef(Form):
    uid: str
    name: str
    digest: str
    is_overridden: bool = False
    parent_uid: str = ""


class ConfigSpec(Form):
    name: str
    type: str
    tag: str
    version: str
    pack_uid: str
    scope: str
    associated_object: str
    values: str
    is_values_overridden: bool = Field(description="Whether they are others than the pack's.")
    manifests: list[ManifestRef]

    @classmethod
    def of(cls, kept: Kept, now: Standing, content: PackContent | None) -> ConfigSpec:
        layer = now.layer
        values = values_in_force(layer, content)
        return cls(
            name=layer.name,
            type=layer.type.value,
            tag=layer.tag,
            version=layer.version,
            pack_uid=layer.uid,
            scope="project" if kept.project else "tenant",
            associated_object=f"clusterprofile:{kept.uid}",
            values=values,
            is_values_overridden=values != (content.values if content else ""),
            manifests=[
                ManifestRef(uid=one.uid, name=one.name, digest=digest_of(one.content.encode()))
                for one in layer.manifests
            ],
        )


class ConfigItem(Form):
    spec: ConfigSpec


class PackConfigs(Form):
    items: list[ConfigItem]


def _facts(now: Standing, content: PackContent | None, meta: str) -> PackFacts:
    layer, pack = now.layer, content.pack if content else None
    wanted = {word.strip() for word in meta.split(",")}
    return PackFacts(
        name=layer.name,
        display_name=pack.display_name if pack else layer.name,
        type=layer.type.value,
        layer=(layer.layer or Layer.ADDON).value,
        version=layer.version,
        registry_uid=layer.registry.uid,
        digest=layer.digest,
        values=values_in_force(layer, content),
        addon_type=pack.addon_type if pack else "",
        addon_sub_type=pack.addon_sub_type if pack else "",
        cloud_types=list(pack.cloud_types) if pack else [],
        group=pack.group if pack else "",
        eol=pack.eol if pack else "",
        annotations=dict(pack.annotations) if pack else {},
        presets=presets_of(content) if "presets" in wanted else None,
        schema=schema_of(content) if "schema" in wanted else None,
    )
