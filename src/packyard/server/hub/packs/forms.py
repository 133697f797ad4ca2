"""Answers about packs, and the search object (terraform-contract.md, 5, 7 and 9)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from pydantic import Field

from packyard.catalog.clashes import Clash
from packyard.catalog.entries import Contents, Entry
from packyard.catalog.names import SPECTRO, TYPES
from packyard.catalog.search import Holding, Listed
from packyard.catalog.wanted import Wanted
from packyard.hub.packs import Layered, Tagged, state_of
from packyard.profiles.content import PackContent
from packyard.server.hub.forms import Form, Meta, TextFilter
from packyard.server.hub.lists import ListMeta
from packyard.server.hub.profiles.answers import Parameter, Preset, presets_of, schema_of
from packyard.server.pack_models import timestamp

DIFFERS = "Other registries (uids) where this name and version have other content."
STATE = "deprecated, deleted or disabled; empty for none of these."
FAULT = "Why a chart could not be fetched, whose values are not there."


class PackSpec(Form):
    name: str
    display_name: str
    version: str
    type: str
    layer: str
    addon_type: str
    addon_sub_type: str
    cloud_types: list[str]
    group: str
    registry_uid: str
    digest: str
    state: str = Field(description=STATE)
    annotations: dict[str, str]
    logo_url: str
    values: str = Field(description="Empty for a chart that nobody looked at yet.")
    fault: str = Field(description=FAULT)


class Nothing(Form):
    pass


class PackSummary(Form):
    api_version: str = "v1"
    kind: str = "pack"
    metadata: Meta
    spec: PackSpec
    status: Nothing = Field(default_factory=Nothing)

    @classmethod
    def of(cls, entry: Entry, kind: str, values: str, *, logo: bool, fault: str) -> PackSummary:
        spec = PackSpec(
            name=entry.name,
            display_name=entry.display_name,
            version=entry.version,
            type=type_of(kind),
            layer=entry.layer,
            addon_type=entry.addon_type,
            addon_sub_type=entry.addon_sub_type,
            cloud_types=list(entry.clouds),
            group=entry.group,
            registry_uid=entry.source,
            digest=entry.digest,
            state=state_of(entry),
            annotations=dict(entry.annotations),
            logo_url=logo_url(entry, held=logo),
            values=values,
            fault=fault,
        )
        return cls(metadata=meta_of(entry), spec=spec)


class PackSummaries(Form):
    items: list[PackSummary]
    listmeta: ListMeta


class InRegistry(Form):
    uid: str
    name: str
    scope: str
    latest_version: str
    latest_pack_uid: str
    state: str = Field(description=f"Of that version: {STATE}")
    annotations: dict[str, str]
    logo_url: str
    differs_from: list[str] = Field(description=DIFFERS)


class FoundSpec(Form):
    name: str
    display_name: str
    type: str
    layer: str
    addon_type: str
    addon_sub_type: str
    cloud_types: list[str]
    group: str
    registries: list[InRegistry]


class FoundPack(Form):
    """A pack, or a chart of that name; what is said of it is what its newest version says."""

    api_version: str = "v1"
    kind: str = "pack"
    metadata: Meta
    spec: FoundSpec

    @classmethod
    def of(
        cls,
        pack: Listed,
        scopes: Mapping[str, str],
        logos: Collection[str],
        differing: Mapping[str, list[str]],
    ) -> FoundPack:
        leading = pack.leading
        newest = leading.newest

        def told(holding: Holding) -> InRegistry:
            entry = holding.newest
            return InRegistry(
                uid=holding.registry,
                name=holding.name,
                scope=scopes.get(holding.registry, "system"),
                latest_version=entry.version,
                latest_pack_uid=entry.uid,
                state=state_of(entry),
                annotations=dict(entry.annotations),
                logo_url=logo_url(entry, held=entry.uid in logos),
                differs_from=differing.get(entry.uid, []),
            )

        spec = FoundSpec(
            name=pack.name,
            display_name=newest.display_name,
            type=leading.type,
            layer=newest.layer,
            addon_type=newest.addon_type,
            addon_sub_type=newest.addon_sub_type,
            cloud_types=list(newest.clouds),
            group=newest.group,
            registries=[told(holding) for holding in pack.holdings],
        )
        return cls(metadata=meta_of(newest), spec=spec)


class FoundPacks(Form):
    items: list[FoundPack]
    listmeta: ListMeta


class Copy(Form):
    """What one registry has under a name and version."""

    uid: str = Field(description="Of the registry.")
    name: str = Field(description="Of the registry.")
    pack_uid: str
    digest: str = Field(description="Of the content: a pack's files, a chart's archive.")


class ClashingPack(Form):
    name: str
    version: str
    registries: list[Copy]

    @classmethod
    def of(cls, clash: Clash, names: Mapping[str, str]) -> ClashingPack:
        copies = [
            Copy(
                uid=one.source,
                name=names.get(one.source, ""),
                pack_uid=one.uid,
                digest=one.content_digest,
            )
            for one in clash.copies
        ]
        return cls(name=clash.name, version=clash.label, registries=copies)


class ClashingPacks(Form):
    items: list[ClashingPack]
    listmeta: ListMeta


class TagRow(Form):
    tag: str
    version: str = Field(description="Of a parent tag, and of any other that leads on, the tag.")
    group: str
    pack_uid: str
    state: str = Field(default="", description=STATE)
    parent_tags: list[str] = Field(
        description="Of a version all, also those that lead to a newer one."
    )
    differs_from: list[str] = Field(description=DIFFERS)


class PackValues(Form):
    pack_uid: str
    values: str
    readme: str = Field(description="Only where one version is asked for; they are long.")
    annotations: dict[str, str]
    presets: list[Preset]
    # Not named `schema`, which pydantic's own models once had.
    schema_: list[Parameter] = Field(alias="schema")
    fault: str = Field(default="", description=FAULT)

    @classmethod
    def of(
        cls,
        entry: Entry,
        contents: Contents | None,
        content: PackContent | None,
        *,
        readme: bool,
        fault: str,
    ) -> PackValues:
        return cls(
            pack_uid=entry.uid,
            values=contents.values if contents else "",
            readme=contents.readme if contents and readme else "",
            annotations=dict(entry.annotations),
            presets=presets_of(content),
            schema=schema_of(content),
            fault=fault,
        )


class PackTags(Form):
    """A pack in one registry: its newest version, the tags of all, and the values of each."""

    name: str
    display_name: str
    layer: str
    addon_type: str
    addon_sub_type: str
    cloud_types: list[str]
    registry_uid: str
    logo_url: str
    tags: list[TagRow]
    pack_values: list[PackValues]

    @classmethod
    def of(
        cls,
        newest: Entry,
        rows: Sequence[tuple[Entry, Tagged]],
        values: list[PackValues],
        differing: Mapping[str, list[str]],
        *,
        logo: bool,
    ) -> PackTags:
        return cls(
            name=newest.name,
            display_name=newest.display_name,
            layer=newest.layer,
            addon_type=newest.addon_type,
            addon_sub_type=newest.addon_sub_type,
            cloud_types=list(newest.clouds),
            registry_uid=newest.source,
            logo_url=logo_url(newest, held=logo),
            tags=[
                TagRow(
                    tag=tagged.tag,
                    version=tagged.version,
                    group=entry.group,
                    pack_uid=entry.uid,
                    state=state_of(entry),
                    parent_tags=list(tagged.parents),
                    differs_from=differing.get(entry.uid, []),
                )
                for entry, tagged in rows
            ],
            pack_values=values,
        )

    @classmethod
    def of_layer(cls, pack: Layered) -> PackTags:
        row = TagRow(
            tag=pack.tag,
            version=pack.tag,
            group="",
            pack_uid=pack.uid,
            parent_tags=[],
            differs_from=[],
        )
        values = PackValues(
            pack_uid=pack.uid, values="", readme="", annotations={}, presets=[], schema=[]
        )
        return cls(
            name=pack.name,
            display_name=pack.name,
            layer=pack.layer,
            addon_type="",
            addon_sub_type="",
            cloud_types=["all"],
            registry_uid=pack.registry,
            logo_url="",
            tags=[row] if pack.tag else [],
            pack_values=[values],
        )


class Readme(Form):
    readme: str


Strings = list[str]


class SearchFilter(Form):
    name: TextFilter = Field(default_factory=TextFilter)
    display_name: TextFilter = Field(default_factory=TextFilter)
    layer: Strings = Field(default_factory=list)
    type: Strings = Field(default_factory=list)
    addon_type: Strings = Field(default_factory=list, alias="addOnType")
    addon_sub_type: Strings = Field(default_factory=list, alias="addOnSubType")
    environment: Strings = Field(default_factory=list)
    registry_uid: Strings = Field(default_factory=list)
    source: Strings = Field(default_factory=list)
    state: Strings = Field(default_factory=list)
    is_fips: bool = False

    def wanted(self) -> Wanted:
        return Wanted(
            name=self.name.text(),
            display_name=self.display_name.text(),
            layers=self.layer,
            types=self.type,
            addon_types=self.addon_type,
            addon_sub_types=self.addon_sub_type,
            environments=self.environment,
            registries=self.registry_uid,
            origins=self.source,
            states=self.state,
            fips=self.is_fips,
        )


class SortBy(Form):
    field: Literal["name", "type", "layer", "addOnType", "displayName"] = "name"
    order: Literal["asc", "desc"] = "asc"


class Search(Form):
    filter: SearchFilter = Field(default_factory=SearchFilter)
    sort: list[SortBy] = Field(default_factory=list)


def type_of(kind: str) -> str:
    """What a pack is called by the kind of its registry."""
    return TYPES.get(kind, SPECTRO)


def meta_of(entry: Entry) -> Meta:
    time = timestamp(entry.pushed_at)
    return Meta(
        uid=entry.uid, name=entry.name, creation_timestamp=time, last_modified_timestamp=time
    )


def logo_url(entry: Entry, *, held: bool) -> str:
    """Ours where the pack holds one, else what a chart says of its icon."""
    if held:
        return f"/v1/packs/{entry.uid}/logo"
    icon = entry.annotations.get("icon", "")
    return icon if icon.startswith("https://") else ""
