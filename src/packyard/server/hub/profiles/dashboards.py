"""Profiles in short: all of them by name and uid, and filtered, sorted pages of summaries.

In a project these are its own and the tenant's. Every version of a profile is an item of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field
from sqlalchemy import Connection, select

from packyard.catalog.tables import packs
from packyard.errors import ParameterInvalid
from packyard.hub import profiles
from packyard.hub.places import places
from packyard.hub.profiles import Kept, Reach
from packyard.hub.resolution import Standing, asked, standing
from packyard.packs.model import Layer
from packyard.server.hub.forms import Form, KnownBy
from packyard.server.hub.lists import ListMeta, Paged, page
from packyard.server.hub.profiles.access import Readable, router_at
from packyard.server.hub.profiles.answers import ProfileMeta, Version
from packyard.server.hub.profiles.filters import Filter, Sort, key_of, matches
from packyard.server.hub.profiles.views import versions_of
from packyard.server.hub.scope import Reading
from packyard.server.packs import Wired
from packyard.server.small import SmallRoute
from packyard.storage.batches import batches

router = router_at("/v1/dashboard/clusterprofiles", SmallRoute)


class ShortSpec(Form):
    cloud_type: str
    version: str


class Short(Form):
    metadata: KnownBy
    spec: ShortSpec


class Shorts(Form):
    items: list[Short]


class PackShort(Form):
    name: str
    display_name: str
    pack_uid: str
    type: str
    layer: str
    tag: str
    version: str
    addon_type: str


class TemplateShort(Form):
    type: str
    cloud_type: str
    packs: list[PackShort]


class SummarySpec(Form):
    version: str
    versions: list[Version]
    published: TemplateShort
    draft: TemplateShort | None = None


class PackCounts(Form):
    """Layers whose packs are gone, or that their authors no longer want to be used."""

    deleted: int
    deprecated: int
    disabled: int


class SummaryStatus(Form):
    is_published: bool
    pack: PackCounts
    in_use_cluster_uids: list[str] = Field(default_factory=list)


class Summary(Form):
    metadata: ProfileMeta
    spec_summary: SummarySpec
    status: SummaryStatus


class Summaries(Form):
    items: list[Summary]
    listmeta: ListMeta


class Search(Form):
    filter: Filter = Filter()
    sort: list[Sort] = Field(default_factory=list)


@router.get("/metadata")
def list_metadata(parts: Wired, caller: Reading) -> Shorts:
    """All of them, as one page."""
    with parts.store.read() as connection:
        found = profiles.every(connection, profiles.within(caller.project), reach=Reach.HEADS)
    return Shorts(
        items=[
            Short(
                metadata=KnownBy(uid=one.uid, name=one.profile.name),
                spec=ShortSpec(cloud_type=one.profile.cloud_type, version=one.profile.version),
            )
            for one in found
        ]
    )


@router.post("", response_model_exclude_none=True)
def search(parts: Wired, caller: Reading, paging: Paged, body: Search) -> Summaries:
    """Those that meet a filter, in an order: by name and newest version first unless asked for."""
    with parts.store.read() as connection:
        found = profiles.every(connection, profiles.within(caller.project))
        chosen = [one for one in found if matches(one, body.filter)]
        for sort in reversed(body.sort):
            if sort.order not in ("asc", "desc"):
                raise ParameterInvalid(f"sort.order is {sort.order[:40]!r}: asc or desc.")
            chosen.sort(key=key_of(sort.field), reverse=sort.order == "desc")
        items, listmeta = page(chosen, paging)
        return Summaries(items=summaries(connection, items), listmeta=listmeta)


@router.get("/{uid}", response_model_exclude_none=True)
def get(parts: Wired, kept: Readable) -> Summary:
    with parts.store.read() as connection:
        (summary,) = summaries(connection, [kept])
    return summary


def summaries(connection: Connection, found: Sequence[Kept]) -> list[Summary]:
    """With one query of the catalog for all of them."""
    layers = [layer for one in found for layer in (*one.profile.layers, *(one.published or ()))]
    known = places(connection, *asked(layers))
    uids = {place.uid for held in known.held.values() for place in held}
    told = _told(connection, {*uids, *(layer.uid for layer in layers)})
    versions = profiles.versions(connection, {one.profile.name for one in found})

    def template(one: Kept, *, published: bool) -> TemplateShort:
        now = [standing(layer, known) for layer in one.laid(published=published).layers]
        return TemplateShort(
            type=one.profile.type.value,
            cloud_type=one.profile.cloud_type,
            packs=[_short(layer, told) for layer in now],
        )

    return [
        Summary(
            metadata=ProfileMeta.of(one),
            spec_summary=SummarySpec(
                version=one.profile.version,
                versions=versions_of(one, versions),
                published=template(one, published=True),
                draft=template(one, published=False) if one.draft else None,
            ),
            status=SummaryStatus(
                is_published=one.published is not None,
                pack=_counts([standing(layer, known) for layer in one.profile.layers], told),
            ),
        )
        for one in found
    ]


def _told(connection: Connection, uids: set[str]) -> Mapping[str, Any]:
    """What the catalog says of packs, by uid."""
    found: dict[str, Any] = {}
    for batch in batches(sorted(uids - {""})):
        rows = connection.execute(
            select(
                packs.c.uid,
                packs.c.display_name,
                packs.c.addon_type,
                packs.c.system_state,
                packs.c.annotations,
            ).where(packs.c.uid.in_(batch))
        )
        found |= {row.uid: row for row in rows}
    return found


def _short(now: Standing, told: Mapping[str, Any]) -> PackShort:
    layer, row = now.layer, told.get(now.layer.uid)
    return PackShort(
        name=layer.name,
        display_name=row.display_name if row else layer.name,
        pack_uid=layer.uid,
        type=layer.type.value,
        layer=(layer.layer or Layer.ADDON).value,
        tag=layer.tag,
        version=layer.version,
        addon_type=row.addon_type if row else "",
    )


def _counts(layers: Sequence[Standing], told: Mapping[str, Any]) -> PackCounts:
    rows = [told[one.layer.uid] for one in layers if one.layer.uid in told]
    return PackCounts(
        deleted=sum(1 for one in layers if one.invalid)
        + sum(1 for row in rows if row.system_state == "deleted"),
        deprecated=sum(1 for row in rows if row.system_state == "deprecated"),
        disabled=sum(1 for row in rows if row.annotations.get("disabled") == "true"),
    )
