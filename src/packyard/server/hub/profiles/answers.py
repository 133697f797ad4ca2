"""What clients are told of profiles, in the published form.

`metadata`, `spec.published`, names of packs and contents of manifests are never null: clients end
where they are. A profile that was never published shows there what stands in work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pydantic import Field

from packyard.digests import digest_of
from packyard.hub.profiles import Kept
from packyard.hub.resolution import Standing
from packyard.packs.model import Layer
from packyard.packs.paths import format_path
from packyard.packs.schema import Parameter as Constraint
from packyard.profiles.content import PackContent
from packyard.profiles.exchange import variable_data
from packyard.profiles.model import Manifest, ProfileLayer, Variable
from packyard.server.hub.forms import Form
from packyard.server.pack_models import timestamp

CHANGED = "contentChanged"
"""The annotation of a layer whose tag leads to other content than when the profile was written."""


class ProfileMeta(Form):
    uid: str
    name: str
    labels: dict[str, str]
    annotations: dict[str, str] = Field(description="`scope` is project, tenant or system.")
    creation_timestamp: str
    last_modified_timestamp: str

    @classmethod
    def of(cls, kept: Kept) -> ProfileMeta:
        scope = {"scope": "project", "projectUid": kept.project} if kept.project else {}
        return cls(
            uid=kept.uid,
            name=kept.profile.name,
            labels=dict(kept.profile.labels),
            annotations={**kept.annotations, **(scope or {"scope": "tenant"})},
            creation_timestamp=timestamp(kept.created_at),
            last_modified_timestamp=timestamp(kept.changed_at),
        )


class Reference(Form):
    kind: str = "manifest"
    name: str
    uid: str


class Preset(Form):
    name: str
    display_name: str
    group: str
    add: str
    remove: list[str]


class Parameter(Form):
    """A constraint of a pack on one of its values."""

    name: str
    type: str
    format: str
    regex: str
    required: bool
    readonly: bool
    hints: list[str]
    list_options: list[str]


class PackRef(Form):
    name: str
    type: str
    layer: str
    tag: str = Field(description="As given, perhaps a parent tag.")
    version: str = Field(description="What the tag leads to now.")
    pack_uid: str
    registry_uid: str
    digest: str = Field(description="Of the content when the profile was written.")
    values: str
    manifests: list[Reference]
    annotations: dict[str, str] | None = None
    is_invalid: bool
    in_valid_reason: str
    presets: list[Preset] | None = None
    # Not named `schema`, which pydantic's own models once had.
    schema_: list[Parameter] | None = Field(default=None, alias="schema")

    @classmethod
    def of(cls, now: Standing, meta: Mapping[str, PackContent] | None = None) -> PackRef:
        """`meta` are contents of packs by uid, where presets and schema are asked for."""
        layer = now.layer
        annotations = {CHANGED: "true"} if now.changed else None
        content = (meta or {}).get(layer.uid)
        return cls(
            name=layer.name,
            type=layer.type.value,
            layer=(layer.layer or Layer.ADDON).value,
            tag=layer.tag,
            version=layer.version,
            pack_uid=layer.uid,
            registry_uid=layer.registry.uid,
            digest=layer.digest,
            values=layer.values,
            manifests=[Reference(name=one.name, uid=one.uid) for one in layer.manifests],
            annotations=annotations,
            is_invalid=bool(now.invalid),
            in_valid_reason=now.invalid,
            presets=None if meta is None else presets_of(content),
            schema=None if meta is None else schema_of(content),
        )


def presets_of(content: PackContent | None) -> list[Preset]:
    return [
        Preset(
            name=one.name,
            display_name=one.display_name,
            group=one.group,
            add=one.add,
            remove=[format_path(path) for path in one.remove],
        )
        for one in (content.presets if content else ())
    ]


def schema_of(content: PackContent | None) -> list[Parameter]:
    return [_parameter(one) for one in (content.schema.parameters if content else ())]


def _parameter(one: Constraint) -> Parameter:
    slots = one.format.slots if one.format and len(one.format.parts) == 1 else ()
    return Parameter(
        name=one.text,
        type=one.types[0] if one.types else "",
        format=one.format.text if one.format else "",
        regex=slots[0].regex if slots else "",
        required=one.required,
        readonly=one.readonly,
        hints=list(one.hints),
        list_options=list(one.choices),
    )


class Template(Form):
    name: str
    uid: str
    type: str
    cloud_type: str
    profile_version: str
    version: int = 1
    packs: list[PackRef]

    @classmethod
    def of(
        cls,
        kept: Kept,
        layers: Iterable[Standing],
        meta: Mapping[str, PackContent] | None = None,
    ) -> Template:
        profile = kept.profile
        return cls(
            name=profile.name,
            uid=kept.uid,
            type=profile.type.value,
            cloud_type=profile.cloud_type,
            profile_version=profile.version,
            packs=[PackRef.of(one, meta) for one in layers],
        )


class Version(Form):
    uid: str
    version: str


class ProfileSpec(Form):
    version: str
    versions: list[Version] = Field(description="Of the same name in the same scope.")
    published: Template
    draft: Template | None = None


class ProfileStatus(Form):
    is_published: bool
    has_user_macros: bool
    in_use_cluster_uids: list[str] = Field(default_factory=list)


class ProfileModel(Form):
    api_version: str = "v1"
    kind: str = "ClusterProfile"
    metadata: ProfileMeta
    spec: ProfileSpec
    status: ProfileStatus


class VariableOption(Form):
    value: str
    label: str
    description: str
    default: bool


class VariableModel(Form):
    name: str
    display_name: str
    description: str
    format: str
    default_value: str = Field(description="Asterisks for one of a sensitive variable.")
    regex: str
    required: bool
    immutable: bool
    hidden: bool
    is_sensitive: bool
    input_type: str
    options: list[VariableOption]

    @classmethod
    def of(cls, variable: Variable) -> VariableModel:
        return cls(
            name=variable.name,
            display_name=variable.display_name,
            description=variable.description,
            format=variable.format.value,
            default_value=str(variable_data(variable)["defaultValue"]),
            regex=variable.regex,
            required=variable.required,
            immutable=variable.immutable,
            hidden=variable.hidden,
            is_sensitive=variable.sensitive,
            input_type=variable.input_type.value,
            options=[
                VariableOption(
                    value=one.value,
                    label=one.label,
                    description=one.description,
                    default=one.default,
                )
                for one in variable.options
            ],
        )


class Variables(Form):
    variables: list[VariableModel]


class ManifestMeta(Form):
    uid: str
    name: str


class ManifestData(Form):
    content: str
    digest: str


class ManifestSpec(Form):
    published: ManifestData
    draft: ManifestData | None = None


class ManifestModel(Form):
    metadata: ManifestMeta
    spec: ManifestSpec

    @classmethod
    def of(cls, published: Manifest, draft: Manifest | None) -> ManifestModel:
        return cls(
            metadata=ManifestMeta(uid=published.uid, name=published.name),
            spec=ManifestSpec(
                published=_data(published), draft=None if draft is None else _data(draft)
            ),
        )


class Manifests(Form):
    items: list[ManifestModel]

    @classmethod
    def of(cls, kept: Kept, layer: ProfileLayer, published: ProfileLayer | None) -> Manifests:
        """Those of a layer: what was published, and the draft where it is another. One that only
        the draft has stands in both, for nothing there may be null."""
        known = {one.uid: one for one in (published.manifests if published else ())}
        drafts = {one.uid: one for one in layer.manifests} if kept.draft else {}
        shown: Sequence[Manifest] = layer.manifests if kept.draft else tuple(known.values())
        return cls(
            items=[ManifestModel.of(known.get(one.uid, one), drafts.get(one.uid)) for one in shown]
        )


def _data(manifest: Manifest) -> ManifestData:
    return ManifestData(content=manifest.content, digest=digest_of(manifest.content.encode()))
