"""Search over the catalog: conditions that all have to hold, pages by key.

Order is by name, then newest version first; a page's `next` is the place to go on from, stable
while rows come and go.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    bindparam,
    exists,
    or_,
    select,
)

from packyard.catalog.entries import Entry, addon_key, with_clouds
from packyard.catalog.tables import pack_clouds, packs
from packyard.errors import ParameterInvalid

PAGE_LIMIT = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """An empty condition holds for everything. Packs of cloud `all` match every cloud."""

    text: str = ""
    name: str = ""
    layer: str = ""
    addon_type: str = ""
    cloud: str = ""
    version: str = ""
    source: str = ""
    newest: bool = False
    names: Collection[str] | None = None
    """The only names that may be found; None for all."""


@dataclass(frozen=True, slots=True)
class Page:
    entries: list[Entry]
    next: str = ""


def search(connection: Connection, query: Query, *, limit: int = 100, after: str = "") -> Page:
    """Up to `limit` entries behind `after`, the `next` of the page before."""
    if not 1 <= limit <= PAGE_LIMIT:
        raise ParameterInvalid(f"limit is {limit}: it must be between 1 and {PAGE_LIMIT}.")
    conditions = _conditions(query)
    if after:
        conditions.append(_behind(after))
    rows = (
        connection.execute(
            select(packs)
            .where(*conditions)
            .order_by(packs.c.name, packs.c.version_key.desc(), packs.c.uid)
            .limit(limit + 1)
        )
        .mappings()
        .all()
    )
    page = with_clouds(connection, rows[:limit])
    return Page(page, _place(rows[limit - 1]) if len(rows) > limit else "")


def _conditions(query: Query) -> list[ColumnElement[bool]]:
    exact = {
        packs.c.name: query.name,
        packs.c.layer: query.layer,
        packs.c.addon_key: addon_key(query.addon_type),
        packs.c.version: query.version,
        packs.c.source: query.source,
    }
    conditions = [packs.c.gone_at == 0]
    conditions += [column == value for column, value in exact.items() if value]
    conditions += [
        packs.c.search_text.contains(word, autoescape=True) for word in query.text.lower().split()
    ]
    if query.names is not None:  # written out: there may be more than a statement has parameters
        only: BindParameter[list[str]] = bindparam(
            None, sorted(query.names), expanding=True, literal_execute=True
        )
        conditions.append(packs.c.name.in_(only))
    if query.cloud:
        conditions.append(
            exists().where(
                pack_clouds.c.pack == packs.c.uid, pack_clouds.c.cloud.in_([query.cloud, "all"])
            )
        )
    if query.newest:
        other = packs.alias()
        newer = or_(
            other.c.version_key > packs.c.version_key,
            and_(other.c.version_key == packs.c.version_key, other.c.uid < packs.c.uid),
        )
        same = and_(
            other.c.source == packs.c.source, other.c.name == packs.c.name, other.c.gone_at == 0
        )
        conditions.append(~exists().where(same, newer))
    return conditions


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
