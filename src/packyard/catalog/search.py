"""Search over the catalog: versions by pages, and packs, each with all registries that have it.

`search` goes by a key: its order is by name, then newest version first, and a page's `next` is the
place to go on from, stable while rows come and go. `versions` and `packs_of` go by an offset and
count, as the published API wants it. What is gone is found by nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    FromClause,
    RowMapping,
    String,
    and_,
    bindparam,
    cast,
    exists,
    func,
    or_,
    select,
)

from packyard.catalog import entries, statements
from packyard.catalog.entries import Entry
from packyard.catalog.query import Field, Op, Query
from packyard.catalog.tables import pack_names, packs, sources
from packyard.errors import ParameterInvalid

PAGE_LIMIT = 1000
_SEVERAL = 2
_FEW = 1000  # versions that are sooner sorted than found by going through all in their order
SORTS: dict[str, Column[Any]] = {
    "name": pack_names.c.name_key,
    "displayName": pack_names.c.display_key,
    "layer": pack_names.c.layer,
    "type": pack_names.c.type,
    "addOnType": pack_names.c.addon_key,
}
ORDERS: dict[str, ColumnElement[Any]] = {
    "metadata.name": packs.c.name,
    "metadata.uid": packs.c.uid,
    "metadata.creationTimestamp": packs.c.pushed_at,
    "metadata.lastModifiedTimestamp": packs.c.pushed_at,
    "spec.name": packs.c.name,
    "spec.displayName": packs.c.display_name,
    "spec.version": packs.c.version_key,
    "spec.layer": packs.c.layer,
    "spec.addonType": packs.c.addon_key,
    "spec.registryUid": packs.c.source,
}
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Page:
    entries: list[Entry]
    next: str = ""


@dataclass(frozen=True, slots=True)
class Found(Generic[_T]):
    """Some of what was found, and how many there are in all."""

    items: list[_T]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A registry that has a pack, and the newest version there; `type` is by its kind."""

    registry: str
    name: str
    kind: str
    type: str
    newest: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A pack, or a chart of that name, described by the newest version of all these registries."""

    name: str
    holdings: tuple[Holding, ...]

    @property
    def leading(self) -> Holding:
        """Where the newest version is."""
        return max(self.holdings, key=lambda one: entries.by_version(one.newest))


def search(
    connection: Connection,
    query: Query,
    *,
    newest: bool = False,
    only: Collection[str] | None = None,
    limit: int = 100,
    after: str = "",
) -> Page:
    """Up to `limit` entries behind `after`, the `next` of the page before; with `newest` only the
    newest version of each name, with `only` none of other names."""
    if not 1 <= limit <= PAGE_LIMIT:
        raise ParameterInvalid(f"limit is {limit}: it must be between 1 and {PAGE_LIMIT}.")
    conditions = [packs.c.gone_at == 0, statements.of_versions(query)]
    if only is not None:  # written out: there may be more than a statement has parameters
        names: BindParameter[list[str]] = bindparam(
            None, sorted(only), expanding=True, literal_execute=True
        )
        conditions.append(packs.c.name.in_(names))
    if newest:
        conditions.append(exists().where(pack_names.c.newest == packs.c.uid, *_OF_VERSION))
    if after:
        conditions.append(_behind(after))
    rows = _rows(connection, conditions, limit + 1)
    page = [entries.of_row(row) for row in rows[:limit]]
    return Page(page, _place(rows[limit - 1]) if len(rows) > limit else "")


def versions(
    connection: Connection,
    query: Query,
    *,
    order: Sequence[tuple[str, bool]] = (),
    limit: int,
    offset: int = 0,
) -> Found[Entry]:
    """By name, newest version first; before that by `order`, which names keys of `ORDERS` and
    whether they fall."""
    count = _count_versions(connection, query)
    if offset >= count:
        return Found([], count)
    conditions = [packs.c.gone_at == 0, statements.of_versions(query)]
    if count <= _FEW:
        conditions = [packs.c.uid.in_(select(packs.c.uid).where(*_counted(query)))]
    by = [ORDERS[name].desc() if falls else ORDERS[name] for name, falls in _first_of_each(order)]
    rows = _rows(connection, conditions, limit, offset, by)
    return Found([entries.of_row(row) for row in rows], count)


def packs_of(
    connection: Connection,
    query: Query,
    *,
    sort: Iterable[tuple[str, bool]] = (),
    limit: int,
    offset: int = 0,
) -> Found[Listed]:
    """Packs whose newest version is what was asked for, and of each the registries where it is.

    `sort` names keys of `SORTS`, and whether they fall.
    """
    names, where = _matching(query)
    keys = names.c.name, names.c.is_chart
    order: list[Any] = []
    for name, falls in _first_of_each(sort):
        of_pack = func.min(names.c[SORTS[name].name])
        order.append(of_pack.desc() if falls else of_pack)
    wanted = select(*keys).where(*where)
    counted = select(func.count()).select_from(wanted.distinct().subquery())
    told: list[Any] = []
    if not where:
        told = [func.aggregate_strings(cast(names.c.id, String), ","), counted.scalar_subquery()]
    grouped = wanted.group_by(*keys).add_columns(*told).order_by(*order, *keys)
    rows = connection.execute(grouped.limit(limit).offset(offset)).all()
    if told and rows:
        numbers = [int(one) for row in rows for one in row[2].split(",")]
        holdings, count = _holdings(connection, pack_names.c.id.in_(numbers)), rows[0][3]
    else:
        of_page = pack_names.c.name.in_([row[0] for row in rows]), statements.of_names(query)
        holdings = _holdings(connection, *of_page)
        count = _count(connection, counted, len(rows), limit, offset)
    items = [Listed(name=row[0], holdings=tuple(holdings[row[0], row[1]])) for row in rows]
    return Found(items, count)


def _matching(query: Query) -> tuple[FromClause, list[ColumnElement[bool]]]:
    """What to read rows of `pack_names` from, and what they still have to meet. Several words are
    looked for once, for the page and the count; else a page is sooner found than all."""
    meant = statements.of_names(query)
    if sum(one.field is Field.TEXT for each in query for one in each) < _SEVERAL:
        return pack_names, [meant]
    told = pack_names.c.id, pack_names.c.name, pack_names.c.is_chart, *SORTS.values()
    columns = {column.name: column for column in told}
    return select(*columns.values()).where(meant).cte("matching"), []


_OF_VERSION = (pack_names.c.source == packs.c.source, pack_names.c.name == packs.c.name)
_ORDER = (packs.c.name, packs.c.version_key.desc(), packs.c.uid)


def _rows(
    connection: Connection,
    conditions: list[ColumnElement[bool]],
    limit: int,
    offset: int = 0,
    by: Sequence[Any] = (),
) -> Sequence[RowMapping]:
    """The keys come from an index alone; whole rows are read of this page only."""
    order = (*by, *_ORDER)
    found = select(packs.c.uid).where(*conditions).order_by(*order).limit(limit).offset(offset)
    uids = list(connection.scalars(found))
    whole = select(packs).where(packs.c.uid.in_(uids)).order_by(*order)
    return connection.execute(whole).mappings().all()


def _counted(query: Query) -> tuple[ColumnElement[bool], ...]:
    return packs.c.gone_at == 0, statements.of_counted_versions(query)


def _count_versions(connection: Connection, query: Query) -> int:
    """All but those of one name are counted as all without these: each has an index."""

    def count(query: Query) -> int:
        counted = select(func.count()).select_from(packs).where(*_counted(query))
        return connection.scalar(counted) or 0

    excluded = [one for one in query[0] if (one.field, one.op) == (Field.NAME, Op.IS_NOT)]
    if len(query) > 1 or len(excluded) != 1:
        return count(query)
    rest = tuple(one for one in query[0] if one not in excluded)
    return count((rest,)) - count(((*rest, replace(excluded[0], op=Op.IS)),))


def _count(connection: Connection, counted: Any, given: int, limit: int, offset: int) -> int:
    """What the page itself tells is not asked for."""
    if given < limit and (given or not offset):
        return offset + given
    return connection.scalar(counted) or 0


def _holdings(
    connection: Connection, *wanted: ColumnElement[bool]
) -> dict[tuple[str, bool], list[Holding]]:
    """By name and whether it is a chart, of these rows of `pack_names`; the own registry first,
    then by name."""
    rows = connection.execute(
        select(
            packs,
            pack_names.c.type,
            pack_names.c.is_chart,
            sources.c.kind,
            sources.c.name.label("registry"),
        )
        .join_from(pack_names, packs, packs.c.uid == pack_names.c.newest)
        .join(sources, sources.c.uid == pack_names.c.source)
        .where(*wanted)
        .order_by(sources.c.kind != "default", sources.c.name)
    ).mappings()
    found: dict[tuple[str, bool], list[Holding]] = {}
    for row in rows:
        holding = Holding(
            registry=row["source"],
            name=row["registry"],
            kind=row["kind"],
            type=row["type"],
            newest=entries.of_row(row),
        )
        found.setdefault((row["name"], row["is_chart"]), []).append(holding)
    return found


def _first_of_each(order: Iterable[tuple[str, bool]]) -> Iterable[tuple[str, bool]]:
    """What orders by the same once more orders nothing."""
    found: dict[str, bool] = {}
    for name, falls in order:
        found.setdefault(name, falls)
    return found.items()


def _place(row: RowMapping) -> str:
    key = [row["name"], row["version_key"], row["uid"]]
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _behind(place: str) -> ColumnElement[bool]:
    try:
        padded = place + "=" * (-len(place) % 4)
        known = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        is_place = isinstance(known, list) and len(known) == 3 and _are_texts(known)
    except (ValueError, RecursionError, binascii.Error):
        is_place = False
    if not is_place:
        raise ParameterInvalid(
            f"after is {place[:80]!r}, which is not the `next` of an answer: pass it unchanged."
        )
    name, version_key, uid = known
    same_name = packs.c.name == name
    same_version = and_(same_name, packs.c.version_key == version_key)
    return or_(
        packs.c.name > name,
        and_(same_name, packs.c.version_key < version_key),
        and_(same_version, packs.c.uid > uid),
    )


def _are_texts(values: list[object]) -> bool:
    """Whether all are texts that have a form in UTF-8, as the database wants them."""
    return all(
        isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)
        for value in values
    )
