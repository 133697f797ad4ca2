"""Lists of packs: versions by `filters`, and packs by the search object (hub.md, "API").

What somebody may read of a project they may read of packs, which are the tenant's. The list of
clashes, at `/v1/packs/clashes`, is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from anyio import to_thread
from fastapi import Body, Query

from packyard.catalog import clashes as clashing
from packyard.catalog import filters as grammar
from packyard.catalog import search as catalog
from packyard.catalog.entries import Entry
from packyard.catalog.query import both, words
from packyard.catalog.search import Found
from packyard.errors import PackyardError, ParameterInvalid
from packyard.hub.contents import Look
from packyard.server.hub.forms import private_router
from packyard.server.hub.lists import Fields, OrderBy, Paged, Paging, directions, trimmed
from packyard.server.hub.packs import reading
from packyard.server.hub.packs.forms import (
    ClashingPack,
    ClashingPacks,
    FoundPack,
    FoundPacks,
    PackSummaries,
    PackSummary,
    Search,
)
from packyard.server.hub.scope import Reading
from packyard.server.packs import Wired
from packyard.server.parts import Parts

router = private_router("/v1/packs", "packs of all registries")

_FEW = 3
"""A list of no more is a look at each: then contents of charts are fetched."""


@router.get("")
async def list_packs(
    parts: Wired,
    _reader: Reading,
    paging: Paged,
    filters: Annotated[
        str,
        Query(
            description="FIELD OPERATOR VALUE, joined by AND and OR.",
            examples=["spec.name=nginxANDspec.version>=1.2"],
        ),
    ] = "",
    order_by: OrderBy = "",
    fields: Fields = "",
) -> PackSummaries:
    """Versions of packs that meet the filters, by name and then newest first."""
    found, look = await to_thread.run_sync(_find, parts, paging, filters, order_by)
    faults = await reading.looked(look)
    items = await to_thread.run_sync(_summaries, parts, found.items, faults)
    answer = PackSummaries(items=items, listmeta=paging.told(len(items), found.count))
    return trimmed(answer, fields)


def _find(parts: Parts, paging: Paging, filters: str, order_by: str) -> tuple[Found[Entry], Look]:
    query, order = grammar.parse(filters), directions(order_by)
    unknown = [name for name, _ in order if name not in catalog.ORDERS]
    if unknown:
        raise ParameterInvalid(
            f"orderBy names {unknown[0][:100]!r}; packs are ordered by {', '.join(catalog.ORDERS)}."
        )
    by = [(name, sign < 0) for name, sign in order]
    with parts.store.read() as connection:
        found = catalog.versions(
            connection, query, order=by, limit=paging.limit, offset=paging.offset
        )
        few = found.items if len(found.items) <= _FEW else []
        return found, reading.look(parts, connection, few)


def _summaries(
    parts: Parts, those: Sequence[Entry], faults: Mapping[str, PackyardError]
) -> list[PackSummary]:
    uids = [entry.uid for entry in those]
    with parts.store.read() as connection:
        kinds = reading.kinds(connection)
        values = reading.values_of(connection, uids)
        logos = reading.with_logo(connection, uids)
    return [
        PackSummary.of(
            entry,
            kinds.get(entry.source, ""),
            values.get(entry.uid, ""),
            logo=entry.uid in logos,
            fault="" if entry.uid in values else reading.said(faults.get(entry.uid)),
        )
        for entry in those
    ]


@router.post("/search")
def search(
    parts: Wired,
    _reader: Reading,
    paging: Paged,
    wanted: Annotated[Search | None, Body()] = None,
    q: Annotated[str, Query(description="Words in name, description and README.")] = "",
) -> FoundPacks:
    """Packs that meet every condition, each once for all registries that have it."""
    asked = wanted or Search()
    query = both(asked.filter.wanted().query(), words(q))
    sort = [(by.field, by.order == "desc") for by in asked.sort]
    with parts.store.read() as connection:
        found = catalog.packs_of(
            connection, query, sort=sort, limit=paging.limit, offset=paging.offset
        )
        newest = [one.newest for pack in found.items for one in pack.holdings]
        scopes = reading.scopes(connection)
        logos = reading.with_logo(connection, [entry.uid for entry in newest])
        differing = clashing.differing(connection, newest)
    items = [FoundPack.of(pack, scopes, logos, differing) for pack in found.items]
    return FoundPacks(items=items, listmeta=paging.told(len(items), found.count))


@router.get("/clashes")
def list_clashes(parts: Wired, _reader: Reading, paging: Paged) -> ClashingPacks:
    """Every name and version that several registries have with different content."""
    with parts.store.read() as connection:
        found = clashing.clashes(connection, limit=paging.limit, offset=paging.offset)
        names = reading.names(connection)
    items = [ClashingPack.of(clash, names) for clash in found.items]
    return ClashingPacks(items=items, listmeta=paging.told(len(items), found.count))
